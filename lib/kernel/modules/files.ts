/** Which file a path in an import means, in TypeScript's order. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { extname, join, sep } from "node:path";
import { isObject } from "../values.ts";

/** What an extension in an import may stand for in the sources, as TypeScript reads it. */
const written: Readonly<Record<string, readonly string[]>> = {
  ".js": [".ts", ".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
  ".jsx": [".tsx"],
};

/** Extensions that an import may leave out, in the order in which they are tried. */
const left = [".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", ".jsx", ".cjs", ".json", ".node"];
/** Declarations alone: a module of types, without values. */
const declarations = [".d.ts", ".d.mts", ".d.cts"];

/** A file of TypeScript, or with JSX: Node needs it compiled. */
export function isTypeScript(file: string): boolean {
  return /\.(?:[cm]?tsx?|jsx)$/.test(file);
}

/** A file of declarations. */
export function isDeclaration(file: string): boolean {
  return /\.d\.[cm]?ts$/.test(file);
}

/** A file that is no installed package's: the user's own, also where a package is a link to the user's folder. */
export function isUsers(file: string): boolean {
  return !file.includes(`${sep}node_modules${sep}`);
}

/** The file that a path means: with its extension or as TypeScript lets it be written, or what a folder stands for. */
export function fileAt(path: string): string | undefined {
  return real(pathAt(path));
}

/** What stands for a folder: its package.json's `main`, its `types` where they are sources, or its index. */
export function entryOf(folder: string): string | undefined {
  return real(entryAt(folder));
}

/** As `fileAt`, but links in the path stay, as the checker lets them. */
export function pathAt(path: string): string | undefined {
  const extension = extname(path);
  const stem = path.slice(0, path.length - extension.length);
  const others = written[extension] ?? [];
  return (
    firstFile([
      ...others.map((other) => stem + other),
      path,
      ...left.map((other) => path + other),
      ...declarations.map((other) => (others.length > 0 ? stem : path) + other),
    ]) ?? entryAt(path)
  );
}

function entryAt(folder: string): string | undefined {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    return undefined;
  }
  const { main, types, typings } = manifestOf(folder) ?? {};
  for (const field of [main, types, typings]) {
    if (typeof field === "string" && field !== "") {
      const path = join(folder, field);
      const found = firstFile([path, ...left.map((other) => path + other)]) ?? indexOf(path) ?? sourceOf(path);
      if (found !== undefined && !isDeclaration(found)) {
        return found;
      }
    }
  }
  return indexOf(folder);
}

/** A package.json; undefined where there is none that can be read. */
export function manifestOf(folder: string): Record<string, unknown> | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return isObject(manifest) ? manifest : undefined;
  } catch {
    return undefined;
  }
}

function indexOf(folder: string): string | undefined {
  return firstFile([...left, ...declarations].map((other) => join(folder, `index${other}`)));
}

/** The TypeScript that a path to JavaScript stands for. */
function sourceOf(path: string): string | undefined {
  const extension = extname(path);
  return firstFile((written[extension] ?? []).map((other) => path.slice(0, -extension.length) + other));
}

function firstFile(candidates: readonly string[]): string | undefined {
  return candidates.find((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile());
}

function real(path: string | undefined): string | undefined {
  return path === undefined ? undefined : realpathSync(path);
}
