/** Whether what an object says of itself for other threads still holds. */

/**
 * What an object's method describes of it, such as a data set's `shipment` and a transform's `toSpec`; undefined where there is no such method, and where a
 * subclass overrides another one without it: the description is that of the class above, from which another thread would build something else.
 *
 * @param object the object, or nothing
 * @param method the name of the method that describes it
 */
export function describedBy<T>(object: { toSpec?(): T | undefined } | undefined, method: "toSpec"): T | undefined;
export function describedBy<T>(object: { shipment?(): T | undefined }, method: "shipment"): T | undefined;
export function describedBy<T>(
  object: { toSpec?(): T | undefined; shipment?(): T | undefined } | undefined,
  method: "toSpec" | "shipment",
): T | undefined {
  return object === undefined || isOverridden(object, method) ? undefined : object[method]?.();
}

/** Whether the object itself, or a class below the one that has `method`, has a method or accessor in place of one that it inherits. */
function isOverridden(object: object, method: string): boolean {
  for (let holder: object | null = object; holder !== null; holder = Object.getPrototypeOf(holder)) {
    if (Object.hasOwn(holder, method)) {
      return false;
    }
    const above: object | null = Object.getPrototypeOf(holder);
    for (const [name, own] of Object.entries(Object.getOwnPropertyDescriptors(holder))) {
      const isBehaviour = typeof own.value === "function" || own.get !== undefined;
      if (isBehaviour && name !== "constructor" && above !== null && name in above) {
        return true;
      }
    }
  }
  return false;
}
