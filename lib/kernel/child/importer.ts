/** `import` in a cell: resolved as from a module in the notebook's folder. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";

export interface ImportOptions {
  readonly with?: Record<string, string>;
}

type Namespace = Record<string, unknown>;
type NativeImport = (specifier: string, options?: ImportOptions) => Promise<Namespace>;

/** Imports for cells whose folder is `folder`. */
export class Importer {
  readonly #folder: string;
  readonly #native: NativeImport;
  /** What `import.meta` is in a cell. */
  readonly meta: Readonly<Record<string, unknown>>;
  readonly require: NodeJS.Require;

  constructor(folder: string) {
    this.#folder = folder;
    const file = join(folder, "notebook.mjs");
    this.require = createRequire(file);
    this.meta = {
      url: pathToFileURL(file).href,
      filename: file,
      dirname: folder,
      resolve: (specifier: string) => pathToFileURL(this.require.resolve(specifier)).href,
    };
    // A script that has a path resolves its dynamic imports from there, with Node's own loader.
    this.#native = new vm.Script("(specifier, options) => import(specifier, options)", {
      filename: file,
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    }).runInThisContext() as NativeImport;
  }

  async import(specifier: string, options?: ImportOptions): Promise<Namespace> {
    try {
      return await this.#native(specifier, options);
    } catch (error) {
      throw explainMissing(error, specifier, this.#folder);
    }
  }
}

/** A package that is not installed gets the line that installs it. */
function explainMissing(error: unknown, specifier: string, folder: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ERR_MODULE_NOT_FOUND" && !/^[./]|^\w+:/.test(specifier)) {
    const name = specifier
      .split("/")
      .slice(0, specifier.startsWith("@") ? 2 : 1)
      .join("/");
    if (message.includes(`'${name}'`)) {
      const explained = new Error(
        `Cannot find the package "${name}" from ${folder}. To install it: npm install ${name}`,
      );
      explained.name = "ModuleNotFoundError";
      Object.assign(explained, { code });
      return explained;
    }
  }
  return error;
}
