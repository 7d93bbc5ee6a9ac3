/**
 * A part of the guard: what the packages export that the grader's cells have imported, and TensorFlow.js's engine, are what they were while
 * those cells run.
 *
 * @param tools Of the guard: how a property is held or fixed; what tells of an attempt; whether the originals are to be found now, and what
 *   runs with them.
 */
export default function makePackageHolder({ hold, holdAll, fixed, note, isHeld, withOriginals }) {
  const { apply, defineProperty, getOwnPropertyDescriptor, ownKeys, getPrototypeOf, deleteProperty } = Reflect;
  const toText = String;
  const objects = Object.prototype;
  const root = globalThis;

  /** What a package exports: its classes' methods, and those of the objects that it exports, are the package's while the grader's cells run. */
  const seen = new WeakSet();
  const isSeen = WeakSet.prototype.has;
  const see = WeakSet.prototype.add;
  const holdExports = (exported, label, depth) => {
    if ((typeof exported !== "object" && typeof exported !== "function") || exported === null) {
      return;
    }
    if (apply(isSeen, seen, [exported])) {
      return;
    }
    apply(see, seen, [exported]);
    if (typeof exported === "function") {
      holdAll(exported, label, false);
      const { prototype } = exported;
      if (typeof prototype === "object" && prototype !== null && prototype !== objects) {
        holdAll(prototype, `${label}.prototype`, false);
      }
      return;
    }
    const parent = getPrototypeOf(exported);
    if (depth === 0 || (parent !== null && parent !== objects)) {
      return;
    }
    for (const name of ownKeys(exported)) {
      const found = typeof name === "string" ? getOwnPropertyDescriptor(exported, name) : undefined;
      if (found !== undefined && "value" in found) {
        holdExports(found.value, `${label}.${name}`, depth - 1);
        hold(exported, name, `${label}.${name}`);
      }
    }
  };
  const holdModule = (module, label) => {
    withOriginals(() => {
      for (const name of ownKeys(module)) {
        if (typeof name === "string") {
          holdExports(module[name], name === "default" ? label : name, 3);
        }
      }
      holdEngine();
    });
  };

  /** TensorFlow.js's engine, of which there is one: which backend computes, and by which kernels. */
  const mapGet = Map.prototype.get;
  const mapEach = Map.prototype.forEach;
  const registries = { __proto__: null };
  let engine;
  let backend;
  const backendNames = { __proto__: null };
  const holdEngine = () => {
    const globalsOfEngine = root._tfGlobals;
    if (typeof root._tfengine !== "object" || !(globalsOfEngine instanceof Map)) {
      return;
    }
    for (const name of ["kernelRegistry", "gradRegistry"]) {
      const registry = apply(mapGet, globalsOfEngine, [name]);
      if (!(registry instanceof Map)) {
        continue;
      }
      let originals = registries[name];
      if (originals === undefined) {
        originals = registries[name] = { __proto__: null };
        defineProperty(registry, "get", {
          value: (key) => (isHeld() && originals[key] !== undefined ? originals[key] : apply(mapGet, registry, [key])),
        });
      }
      apply(mapEach, registry, [
        (value, key) => {
          originals[key] ??= value;
        },
      ]);
    }
    if (engine === undefined) {
      engine = root._tfengine;
      fixed(root, "_tfengine");
    }
    if (backend === undefined && typeof engine.backendName === "string" && typeof engine.backendInstance === "object") {
      const { backendName, backendInstance } = engine;
      backend = { __proto__: null, backendName, backendInstance };
      for (const name of ownKeys(backendInstance)) {
        backendNames[name] = true;
      }
      const parent = getPrototypeOf(backendInstance);
      if (parent !== null && parent !== objects) {
        holdAll(parent, "backend", false);
      }
    }
  };
  const putEngineBack = () => {
    if (backend === undefined) {
      return;
    }
    const { backendInstance } = backend;
    for (const name of ownKeys(backendInstance)) {
      // A method of its own in place of its class's. The engine has such ones for good reasons: libraries watch it work.
      if (backendNames[name] !== true && typeof backendInstance[name] === "function") {
        note(toText(name));
        deleteProperty(backendInstance, name);
      }
    }
    if (engine.backendName !== backend.backendName || engine.backendInstance !== backend.backendInstance) {
      engine.backendName = backend.backendName;
      engine.backendInstance = backend.backendInstance;
    }
  };

  return { holdModule, putEngineBack };
}
