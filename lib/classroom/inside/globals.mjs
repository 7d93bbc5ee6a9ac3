/**
 * A part of the guard: JavaScript's own objects, and Node's modules that tests rely on, are what they were while the grader's cells run.
 *
 * @param tools Of the guard: `require` of the kernel; how a property, or all of an object's, are held or fixed; what closes an object for new
 *   names.
 */
export default function holdGlobals({ load, hold, holdAll, fixed, close }) {
  const { ownKeys, getPrototypeOf } = Reflect;
  const root = globalThis;

  const globals = `
    Object Function Array String Number Boolean Symbol BigInt Error TypeError RangeError SyntaxError Map
    Set WeakMap WeakSet Promise RegExp Date ArrayBuffer DataView Float32Array Float64Array Int8Array
    Int16Array Int32Array Uint8Array Uint8ClampedArray Uint16Array Uint32Array BigInt64Array
    BigUint64Array Proxy URL TextEncoder TextDecoder Buffer AbortController AggregateError EvalError
    ReferenceError
  `
    .trim()
    .split(/\s+/);
  const spaces = `
    JSON Math Reflect Atomics Intl performance crypto
  `
    .trim()
    .split(/\s+/);
  const functions = `
    isNaN isFinite parseInt parseFloat setTimeout setInterval setImmediate clearTimeout queueMicrotask
    structuredClone encodeURIComponent decodeURIComponent
  `
    .trim()
    .split(/\s+/);
  for (const name of globals) {
    const value = root[name];
    if (typeof value === "function") {
      holdAll(value, name);
      const { prototype } = value;
      if (typeof prototype === "object" && prototype !== null) {
        holdAll(prototype, `${name}.prototype`);
      }
      hold(root, name, name);
    }
  }
  holdAll(getPrototypeOf(Int8Array), "TypedArray");
  holdAll(getPrototypeOf(Int8Array.prototype), "TypedArray.prototype");
  const arrayIterator = getPrototypeOf([].values());
  const generators = getPrototypeOf(async () => {});
  for (const owner of [
    arrayIterator,
    getPrototypeOf(arrayIterator),
    getPrototypeOf(new Map().entries()),
    getPrototypeOf(new Set().values()),
    getPrototypeOf(""[Symbol.iterator]()),
    generators,
    getPrototypeOf(function* () {}),
    getPrototypeOf(async function* () {}),
  ]) {
    for (const name of ownKeys(owner)) {
      fixed(owner, name);
    }
    close(owner);
  }
  for (const name of spaces) {
    const value = root[name];
    if (typeof value === "object" && value !== null) {
      holdAll(value, name);
      hold(root, name, name);
    }
  }
  for (const name of functions) {
    hold(root, name, name);
  }

  // Node's modules that tests use, with their functions and classes.
  for (const name of [
    "node:assert",
    "node:util",
    "node:path",
    "node:crypto",
    "node:fs",
    "node:fs/promises",
    "node:perf_hooks",
    "node:timers",
    "node:buffer",
    "node:url",
    "node:module",
    "node:os",
  ]) {
    const exported = load(name);
    if (typeof exported === "object" || typeof exported === "function") {
      // Others add to what Node exports: graceful-fs does.
      holdAll(exported, name.slice(5), name === "node:assert");
    }
  }
  const assert = load("node:assert");
  for (const part of [assert.strict, assert.AssertionError?.prototype]) {
    if (part !== undefined) {
      holdAll(part, "assert");
    }
  }
  for (const [part, label] of [
    [load("node:module").prototype, "module.prototype"],
    [load("node:module")._extensions, "module._extensions"],
  ]) {
    if (typeof part === "object" && part !== null) {
      holdAll(part, label, false);
    }
  }
  for (const name of ["getBuiltinModule", "cwd", "hrtime", "nextTick"]) {
    hold(process, name, `process.${name}`);
  }
}
