/**
 * Modules that a notebook reaches by path: TypeScript or JavaScript files beside it. They are compiled here and linked
 * anew when they, or a file they import, changed since; packages go to Node's own loader.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import vm from "node:vm";
import { parse } from "acorn";
import { CellSyntaxError, removeTypes } from "../compile/transform.ts";
import { post } from "./channel.ts";
import type { Namespace } from "./importer.ts";
import { UserError, userValue } from "./realm.ts";
import { registerSource } from "./stack.ts";

interface Loaded {
  readonly module: vm.Module;
  readonly modified: number;
  /** Local files that it imports. */
  readonly uses: Set<string>;
}

/** Imports of packages and built-in modules, for modules of a folder. */
type External = (specifier: string, folder: string) => Promise<Namespace>;

/** Extensions that an import may leave out, in the order in which they are tried. */
const extensions = [".ts", ".tsx", ".mts", ".js", ".mjs", ".jsx", ".cjs", ".json"];
const typed: Readonly<Record<string, readonly string[]>> = {
  ".js": [".ts", ".tsx"],
  ".mjs": [".mts"],
  ".jsx": [".tsx"],
  ".cjs": [".cts"],
};

export class LocalModules {
  readonly #external: External;
  readonly #loaded = new Map<string, Loaded>();
  readonly #commonJs = new Map<string, number>();
  readonly #require = createRequire(import.meta.url);

  constructor(external: External) {
    this.#external = external;
  }

  isLocal(specifier: string): boolean {
    return /^\.{1,2}(?:\/|$)|^\/|^file:/.test(specifier);
  }

  /** Imports a local file as a module in `folder` would. */
  async import(specifier: string, folder: string): Promise<Namespace> {
    const file = this.#resolve(specifier, folder);
    this.forgetChangedCommonJs();
    this.#forgetChanged();
    const module = await this.#load(file);
    if (module.status === "unlinked") {
      try {
        await module.link(((dependency: string, from: vm.Module) =>
          this.#dependency(dependency, from.identifier)) as vm.ModuleLinker);
      } catch (error) {
        this.#loaded.clear();
        throw error;
      }
    }
    if (module.status === "linked") {
      try {
        await module.evaluate();
      } catch (error) {
        this.#loaded.delete(file);
        throw error;
      }
    } else {
      await module.evaluate();
    }
    return module.namespace as Namespace;
  }

  /** CommonJS modules of the user that changed are taken out of Node's cache. */
  forgetChangedCommonJs(): void {
    const { cache } = this.#require;
    let changed = false;
    for (const [file, before] of this.#commonJs) {
      changed ||= modified(file) !== before;
    }
    for (const file of Object.keys(cache)) {
      if (!file.includes("node_modules") && !file.startsWith(ownFolder)) {
        if (changed) {
          delete cache[file];
        } else if (!this.#commonJs.has(file)) {
          this.#commonJs.set(file, modified(file));
        }
      }
    }
    if (changed) {
      this.#commonJs.clear();
    }
  }

  /** Drops every loaded module that changed, and those that import one that did. */
  #forgetChanged(): void {
    const stale = new Set<string>();
    for (const [file, { modified: before }] of this.#loaded) {
      if (modified(file) !== before) {
        stale.add(file);
      }
    }
    for (let grown = stale.size > 0; grown; ) {
      grown = false;
      for (const [file, { uses }] of this.#loaded) {
        if (!stale.has(file) && [...uses].some((used) => stale.has(used))) {
          stale.add(file);
          grown = true;
        }
      }
    }
    for (const file of stale) {
      this.#loaded.delete(file);
    }
  }

  async #dependency(specifier: string, from: string): Promise<vm.Module> {
    if (this.isLocal(specifier)) {
      const file = this.#resolve(specifier, dirname(from));
      this.#loaded.get(from)?.uses.add(file);
      return this.#load(file);
    }
    return synthetic(specifier, await this.#external(specifier, dirname(from)));
  }

  async #load(file: string): Promise<vm.Module> {
    const known = this.#loaded.get(file);
    if (known !== undefined) {
      return known.module;
    }
    const at = modified(file);
    post({ type: "module", file });
    const module = await this.#make(file);
    const raced = this.#loaded.get(file);
    if (raced !== undefined) {
      return raced.module;
    }
    this.#loaded.set(file, { module, modified: at, uses: new Set() });
    return module;
  }

  async #make(file: string): Promise<vm.Module> {
    const extension = extname(file);
    if (extension === ".json") {
      return synthetic(file, { default: userValue(JSON.parse(readFileSync(file, "utf8"))) });
    }
    const source = readFileSync(file, "utf8");
    if (extension === ".cjs" || extension === ".node" || (extension === ".js" && !isModule(source))) {
      const exported: unknown = this.#require(file);
      this.#commonJs.set(file, modified(file));
      const names = (typeof exported === "object" || typeof exported === "function") && exported ? { ...exported } : {};
      return synthetic(file, { ...names, default: exported });
    }
    let code = source;
    if (extension !== ".js" && extension !== ".mjs") {
      let compiled: Awaited<ReturnType<typeof removeTypes>>;
      try {
        compiled = await removeTypes(source, {}, /x$/.test(extension) ? "tsx" : "ts", false);
      } catch (error) {
        if (error instanceof CellSyntaxError) {
          const at = `${file}:${error.line}:${error.column}`;
          error.message = `${error.message} (${at})`;
          error.stack = `${error}\n    at ${at}`;
          registerSource(file, { code: "", js: "", segments: [], map: "", source });
        }
        throw error;
      }
      code = compiled.code;
      registerSource(file, { code, js: code, segments: [[0, 0, code.length]], map: compiled.map, source });
    }
    return new vm.SourceTextModule(code, {
      identifier: file,
      initializeImportMeta: (meta) => {
        Object.assign(meta, { url: pathToFileURL(file).href, filename: file, dirname: dirname(file) });
      },
      importModuleDynamically: ((specifier: string) =>
        this.isLocal(specifier)
          ? this.import(specifier, dirname(file))
          : this.#external(specifier, dirname(file))) as never,
    });
  }

  /** The file that a path in an import means: with its extension, or as TypeScript lets it be written. */
  #resolve(specifier: string, folder: string): string {
    const path = specifier.startsWith("file:")
      ? fileURLToPath(specifier)
      : resolve(folder, specifier.replace(/\?.*$/, ""));
    const extension = extname(path);
    const candidates = [
      path,
      ...(typed[extension] ?? []).map((other) => path.slice(0, -extension.length) + other),
      ...extensions.map((other) => path + other),
      ...extensions.map((other) => join(path, `index${other}`)),
    ];
    const found = candidates.find((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile());
    if (found === undefined) {
      const error = new UserError(
        `Cannot find the module ${specifier} from ${folder}${existsSync(path) ? " (it is a folder without index)" : ""}`,
      );
      error.name = "ModuleNotFoundError";
      throw Object.assign(error, { code: "ERR_MODULE_NOT_FOUND" });
    }
    return found;
  }
}

const ownFolder = fileURLToPath(new URL("..", import.meta.url));

function modified(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** JavaScript that imports or exports is a module; everything else is CommonJS. */
function isModule(source: string): boolean {
  try {
    const { body } = parse(source, { ecmaVersion: "latest", sourceType: "module", allowHashBang: true });
    return body.some(({ type }) => /^(?:Import|Export)/.test(type));
  } catch {
    return false;
  }
}

function synthetic(identifier: string, values: Namespace): vm.Module {
  const names = Object.keys(values);
  return new vm.SyntheticModule(
    names,
    function (this: vm.SyntheticModule) {
      for (const name of names) {
        this.setExport(name, values[name]);
      }
    },
    { identifier },
  );
}
