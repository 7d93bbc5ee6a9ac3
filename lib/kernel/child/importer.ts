/** `import` in a cell: resolved as from a module in the notebook's folder; what is local is read again when it changed. */
import { createRequire } from "node:module";
import { join } from "node:path";
import vm from "node:vm";
import { Resolver } from "../modules/resolver.ts";
import { LocalModules } from "./local-modules.ts";
import * as tslab from "./tslab.ts";

export interface ImportOptions {
  readonly with?: Record<string, string>;
}

export type Namespace = Record<string, unknown>;
type NativeImport = (specifier: string, options?: ImportOptions) => Promise<Namespace>;

/** Imports for cells whose folder is `folder`. */
export class Importer {
  readonly #folder: string;
  /** The file as whose code cells import. */
  readonly #file: string;
  readonly #resolver: Resolver;
  readonly #native = new Map<string, NativeImport>();
  readonly #local: LocalModules;
  /** What `import.meta` is in a cell. */
  readonly meta: Readonly<Record<string, unknown>>;
  readonly require: NodeJS.Require;

  constructor(folder: string) {
    this.#folder = folder;
    const file = join(folder, "notebook.mjs");
    const require = createRequire(file);
    this.#file = file;
    this.#resolver = new Resolver(folder);
    this.#local = new LocalModules(this.#resolver, (specifier, from) => this.#external(specifier, from));
    this.require = Object.assign(
      (id: string): unknown => {
        if (id === "tslab") {
          return tslab;
        }
        this.#local.forgetChangedCommonJs();
        const mapped = this.#local.requirable(id, file);
        return require(mapped);
      },
      { resolve: require.resolve, cache: require.cache, extensions: require.extensions, main: require.main },
    ) as NodeJS.Require;
    this.meta = { ...this.#local.metaOf(file), main: true };
  }

  async import(specifier: string, options?: ImportOptions): Promise<Namespace> {
    const found = specifier === "tslab" ? undefined : this.#local.find(specifier, this.#file);
    if (found !== undefined) {
      return this.#local.import(found);
    }
    return this.#external(specifier, this.#folder, options);
  }

  async #external(specifier: string, folder: string, options?: ImportOptions): Promise<Namespace> {
    if (specifier === "tslab") {
      return { ...tslab, default: tslab };
    }
    return this.#nativeImport(folder)(specifier, options);
  }

  /** A script that has a path resolves its dynamic imports from there, with Node's own loader. */
  #nativeImport(folder: string): NativeImport {
    let found = this.#native.get(folder);
    if (found === undefined) {
      found = new vm.Script("(specifier, options) => import(specifier, options)", {
        filename: join(folder, "notebook.mjs"),
        importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
      }).runInThisContext() as NativeImport;
      this.#native.set(folder, found);
    }
    return found;
  }
}
