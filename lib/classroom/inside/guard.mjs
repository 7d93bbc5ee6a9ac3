/**
 * What runs in a TypeScript kernel before any cell of a submission, and keeps the grader's ground. Its text is sent to the kernel, so that it
 * imports nothing.
 *
 * While a cell of the grader runs ("armed"), JavaScript's own objects, Node's modules that tests rely on, and what the grader's cells
 * declared are what they were before: each is a property that cannot be defined anew, whose getter gives the original as long as the
 * grader's cell runs, and the student's value otherwise. What reads the process as a debugger does, hands out the promises that others wait
 * for, or comes between an import and its module is taken away. A grader's cell that came to its end is proven by an answer that only this
 * function can give; where something was done for good that the tests would stand on, it gives none.
 *
 * While a cell of the grader's runs that has no tests ("trusted"), it finds the originals as well, and may change them.
 */
export default function guard(key, { takeAwayWays, holdGlobals, makePackageHolder }) {
  const { apply, defineProperty, getOwnPropertyDescriptor, ownKeys, preventExtensions, deleteProperty } = Reflect;
  const charCodeAt = String.prototype.charCodeAt;
  const toText = String;
  const Big = BigInt;
  const { isExtensible } = Object;
  const objects = Object.prototype;
  const root = globalThis;
  const Refusal = TypeError;

  let armed = false;
  let trusted = false;
  /** Counts the cells of the grader's: what one of them sets it finds again. */
  let period = 1;
  /** What was done for good, so that nothing can be proven any more. */
  let spoiled = "";
  let nonce = "";
  let factor = 0n;
  let offset = 0n;
  /** What the grader's cell showed as its grade: texts, joined; how often. */
  let grades = "";
  let shown = 0;
  let tampered = "";
  /** What may get no more names while the grader's cells run, and the names that each had: lists without methods. */
  const closed = [];
  const closedNames = [];
  let closedCount = 0;
  const close = (owner) => {
    const names = { __proto__: null };
    for (const name of ownKeys(owner)) {
      names[name] = true;
    }
    closedNames[closedCount] = names;
    closed[closedCount++] = owner;
  };

  const spoil = (what) => {
    spoiled = spoiled === "" ? what : spoiled;
  };

  const note = (what) => {
    if (tampered.length < 400) {
      tampered = `${tampered}${tampered === "" ? "" : ", "}${what}`;
    }
  };

  /** Has a property give its present value while armed. Others may set it meanwhile, and get theirs back afterwards. */
  const hold = (owner, name, label) => {
    const found = getOwnPropertyDescriptor(owner, name);
    if (found === undefined || !found.configurable) {
      return;
    }
    if (!("value" in found)) {
      // Getters of prototypes (`size`, `byteLength`): nobody replaces them for good reasons.
      defineProperty(owner, name, { ...found, configurable: false });
      return;
    }
    const original = found.value;
    if (typeof original !== "function" && (typeof original !== "object" || original === null)) {
      return;
    }
    let current = original;
    let since = 0;
    defineProperty(owner, name, {
      get: () => (armed || (trusted && since !== period) ? original : current),
      set(value) {
        if (this !== owner && this !== undefined && this !== null) {
          // As with a plain property that is inherited: the object gets its own.
          defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
          return;
        }
        if (armed) {
          note(label);
          throw new Refusal(`${label} cannot be changed while tests run`);
        }
        current = value;
        since = period;
      },
      enumerable: found.enumerable === true,
      configurable: false,
    });
  };

  /** Properties that engines and libraries go through at every step: they are fixed, not watched. */
  const fixed = (owner, name) => {
    const found = getOwnPropertyDescriptor(owner, name);
    if (found?.configurable) {
      defineProperty(owner, name, { ...found, ...("value" in found && { writable: false }), configurable: false });
    }
  };

  const holdAll = (owner, label, isClosed = true) => {
    for (const name of ownKeys(owner)) {
      if (typeof name === "symbol") {
        fixed(owner, name);
      } else if (name !== "prototype" && name !== "length" && name !== "name") {
        hold(owner, name, `${label}.${name}`);
      }
    }
    if (isClosed) {
      close(owner);
    }
  };

  // Libraries set it, also after it became impossible to add anything.
  if (getOwnPropertyDescriptor(Error, "prepareStackTrace") === undefined) {
    Error.prepareStackTrace = undefined;
  }

  // So does vega-lite with how sets are written as JSON; tests know nothing of it.
  for (const owner of [Set.prototype, Map.prototype]) {
    let current;
    defineProperty(owner, "toJSON", {
      get: () => (armed || trusted ? undefined : current),
      set(value) {
        if (this === owner) {
          current = value;
        } else {
          defineProperty(this, "toJSON", { value, writable: true, enumerable: true, configurable: true });
        }
      },
      enumerable: false,
      configurable: false,
    });
  }

  const load = root.require;
  takeAwayWays({ load, fixed });
  holdGlobals({ load, hold, holdAll, fixed, close });
  // What the grader's cells read by a relative path lies where the notebook does.
  const { cwd, chdir } = process;
  const home = apply(cwd, process, []);
  let place = home;
  const go = (folder) => {
    try {
      apply(chdir, process, [folder]);
    } catch {
      if (folder === home) {
        spoil("the folder of the notebook");
      }
    }
  };
  if (typeof chdir === "function") {
    defineProperty(process, "chdir", {
      value: function chdirGuarded(folder) {
        if (armed) {
          note("process.chdir");
          throw new Refusal("The folder cannot be changed while tests run");
        }
        apply(chdir, process, [folder]);
      },
      writable: false,
      enumerable: true,
      configurable: false,
    });
  }
  load("node:module").syncBuiltinESMExports?.();

  // The way out of this process is the same when a cell has ended as it was before.
  const { fstatSync } = load("node:fs");
  const { ino, dev } = fstatSync(3);
  const isSameWay = () => {
    const now = fstatSync(3);
    return now.ino === ino && now.dev === dev;
  };

  // The way by which everything is shown.
  const type = "application/x-convbook-grade+json";
  const io = globalThis[Symbol.for("jupyter.notebook.io")];
  const { stringify } = JSON;
  if (io !== undefined) {
    const show = io.display;
    defineProperty(io, "display", {
      value: function display(bundle, options) {
        if (armed && typeof bundle === "object" && bundle !== null && type in bundle) {
          shown++;
          const given = bundle[type];
          grades = `${grades}${shown === 1 ? "" : ","}${typeof given === "string" ? given : (stringify(given) ?? "null")}`;
        }
        apply(show, io, [bundle, options ?? {}]);
      },
      writable: false,
      enumerable: true,
      configurable: false,
    });
  }
  const own = root.display;
  if (typeof own === "function") {
    Object.freeze(own);
  }

  /** Names that the grader's cells declared: their values while armed. */
  const kept = Object.create(null);
  /** Those of them that the cell which runs declares itself. */
  let free = Object.create(null);
  const eachName = (names, act) => {
    let name = "";
    for (let i = 0; i <= names.length; i++) {
      const character = names[i] ?? " ";
      if (character !== " ") {
        name = `${name}${character}`;
        continue;
      }
      if (name !== "") {
        act(name);
      }
      name = "";
    }
  };
  /** Whoever took a name for good before the grader did keeps it: what the tests would find under it is not theirs. */
  const spoilTaken = (name) => {
    if (kept[name] === undefined && getOwnPropertyDescriptor(root, name)?.configurable === false) {
      spoil(name);
    }
  };
  const keepOne = (name) => {
    const found = getOwnPropertyDescriptor(root, name);
    if (found === undefined) {
      return;
    }
    const known = kept[name];
    if (known !== undefined) {
      known.value = root[name];
      return;
    }
    if (!found.configurable) {
      spoilTaken(name);
      return;
    }
    const box = { value: root[name] };
    let current = box.value;
    let since = 0;
    if (found.get !== undefined) {
      // An import: what the module has, for as long as nobody declares the name anew.
      const { get } = found;
      imports[importCount++] = { name, get, set: found.set };
      return;
    }
    kept[name] = box;
    const freezable = box.value;
    if (typeof freezable === "function") {
      const { prototype } = freezable;
      if (typeof prototype === "object" && prototype !== null) {
        for (const each of ownKeys(prototype)) {
          fixed(prototype, each);
        }
        preventExtensions(prototype);
      }
      for (const each of ownKeys(freezable)) {
        fixed(freezable, each);
      }
    }
    defineProperty(root, name, {
      get: () => (armed || (trusted && since !== period) ? box.value : current),
      set: (value) => {
        if (armed && free[name] !== true) {
          note(name);
          throw new Refusal(`${name} is the tests' own and cannot be changed while they run`);
        }
        if (armed) {
          box.value = value;
        }
        current = value;
        since = period;
      },
      enumerable: true,
      configurable: false,
    });
  };
  const packages = makePackageHolder({
    hold,
    holdAll,
    fixed,
    note,
    isHeld: () => armed || trusted,
    withOriginals: (body) => {
      trusted = true;
      try {
        body();
      } finally {
        trusted = false;
      }
    },
  });

  const imports = [];
  let importCount = 0;
  const putImportsBack = () => {
    for (let i = 0; i < importCount; i++) {
      const { name, get, set } = imports[i];
      const found = getOwnPropertyDescriptor(root, name);
      // Importing the same again is nobody's fault.
      if (found?.get !== get) {
        defineProperty(root, name, { get, set, enumerable: true, configurable: true });
      }
    }
  };

  let isClosed = false;
  const arm = (given, a, b, names) => {
    if (!isClosed) {
      isClosed = true;
      for (let i = 0; i < closedCount; i++) {
        const owner = closed[i];
        for (const name of ownKeys(owner)) {
          // What has been added to what every object has, or changes how values are written or awaited.
          if (owner === objects || typeof name === "symbol" || name === "toJSON" || name === "then") {
            if (closedNames[i][name] === true) {
              continue;
            }
            note(toText(name));
            if (!deleteProperty(owner, name)) {
              spoil(toText(name));
            }
          }
        }
        if (isExtensible(owner)) {
          preventExtensions(owner);
        }
      }
    }
    putImportsBack();
    packages.putEngineBack();
    place = apply(cwd, process, []);
    if (place !== home) {
      go(home);
    }
    free = { __proto__: null };
    eachName(names, (name) => {
      free[name] = true;
    });
    nonce = given;
    factor = Big(a);
    offset = Big(b);
    grades = "";
    shown = 0;
    armed = true;
  };

  /** What came of the grader's cell, with a code over it that needs what only the grader knows (a polynomial of one use, mod 2^127 - 1). */
  const prove = () => {
    if (!isSameWay()) {
      throw new Refusal("the way out of this process was changed");
    }
    if (spoiled !== "") {
      throw new Refusal(`${plain(spoiled)} was taken for good, and the tests stand on it`);
    }
    const text = `{"nonce":"${nonce}","shown":${shown},"tampered":"${plain(tampered)}","grades":[${grades}]}`;
    const prime = (1n << 127n) - 1n;
    let sum = 0n;
    let hex = "";
    for (let i = 0; i < text.length; i++) {
      const code = apply(charCodeAt, text, [i]);
      sum = ((sum + Big(code)) * factor) % prime;
      hex = `${hex}${digit(code >> 12)}${digit((code >> 8) & 15)}${digit((code >> 4) & 15)}${digit(code & 15)}`;
    }
    sum = (sum + offset) % prime;
    disarm();
    return `${hex}-${toText(sum)}`;
  };
  const digits = "0123456789abcdef";
  const digit = (value) => digits[value];
  const plain = (text) => {
    let out = "";
    for (let i = 0; i < text.length; i++) {
      const code = apply(charCodeAt, text, [i]);
      out = `${out}${code < 32 || code > 126 || code === 34 || code === 92 ? "?" : text[i]}`;
    }
    return out;
  };
  const disarm = () => {
    if (armed && place !== home) {
      go(place);
    }
    armed = false;
    trusted = false;
    period++;
    nonce = "";
    tampered = "";
  };

  const entry = (given, what, a = "", b = "", c = "", names = "") => {
    if (given !== key) {
      throw new Refusal("This function is the grader's");
    }
    switch (what) {
      case "arm":
        return arm(a, b, c, names);
      case "keep":
        return eachName(a, keepOne);
      case "taken":
        return eachName(a, spoilTaken);
      case "hold":
        return packages.holdModule(a, b);
      case "trust":
        putImportsBack();
        period++;
        trusted = true;
        return undefined;
      case "disarm":
        return disarm();
      case "prove":
        return prove();
      default:
        return undefined;
    }
  };
  Object.freeze(entry);
  // A cell that declares `const Math` gives later cells its own: the tests get these by name.
  const pristine = Object.create(null);
  for (const name of ownKeys(root)) {
    const found = getOwnPropertyDescriptor(root, name);
    if (typeof name === "string" && found !== undefined) {
      pristine[name] =
        "value" in found || name === "crypto" || name === "performance" || !found.configurable ? root[name] : undefined;
    }
  }
  defineProperty(root, "$classroomGlobals", {
    value: Object.freeze(pristine),
    writable: false,
    enumerable: false,
    configurable: false,
  });
  defineProperty(root, "$classroom", { value: entry, writable: false, enumerable: false, configurable: false });
}
