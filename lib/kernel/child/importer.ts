/** `import` in a cell: resolved as from a module in the notebook's folder; what is local is read again when it changed. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import { LocalModules } from "./local-modules.ts";
import { UserError } from "./realm.ts";
import * as tslab from "./tslab.ts";

export interface ImportOptions {
  readonly with?: Record<string, string>;
}

export type Namespace = Record<string, unknown>;
type NativeImport = (specifier: string, options?: ImportOptions) => Promise<Namespace>;

/** Imports for cells whose folder is `folder`. */
export class Importer {
  readonly #folder: string;
  readonly #native = new Map<string, NativeImport>();
  readonly #local: LocalModules;
  /** What `import.meta` is in a cell. */
  readonly meta: Readonly<Record<string, unknown>>;
  readonly require: NodeJS.Require;

  constructor(folder: string) {
    this.#folder = folder;
    const file = join(folder, "notebook.mjs");
    const require = createRequire(file);
    this.#local = new LocalModules((specifier, from) => this.#external(specifier, from));
    this.require = Object.assign(
      (id: string): unknown => {
        if (id === "tslab") {
          return tslab;
        }
        this.#local.forgetChangedCommonJs();
        try {
          return require(id);
        } catch (error) {
          throw explainMissing(error, id, folder);
        }
      },
      { resolve: require.resolve, cache: require.cache, extensions: require.extensions, main: require.main },
    ) as NodeJS.Require;
    this.meta = {
      url: pathToFileURL(file).href,
      filename: file,
      dirname: folder,
      resolve: (specifier: string) =>
        /^\.{0,2}\//.test(specifier)
          ? new URL(specifier, pathToFileURL(file)).href
          : pathToFileURL(require.resolve(specifier)).href,
    };
  }

  async import(specifier: string, options?: ImportOptions): Promise<Namespace> {
    if (this.#local.isLocal(specifier)) {
      return this.#local.import(specifier, this.#folder);
    }
    return this.#external(specifier, this.#folder, options);
  }

  async #external(specifier: string, folder: string, options?: ImportOptions): Promise<Namespace> {
    if (specifier === "tslab") {
      return { ...tslab, default: tslab };
    }
    try {
      return await this.#nativeImport(folder)(specifier, options);
    } catch (error) {
      throw explainMissing(error, specifier, folder);
    }
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

/** A package that is not installed gets the line that installs it. */
function explainMissing(error: unknown, specifier: string, folder: string): unknown {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
  if (/^(?:ERR_)?MODULE_NOT_FOUND$/.test(code ?? "") && !/^[./]|^\w+:/.test(specifier)) {
    const name = specifier
      .split("/")
      .slice(0, specifier.startsWith("@") ? 2 : 1)
      .join("/");
    if (message.includes(`'${name}'`) || message.includes(`'${specifier}'`)) {
      const explained = new UserError(
        `Cannot find the package "${name}" from ${folder}. To install it: npm install ${name}`,
      );
      explained.name = "ModuleNotFoundError";
      Object.assign(explained, { code });
      return explained;
    }
  }
  return error;
}
