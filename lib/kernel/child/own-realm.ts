/**
 * A realm for the kernel's own code: `JSON`, `Array`, `Promise`, `String.prototype` and all else that JavaScript has, once
 * more. A cell that replaces or breaks the ones that it sees (a polyfill, a mistake, an experiment) does not reach these, and
 * the kernel goes on to answer. What Node gives, which is there only once, is copied before any cell runs.
 */
import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import { userGlobalName } from "./realm.ts";

const packageFolder = new URL("..", import.meta.url).href;

/** What the kernel's modules take from the global object beside JavaScript's own. */
const shared = [
  "AbortController",
  "TextDecoder",
  "TextEncoder",
  "URL",
  "URLSearchParams",
  "clearImmediate",
  "clearInterval",
  "clearTimeout",
  "performance",
  "queueMicrotask",
  "setImmediate",
  "setInterval",
  "setTimeout",
  "structuredClone",
] as const;

/**
 * Runs a module of this package, and what it imports of this package or of packages made of modules, in a realm of their own.
 *
 * @param entry Address of a module in this package's folder.
 */
export async function loadInOwnRealm(entry: string): Promise<void> {
  // Functions that a cell gets hold of lead to this realm's `Function`: it makes no code of texts.
  const codeGeneration = { strings: false, wasm: false };
  const context = vm.createContext(vm.constants.DONT_CONTEXTIFY, { name: "Convbook's kernel", codeGeneration });
  const globals: Record<string, unknown> = context;
  for (const name of shared) {
    globals[name] = globalThis[name];
  }
  globals.performance = pinned(performance);
  globals.Buffer = pinned(Buffer);
  globals.process = pinned(process);
  globals[userGlobalName] = globalThis;

  const modules = new Map<string, Promise<vm.Module>>();
  const load = (specifier: string, from: string): Promise<vm.Module> => {
    const address = resolve(specifier, from);
    let module = modules.get(address);
    if (module === undefined) {
      // A package's CommonJS is not for this loader; Node loads it, in the cells' realm.
      const own = address.startsWith(packageFolder) || (address.startsWith("file:") && address.endsWith(".mjs"));
      module = own ? ownModule(address) : foreignModule(address);
      modules.set(address, module);
    }
    return module;
  };
  const ownModule = async (address: string): Promise<vm.Module> =>
    new vm.SourceTextModule(readFileSync(fileURLToPath(address), "utf8"), {
      context,
      identifier: address,
      initializeImportMeta: (meta) => {
        meta.url = address;
        meta.resolve = (specifier: string, parent: string = address) => import.meta.resolve(specifier, parent);
      },
      // What is loaded later only (esbuild) is no module of this realm.
      importModuleDynamically: ((specifier: string) => import(resolve(specifier, address))) as never,
    });
  const foreignModule = async (address: string): Promise<vm.Module> => {
    const values: Record<string, unknown> = await import(address);
    const names = Object.keys(values);
    return new vm.SyntheticModule(
      names,
      function (this: vm.SyntheticModule) {
        for (const name of names) {
          this.setExport(name, values[name]);
        }
      },
      { context, identifier: address },
    );
  };

  const module = await load(entry, entry);
  await module.link(((specifier: string, from: vm.Module) => load(specifier, from.identifier)) as vm.ModuleLinker);
  await module.evaluate();
  // What cells reach by the prototype of such a function stays as it is.
  new vm.Script(`(${freezeRealm})(${JSON.stringify(shared)})`).runInContext(context);
}

/** Freezes what JavaScript itself gives a realm. Its text runs there, so that it uses nothing from around it. */
function freezeRealm(shared: readonly string[]): void {
  const { defineProperty, freeze, getPrototypeOf } = Object;
  const iterators = [[].values(), new Map().values(), new Set().values(), "".matchAll(/x/g), ""[Symbol.iterator]()];
  const functions = [async () => {}, function* () {}, async function* () {}];
  const found: unknown[] = [...iterators, ...functions].map((each) => getPrototypeOf(each));
  found.push(
    getPrototypeOf(getPrototypeOf([].values())),
    getPrototypeOf(Int8Array),
    getPrototypeOf(Int8Array.prototype),
  );
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    const value: unknown = Reflect.get(globalThis, name);
    const isOwn = (typeof value === "object" || typeof value === "function") && value !== null && value !== globalThis;
    // What Node gives is there only once, and the cells' as well.
    if (isOwn && !shared.includes(name) && !["Buffer", "process", "convbookUserGlobal"].includes(name)) {
      found.push(value, Reflect.get(value, "prototype"));
    }
  }
  // A property that is frozen on a prototype cannot be assigned on what inherits it either, as programs do with an error's name.
  // It is therefore given by a getter, and set on the object itself.
  const mayBeSet = (owner: object): void => {
    for (const [name, { value, writable }] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
      if (writable === true) {
        defineProperty(owner, name, {
          configurable: false,
          get: () => value,
          set(this: unknown, set: unknown) {
            if (this === owner || (typeof this !== "object" && typeof this !== "function") || this === null) {
              throw new TypeError(`${name} cannot be changed for all objects`);
            }
            defineProperty(this, name, { value: set, writable: true, enumerable: true, configurable: true });
          },
        });
      }
    }
  };
  for (const each of found) {
    if ((typeof each === "object" || typeof each === "function") && each !== null) {
      if (each === Object.prototype || each === Error.prototype || getPrototypeOf(each) === Error.prototype) {
        mayBeSet(each);
      }
      freeze(each);
    }
  }
}

function resolve(specifier: string, from: string): string {
  if (isBuiltin(specifier)) {
    return specifier;
  }
  return import.meta.resolve(specifier, from);
}

/** An object with the values and methods that another one has now, each method still called on that one. */
function pinned<T extends object>(original: T): T {
  const copy: Record<string, unknown> = {};
  for (
    let owner: object | null = original;
    owner !== null && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner)
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
      if (!(name in copy) || copy[name] === undefined) {
        copy[name] = typeof value === "function" && name !== "constructor" ? value.bind(original) : value;
      }
    }
  }
  return copy as T;
}
