/** What another implementation gave, as the script beside it wrote it. */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** How a reference is made: by the script of its name, beside it. */
export function makingOf(file: string): string {
  const stem = basename(file)
    .replace(/\.\w+$/, "")
    .replaceAll("-", "_");
  const script = relative(root, join(dirname(file), `make_${stem}.py`));
  return `${existsSync(join(root, script)) ? "" : "a script to be written as "}${script} makes it, with a python3 that has PyTorch 1.13`;
}

/**
 * A file of references.
 *
 * @throws {Error} saying which script makes it, where it is not there
 */
export function readReference<T>(url: URL): T {
  const file = fileURLToPath(url);
  if (!existsSync(file)) {
    throw new Error(`${relative(root, file)} is not there: ${makingOf(file)}.`);
  }
  return JSON.parse(readFileSync(file, "utf8"));
}

/**
 * One entry of a file of references.
 *
 * @throws {Error} saying which script makes it, where it is not there
 */
export function referenceOf<T>(url: URL, entries: Readonly<Record<string, T>>, name: string): T {
  const entry = entries[name];
  if (entry === undefined) {
    const file = fileURLToPath(url);
    throw new Error(`${relative(root, file)} has no "${name}": give it a case there; ${makingOf(file)}.`);
  }
  return entry;
}
