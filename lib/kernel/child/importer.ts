/** `import` in a cell: resolved as from a module in the notebook's folder; what is local is read again when it changed. */
import { createRequire, Module } from "node:module";
import { join } from "node:path";
import vm from "node:vm";
import { Resolver } from "../modules/resolver.ts";
import { hookImport } from "./import-hook.ts";
import { LocalModules } from "./local-modules.ts";
import { hookRequire } from "./require-hook.ts";
import * as tslab from "./tslab.ts";
import { hookWorkers } from "./workers.ts";

export interface ImportOptions {
  readonly with?: Record<string, string>;
}

export type Namespace = Record<string, unknown>;
// As they were before any cell ran.
const { Script, constants } = vm;
const { runInThisContext } = Script.prototype;

type NativeImport = (specifier: string, options?: ImportOptions) => Promise<Namespace>;

/** Imports for cells whose folder is `folder`. */
export class Importer {
  /** The file as whose code cells import. */
  readonly #file: string;
  readonly #resolver: Resolver;
  readonly #native = new Map<string, NativeImport>();
  readonly #local: LocalModules;
  /** What `import.meta` is in a cell. */
  readonly meta: Readonly<Record<string, unknown>>;
  readonly require: NodeJS.Require;
  /** What `module` is in a cell: that of the notebook, as in Node's own console, and `require.main`. */
  readonly module: NodeJS.Module;

  constructor(folder: string) {
    const file = join(folder, "notebook.mjs");
    const require = createRequire(file);
    this.#file = file;
    this.#resolver = new Resolver(folder);
    hookRequire(this.#resolver, file, hookImport(this.#resolver));
    hookWorkers(folder);
    this.#local = new LocalModules(this.#resolver, (...what) => this.#external(...what));
    this.require = Object.assign(
      (id: string): unknown => {
        if (id === "tslab") {
          return tslab;
        }
        this.#local.forgetChangedCommonJs();
        try {
          return require(this.#local.requirable(id, file));
        } finally {
          this.#local.noteCommonJs();
        }
      },
      { resolve: require.resolve, cache: require.cache, extensions: require.extensions, main: undefined },
    ) as NodeJS.Require;
    const paths = require.resolve.paths("x") ?? [];
    this.module = Object.assign(new Module(file), { filename: file, paths, require: this.require });
    this.require.main = this.module;
    this.meta = { ...this.#local.metaOf(file), main: true };
  }

  import(specifier: string, options?: ImportOptions): Promise<Namespace> {
    return this.#local.importFrom(specifier, this.#file, options);
  }

  async #external(specifier: string, folder: string, options?: ImportOptions): Promise<Namespace> {
    if (specifier === "tslab") {
      return { ...tslab, default: tslab };
    }
    return this.#nativeImport(folder)(specifier, options);
  }

  /** A script that has a path resolves its dynamic imports from there, with Node's own loader. */
  #nativeImport(folder: string): NativeImport {
    const known = this.#native.get(folder);
    if (known !== undefined) {
      return known;
    }
    const script = new Script("(specifier, options) => import(specifier, options)", {
      filename: join(folder, "notebook.mjs"),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    const made: NativeImport = Reflect.apply(runInThisContext, script, []);
    this.#native.set(folder, made);
    return made;
  }
}
