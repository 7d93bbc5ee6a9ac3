/**
 * Where imports of the user's own modules lead, as the checker reads them: paths with or without an extension, the
 * project's `paths`, folders. What is left goes to Node's resolver, whose misses `recover` reads as TypeScript does.
 */
import { existsSync, realpathSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { EmitOptions } from "../compile/remove-types.ts";
import { codeOf, urlOf } from "../values.ts";
import { fileAt, isUsers, pathAt } from "./files.ts";
import { foreignImport, type MappedPaths, missingFile, missingPackage } from "./missing.ts";
import { inPackage, isThere, packageFile, packageFolder } from "./packages.ts";
import { customConditions, emitOptions, readProject } from "./project.ts";

/** A file, and what followed it in the import: a query makes it another module. */
export interface Found {
  readonly file: string;
  readonly search: string;
}

export class Resolver {
  readonly #config: string | undefined;
  readonly #paths: readonly (readonly [pattern: string, targets: readonly string[]])[];
  readonly #rootDirs: readonly string[];
  /** Conditions beyond Node's own. */
  readonly conditions: readonly string[];
  /** What the project says on the JavaScript that modules become. */
  readonly emit: EmitOptions;

  /** @param folder The notebook's folder, whose project holds for all of the user's modules, as for the checker. */
  constructor(folder: string) {
    const { file, options } = readProject(folder);
    this.#config = file;
    this.conditions = customConditions(options);
    this.emit = emitOptions(options);
    this.#rootDirs = Array.isArray(options.rootDirs) ? options.rootDirs : [];
    // TypeScript takes an exact name first, then the pattern with the longest beginning.
    const rank = (pattern: string) => (pattern.includes("*") ? pattern.indexOf("*") : Number.POSITIVE_INFINITY);
    this.#paths = Object.entries((options.paths ?? {}) as Record<string, string[]>).sort(
      ([a], [b]) => rank(b) - rank(a),
    );
  }

  /**
   * Finds a module of the user's.
   *
   * @param specifier What is imported.
   * @param from The file that imports it.
   * @returns Undefined where Node's resolver is to be asked.
   * @throws ModuleNotFoundError where a path leads nowhere, or no such package is installed.
   */
  find(specifier: string, from: string): Found | undefined {
    const found = this.#locate(specifier, from);
    return found && { ...found, file: realpathSync(found.file) };
  }

  #locate(specifier: string, from: string): Found | undefined {
    const folder = dirname(from);
    const foreign = foreignImport(specifier, folder);
    if (foreign !== undefined) {
      throw foreign;
    }
    if (isBuiltin(specifier) || /^(?:node|data):/.test(specifier)) {
      return undefined;
    }
    const path = pathOf(specifier, folder);
    if (path !== undefined) {
      if (!isUsers(from)) {
        return undefined;
      }
      const file = pathAt(path.file) ?? this.#inRootDirs(path.file);
      if (file === undefined) {
        throw missingFile(specifier, folder, existsSync(path.file));
      }
      return { file, search: path.search };
    }
    const mapped = isUsers(from) ? this.#mapped(specifier) : undefined;
    if (mapped?.file !== undefined) {
      return { file: mapped.file, search: "" };
    }
    if (!specifier.startsWith("#") && !isThere(specifier, from)) {
      throw missingPackage(specifier, folder, mapped?.paths);
    }
    return undefined;
  }

  /**
   * What TypeScript reads where Node's resolver found nothing: a package's file without its extension, the source of one
   * that is not built, a folder.
   *
   * @throws The error, or a better one where it is about a missing module.
   */
  recover(error: unknown, specifier: string, from: string): Found {
    const code = codeOf(error);
    const url = urlOf(error);
    if (!/^(?:(?:ERR_)?MODULE_NOT_FOUND|ERR_UNSUPPORTED_DIR_IMPORT|ERR_PACKAGE_IMPORT_NOT_DEFINED)$/.test(code ?? "")) {
      throw error;
    }
    // `require` does not say which path it tried.
    const missed = url?.startsWith("file:") ? fileURLToPath(url) : pathOf(specifier, dirname(from))?.file;
    const file = (missed === undefined ? undefined : fileAt(missed)) ?? inPackage(specifier, from);
    if (file !== undefined) {
      return { file, search: "" };
    }
    if (code === "ERR_PACKAGE_IMPORT_NOT_DEFINED" || url !== undefined || pathOf(specifier, "/") !== undefined) {
      throw specifier.startsWith("#") && url === undefined
        ? missingPackage(specifier, dirname(from), undefined)
        : error;
    }
    throw packageFolder(specifier, from) === undefined ? missingPackage(specifier, dirname(from), undefined) : error;
  }

  /**
   * The file that an import means to the checker, which also asks packages for their types and lets links in paths be. Unlike
   * `find` it answers for names of packages, too.
   *
   * @returns Undefined for what is missing, built in or from the web.
   */
  source(specifier: string, from: string): string | undefined {
    try {
      const conditions = ["types", "import", "node", ...this.conditions];
      return this.#locate(specifier, from)?.file ?? packageFile(specifier, from, conditions);
    } catch {
      // Said where the import is checked, and where it runs.
      return undefined;
    }
  }

  #mapped(specifier: string): { file: string | undefined; paths: MappedPaths | undefined } | undefined {
    for (const [pattern, targets] of this.#paths) {
      const star = matchStar(pattern, specifier);
      if (star !== undefined) {
        const tried = targets.map((target) => target.replace("*", () => star));
        const file = tried.map(pathAt).find((one) => one !== undefined);
        // `*` is every package's name, too: it says nothing about one that is missing.
        const paths = pattern === "*" || this.#config === undefined ? undefined : { config: this.#config, tried };
        return { file, paths };
      }
    }
    return undefined;
  }

  /** `rootDirs` are one folder to TypeScript. */
  #inRootDirs(path: string): string | undefined {
    const root = this.#rootDirs.find(
      (one) => !/^\.\.|^\//.test(relative(one, path)) && !isAbsolute(relative(one, path)),
    );
    return root === undefined
      ? undefined
      : this.#rootDirs.map((other) => pathAt(join(other, relative(root, path)))).find((file) => file !== undefined);
  }
}

/** The path that a specifier is, if it is one; a query follows it. */
function pathOf(specifier: string, folder: string): Found | undefined {
  if (specifier.startsWith("file:")) {
    const url = new URL(specifier);
    return { file: fileURLToPath(url), search: url.search };
  }
  if (!/^\.{1,2}(?:\/|$)/.test(specifier) && !isAbsolute(specifier)) {
    return undefined;
  }
  const whole = resolve(folder, specifier);
  const query = /[?#].*$/s.exec(specifier)?.[0];
  // A file's name may have the characters of a query.
  return query === undefined || existsSync(whole)
    ? { file: whole, search: "" }
    : { file: resolve(folder, specifier.slice(0, -query.length)), search: query.startsWith("?") ? query : "" };
}

function matchStar(pattern: string, specifier: string): string | undefined {
  const star = pattern.indexOf("*");
  if (star < 0) {
    return pattern === specifier ? "" : undefined;
  }
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return specifier.length >= before.length + after.length && specifier.startsWith(before) && specifier.endsWith(after)
    ? specifier.slice(before.length, specifier.length - after.length)
    : undefined;
}
