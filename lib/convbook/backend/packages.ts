/** The optional packages of backends: where they are found, and how they are loaded. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The path of a package's entry; the user's folder first, because optional backends are the user's to install. */
export function findPackage(name: string): string | undefined {
  for (const from of [join(process.cwd(), "convbook.js"), import.meta.url]) {
    try {
      return createRequire(from).resolve(name);
    } catch {
      // Looked for in the next place.
    }
  }
  return undefined;
}

/** Loads a CommonJS package. */
export function requirePackage(path: string): unknown {
  return createRequire(path)(path);
}

/** Loads a package of either kind. */
export function importPackage(path: string): Promise<unknown> {
  return import(pathToFileURL(path).href);
}

/** One line of whatever a failed installation threw. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}
