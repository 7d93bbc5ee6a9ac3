/** Where the imports of JavaScript and TypeScript lead: files, packages, a project's own names for them. */
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { parse } from "jsonc-parser";
import { isFile, upwards } from "../files.ts";
import { asObject } from "../objects.ts";

/** A package that is imported. */
export interface FoundPackage {
  /** Its real folder. */
  readonly folder: string;
  /** True for one that was installed; false for one that is linked, such as a workspace's own. */
  readonly installed: boolean;
}

const extensions = [
  "ts",
  "mts",
  "cts",
  "tsx",
  "js",
  "mjs",
  "cjs",
  "jsx",
  "json",
  "node",
  "wasm",
  "d.ts",
  "d.mts",
  "d.cts",
];

/** Every file that a path without, with or with another extension may mean: which one counts is the kernel's business. */
export function scriptFiles(path: string): string[] {
  const bare = path.replace(/\.[mc]?[jt]sx?$/, "");
  const names = [path, ...[path, bare].flatMap((stem) => extensions.map((extension) => `${stem}.${extension}`))];
  const inFolder = ["package.json", ...extensions.map((extension) => `index.${extension}`)].map((name) =>
    join(path, name),
  );
  return [...new Set([...names, ...inFolder])].filter(isFile);
}

/** The package that a bare import names, as Node looks for it; undefined for Node's own modules and what is not there. */
export function findPackage(specifier: string, from: string): FoundPackage | undefined {
  const name = /^(?:@[\w.~-]+\/)?[\w.~-]+/i.exec(specifier)?.[0];
  if (name === undefined || specifier.startsWith("node:") || builtinModules.includes(specifier)) {
    return undefined;
  }
  for (const folder of upwards(from)) {
    const path = join(folder, "node_modules", name);
    if (existsSync(path)) {
      const real = realpathSync(path);
      return { folder: real, installed: real.split(sep).includes("node_modules") };
    }
    // A package may import itself by its name.
    if (packageJson(folder)?.name === name) {
      return { folder: realpathSync(folder), installed: false };
    }
  }
  return undefined;
}

/** The packages that a package's own package.json asks for, those that are there. */
export function packagesOf(folder: string): FoundPackage[] {
  const json = packageJson(folder);
  const names = ["dependencies", "optionalDependencies", "peerDependencies"].flatMap((kind) => {
    const entries = json?.[kind];
    return typeof entries === "object" && entries !== null ? Object.keys(entries) : [];
  });
  return names.flatMap((name) => findPackage(name, folder) ?? []);
}

/** Files that a project's own names mean: `imports` of package.json, `paths` and `baseUrl` of tsconfig.json. */
export function projectFiles(specifier: string, from: string): string[] {
  const found: string[] = [];
  for (const folder of upwards(from)) {
    if (specifier.startsWith("#")) {
      found.push(...mapped(specifier, packageJson(folder)?.imports, folder));
    }
    for (const config of ["tsconfig.json", "jsconfig.json"]) {
      found.push(...tsconfigFiles(specifier, join(folder, config), new Set()));
    }
    if (existsSync(join(folder, ".git"))) {
      break;
    }
  }
  return found;
}

/** The settings of a project that decide what an import means: those in the folders above. */
export function projectSettings(from: string): string[] {
  const names = ["tsconfig.json", "jsconfig.json", "package.json", "pyproject.toml"];
  const found: string[] = [];
  for (const folder of upwards(from)) {
    found.push(...[...names, ...environmentFiles(folder)].map((name) => join(folder, name)).filter(isFile));
    if (existsSync(join(folder, ".git"))) {
      break;
    }
  }
  return [
    ...new Set(found.flatMap((path) => [path, ...(/[jt]sconfig\.json$/.test(path) ? extended(path, new Set()) : [])])),
  ];
}

/** `.env`, `.env.local` and the like. */
function environmentFiles(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^\.env(?:\..+)?$/.test(name));
  } catch {
    return [];
  }
}

/** Files that a relative import means by `rootDirs` of tsconfig.json: folders that count as one. */
export function rootDirFiles(path: string, from: string): string[] {
  return [...upwards(from)].flatMap((folder) => {
    const config = join(folder, "tsconfig.json");
    const options = isFile(config) ? asObject(readJson(config)?.compilerOptions) : {};
    const roots = textsIn(options.rootDirs).map((root) => resolve(folder, root));
    const inside = roots.filter((root) => !relative(root, path).startsWith(".."));
    return inside.flatMap((root) => roots.flatMap((other) => scriptFiles(join(other, relative(root, path)))));
  });
}

function tsconfigFiles(specifier: string, path: string, seen: Set<string>): string[] {
  const json = isFile(path) && !seen.has(path) ? readJson(path) : undefined;
  if (json === undefined) {
    return [];
  }
  seen.add(path);
  const options = asObject(json.compilerOptions);
  const base = typeof options.baseUrl === "string" ? resolve(dirname(path), options.baseUrl) : undefined;
  return [
    ...mapped(specifier, options.paths, base ?? dirname(path)),
    ...(base === undefined ? [] : scriptFiles(resolve(base, specifier))),
    ...extended(path, new Set()).flatMap((other) => tsconfigFiles(specifier, other, seen)),
  ];
}

/** The files that a tsconfig.json builds on. */
function extended(path: string, seen: Set<string>): string[] {
  if (seen.has(path)) {
    return [];
  }
  seen.add(path);
  const names = [readJson(path)?.extends].flat().filter((name) => typeof name === "string");
  const files = names
    .flatMap((name) => (/^\.{0,2}\//.test(name) ? [resolve(dirname(path), name)] : inPackages(name, dirname(path))))
    .flatMap((base) => [base, `${base}.json`, join(base, "tsconfig.json")])
    .filter(isFile);
  return files.flatMap((file) => [file, ...extended(file, seen)]);
}

/** Where a name may lie among the packages of the folders above. */
function inPackages(name: string, from: string): string[] {
  return [...upwards(from)].map((folder) => join(folder, "node_modules", name));
}

/** What a table of patterns makes of a name, every condition and every alternative of it. */
function mapped(specifier: string, table: unknown, folder: string): string[] {
  return Object.entries(asObject(table)).flatMap(([pattern, targets]) => {
    const [before = "", after] = pattern.split("*");
    const matches =
      after === undefined ? specifier === pattern : specifier.startsWith(before) && specifier.endsWith(after);
    const part = specifier.slice(before.length, specifier.length - (after ?? "").length);
    return matches
      ? textsIn(targets).flatMap((target) => scriptFiles(resolve(folder, target.replaceAll("*", part))))
      : [];
  });
}

function textsIn(value: unknown): string[] {
  const inner = Array.isArray(value) ? value : Object.values(asObject(value));
  return typeof value === "string" ? [value] : inner.flatMap(textsIn);
}

function packageJson(folder: string): Record<string, unknown> | undefined {
  const path = join(folder, "package.json");
  return isFile(path) ? readJson(path) : undefined;
}

function readJson(path: string): Record<string, unknown> | undefined {
  try {
    return asObject(parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}
