/** Files of TypeScript as Node's own loaders take them: compiled at once, as the one form or the other. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "acorn";
import { CellSyntaxError, type EmitOptions, removeTypesNow } from "../compile/remove-types.ts";
import { isDeclaration } from "../modules/files.ts";
import { packageType } from "../modules/packages.ts";
import { UserError } from "./realm.ts";
import { type CompiledSource, registerSource } from "./stack.ts";

/** JavaScript for Node's loader of modules; without source where the file is CommonJS, which `require` loads. */
export interface Loadable {
  readonly format: "module" | "commonjs";
  readonly source: string | null;
}

/** esbuild's settings for CommonJS, whose modules know their place by other names. */
const commonJs = {
  format: "cjs",
  define: {
    "import.meta.url": "convbookModuleUrl",
    "import.meta.filename": "__filename",
    "import.meta.dirname": "__dirname",
  },
} as const;

/** What `import` gets of a file. */
export function moduleSource(file: string, emit: EmitOptions): Loadable {
  if (isDeclaration(file)) {
    return { format: "module", source: "" };
  }
  const compiled = compiledFile(file, emit);
  if (isCommonJs(file, compiled.code)) {
    return { format: "commonjs", source: null };
  }
  registerSource(file, compiled);
  registerSource(pathToFileURL(file).href, compiled);
  return { format: "module", source: compiled.code };
}

/**
 * What `require` gets of a file, also of one that is a module.
 *
 * @param dynamic Whether Node's `import()` reaches TypeScript, too; else it becomes a `require`.
 */
export function commonJsSource(file: string, emit: EmitOptions, dynamic: boolean): string {
  if (isDeclaration(file)) {
    return "";
  }
  const compiled = compiledFile(file, emit, { ...commonJs, supported: { "dynamic-import": dynamic } });
  const names = `const convbookModuleUrl = require("node:url").pathToFileURL(__filename).href;`;
  const { code } = compiled;
  const before = code.includes("convbookModuleUrl") ? names : "";
  registerSource(file, { ...compiled, code: before + code, segments: [[before.length, 0, code.length]] });
  return before + code;
}

/** A file's JavaScript, with what leads back from it. */
export function compiledFile(file: string, emit: EmitOptions, more: object = {}): CompiledSource {
  const source = readFileSync(file, "utf8");
  try {
    const { code, map } = removeTypesNow(source, emit, loaderOf(file), { sourcefile: basename(file), ...more });
    return { code, js: code, segments: [[0, 0, code.length]], map, source };
  } catch (error) {
    throw placed(error, file, source);
  }
}

/** Whether a compiled file is CommonJS by its name, its package, or what it says. */
export function isCommonJs(file: string, code: string): boolean {
  return /\.cts$/.test(file) || (!/\.mts$/.test(file) && packageType(file) !== "module" && !isModule(code));
}

/** JavaScript that only a module can be; everything else is CommonJS. */
export function isModule(source: string): boolean {
  const options = { ecmaVersion: "latest", allowHashBang: true, allowReturnOutsideFunction: true } as const;
  try {
    parse(source, { ...options, sourceType: "script" });
    return false;
  } catch {
    try {
      parse(source, { ...options, sourceType: "module" });
      return true;
    } catch {
      return false;
    }
  }
}

/** esbuild's name for what is in a file. */
export function loaderOf(file: string): "ts" | "tsx" {
  return /x$/.test(file) ? "tsx" : "ts";
}

/** An error about a file's syntax says where that is; the cells see one of their own kind. */
export function placed(error: unknown, file: string, source: string): unknown {
  if (!(error instanceof CellSyntaxError)) {
    return error;
  }
  const at = `${file}:${error.line}:${error.column}`;
  registerSource(file, { code: "", js: "", segments: [], map: "", source });
  const seen = new UserError(`${error.message} (${at})`);
  Object.defineProperty(seen, "name", { value: "SyntaxError", configurable: true, writable: true });
  seen.stack = `SyntaxError: ${seen.message}\n    at ${at}`;
  return seen;
}
