/**
 * Modules that a notebook reaches by path: TypeScript or JavaScript files beside it. They are compiled here and linked
 * anew when they, or a file they import, changed since; packages go to Node's own loader.
 */
import { readFileSync, statSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { dirname, extname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import vm from "node:vm";
import { removeTypes } from "../compile/remove-types.ts";
import { fileAt, isDeclaration, isTypeScript, isUsers } from "../modules/files.ts";
import type { Resolver } from "../modules/resolver.ts";
import { codeOf, messageOf, urlOf } from "../values.ts";
import { post } from "../wire/channel.ts";
import type { ImportOptions, Namespace } from "./importer.ts";
import { UserError, userValue } from "./realm.ts";
import { registerSource } from "./stack.ts";
import { isCommonJs, isModule, loaderOf, placed } from "./typescript.ts";

// As they were before any cell ran.
const { SourceTextModule, SyntheticModule } = vm;

interface Loaded {
  readonly module: vm.Module;
  readonly modified: number;
  /** Local files that it imports. */
  readonly uses: Set<string>;
}

/** What Node says of an import that is linked. */
interface LinkedImport {
  readonly attributes?: Record<string, string>;
}

/** Imports of packages and built-in modules, for modules of a folder. */
type External = (specifier: string, folder: string, options?: ImportOptions) => Promise<Namespace>;

export class LocalModules {
  readonly #resolver: Resolver;
  readonly #external: External;
  readonly #loaded = new Map<string, Loaded>();
  readonly #commonJs = new Map<string, number>();
  readonly #require = createRequire(import.meta.url);

  constructor(resolver: Resolver, external: External) {
    this.#resolver = resolver;
    this.#external = external;
  }

  /**
   * The file that is compiled and linked here, for an import in a module: undefined where Node's own loader takes it, as it
   * does JavaScript of packages.
   */
  find(specifier: string, from: string): string | undefined {
    return this.#asUser(() => this.#find(specifier, from));
  }

  /** What `import.meta` is in a module, or as whose code something runs. */
  metaOf(file: string): Record<string, unknown> {
    const url = pathToFileURL(file).href;
    const resolve = (specifier: string): string => {
      if (/^\.{0,2}\//.test(specifier)) {
        return new URL(specifier, url).href;
      }
      const found = this.find(specifier, file);
      return found === undefined ? import.meta.resolve(specifier, url) : pathToFileURL(found).href;
    };
    return { url, filename: file, dirname: dirname(file), main: false, resolve };
  }

  /** An error of this realm is one of the cells' when it leaves. */
  #asUser<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Error) || error instanceof UserError) {
        throw error;
      }
      const { name, message } = error;
      throw Object.assign(new UserError(message), { name, code: codeOf(error) });
    }
  }

  /** What `require` is to be asked for: a name that the project's `paths` map is a file. */
  requirable(id: string, from: string): string {
    const path = /^\.{1,2}(?:\/|$)|^\//.test(id);
    return path ? id : this.#asUser(() => this.#resolver.find(id, from)?.file ?? id);
  }

  #find(specifier: string, from: string): string | undefined {
    if (specifier === "tslab") {
      return undefined;
    }
    const found = this.#resolver.find(specifier, from);
    if (found !== undefined) {
      return found.file;
    }
    if (isBuiltin(specifier) || /^(?:node|data):/.test(specifier)) {
      return undefined;
    }
    let file: string;
    try {
      const url = import.meta.resolve(specifier, pathToFileURL(from).href);
      if (!url.startsWith("file:")) {
        return undefined;
      }
      file = fileURLToPath(url);
      if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
        throw Object.assign(new Error(`Cannot find module '${file}'`), { code: "ERR_MODULE_NOT_FOUND", url });
      }
    } catch (error) {
      return this.#resolver.recover(error, specifier, from).file;
    }
    return isTypeScript(file) || (/\.json$/.test(file) && isUsers(from)) ? file : undefined;
  }

  /** Imports what an import in a file names. */
  async importFrom(specifier: string, from: string, options?: ImportOptions): Promise<Namespace> {
    const target = await this.#target(specifier, from, options);
    return typeof target === "string" ? this.#import(target) : target;
  }

  async #import(file: string): Promise<Namespace> {
    this.forgetChangedCommonJs();
    this.#forgetChanged();
    const module = await this.#load(file);
    if (module.status === "unlinked") {
      try {
        await module.link(((dependency: string, from: vm.Module, extra: LinkedImport) =>
          this.#dependency(
            dependency,
            from.identifier,
            extra.attributes && { with: extra.attributes },
          )) as vm.ModuleLinker);
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
    if ([...this.#commonJs].some(([file, before]) => modified(file) !== before)) {
      for (const file of usersIn(this.#require.cache)) {
        delete this.#require.cache[file];
      }
      this.#commonJs.clear();
    }
    this.noteCommonJs();
  }

  /** Remembers of what Node has loaded when that was written. */
  noteCommonJs(): void {
    for (const file of usersIn(this.#require.cache)) {
      if (!this.#commonJs.has(file)) {
        this.#commonJs.set(file, modified(file));
      }
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

  async #dependency(specifier: string, from: string, options?: ImportOptions): Promise<vm.Module> {
    const target = await this.#target(specifier, from, options);
    if (typeof target !== "string") {
      return synthetic(specifier, target);
    }
    this.#loaded.get(from)?.uses.add(target);
    return this.#load(target);
  }

  /** The file that is linked here for an import, or the module that Node's own loader has for it. */
  async #target(specifier: string, from: string, options?: ImportOptions): Promise<string | Namespace> {
    const file = this.find(specifier, from);
    if (file !== undefined) {
      return file;
    }
    try {
      return await this.#external(specifier, dirname(from), options);
    } catch (error) {
      // A package's JavaScript that imports TypeScript, where the loader has no hooks: it is linked here as well.
      if (!isAboutTypeScript(error)) {
        throw error;
      }
      return fileURLToPath(import.meta.resolve(specifier, pathToFileURL(from).href));
    }
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

  #requireModule(file: string): vm.Module {
    const exported: unknown = this.#require(file);
    this.noteCommonJs();
    const names = (typeof exported === "object" || typeof exported === "function") && exported ? { ...exported } : {};
    return synthetic(file, { ...names, default: exported });
  }

  async #make(file: string): Promise<vm.Module> {
    const extension = extname(file);
    if (extension === ".json") {
      return synthetic(file, jsonExports(userValue(JSON.parse(readFileSync(file, "utf8")))));
    }
    if (isDeclaration(file)) {
      // Types alone, which are no values.
      return synthetic(file, {});
    }
    const source = readFileSync(file, "utf8");
    if (extension === ".cjs" || extension === ".node" || (extension === ".js" && !isModule(source))) {
      return this.#requireModule(file);
    }
    let code = source;
    if (isTypeScript(file)) {
      const { emit } = this.#resolver;
      try {
        const compiled = await removeTypes(source, emit, loaderOf(file), false);
        code = compiled.code;
        registerSource(file, { code, js: code, segments: [[0, 0, code.length]], map: compiled.map, source });
      } catch (error) {
        throw placed(error, file, source);
      }
      if (isCommonJs(file, code) && /\b(?:module|exports|require)\b/.test(code)) {
        return this.#requireModule(file);
      }
    }
    return new SourceTextModule(code, {
      identifier: file,
      initializeImportMeta: (meta) => {
        Object.assign(meta, this.metaOf(file));
      },
      importModuleDynamically: ((specifier: string, _: unknown, attributes?: Record<string, string>) =>
        this.importFrom(specifier, file, attributes && { with: attributes })) as never,
    });
  }
}

const ownFolder = fileURLToPath(new URL("..", import.meta.url));

/** Whether Node's own loader failed because of a file that is TypeScript. */
function isAboutTypeScript(error: unknown): boolean {
  const code = codeOf(error);
  switch (code) {
    case "ERR_UNKNOWN_FILE_EXTENSION":
      return /"\.(?:[cm]?tsx?|jsx)"/.test(messageOf(error));
    case "ERR_MODULE_NOT_FOUND":
    case "ERR_UNSUPPORTED_DIR_IMPORT": {
      const url = urlOf(error);
      return url?.startsWith("file:") === true && isTypeScript(fileAt(fileURLToPath(url)) ?? "");
    }
    default:
      return /^ERR_\w+_TYPE(?:SCRIPT_SYNTAX|_STRIPPING)$/.test(code ?? "");
  }
}

/** The user's modules among those that Node has loaded. */
function usersIn(cache: NodeJS.Require["cache"]): string[] {
  return Object.keys(cache).filter((file) => !file.includes("node_modules") && !file.startsWith(ownFolder));
}

function modified(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function synthetic(identifier: string, values: Namespace): vm.Module {
  const names = Object.keys(values);
  return new SyntheticModule(
    names,
    function (this: vm.SyntheticModule) {
      for (const name of names) {
        this.setExport(name, values[name]);
      }
    },
    { identifier },
  );
}

/** A JSON file's value as the default export; the properties of an object under their names, too. */
function jsonExports(value: unknown): Namespace {
  const named = typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
  return { ...named, default: value };
}
