/**
 * The name of an object's class, as people wrote it: that of the nearest class above where its own has none.
 *
 * @param object an instance of any class
 */
export function classNameOf(object: object): string {
  for (let holder: object | null = object; holder !== null; holder = Object.getPrototypeOf(holder)) {
    const type: unknown = Object.hasOwn(holder, "constructor") ? holder.constructor : undefined;
    if (typeof type === "function" && typeof type.name === "string" && type.name !== "") {
      return type.name;
    }
  }
  return "Object";
}
