/** Where else the answers lie: an assignment's solutions and its source are often beside what is graded. */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Notebooks of the same names near the grader's, and folders that hold some: what `make` wrote beside it, and what it was made of.
 *
 * @param folder The grader's folder.
 * @param notebooks Its notebooks' paths in it, with "/".
 * @param from The folder in which the grader works; it is looked at, too.
 * @returns Absolute paths of files and folders, without the grader's own.
 */
export function elsewhere(folder: string, notebooks: readonly string[], from: string): string[] {
  const names = new Set(notebooks.map((path) => path.slice(path.lastIndexOf("/") + 1)));
  const places = new Set([dirname(folder), dirname(dirname(folder)), from]);
  return [...places].flatMap((place) =>
    entries(place)
      .filter((entry) => entry.name !== "node_modules")
      .filter((entry) => (entry.isDirectory() ? holds(join(place, entry.name), names) : names.has(entry.name)))
      .map((entry) => join(place, entry.name))
      .filter((path) => path !== folder && !folder.startsWith(`${path}/`)),
  );
}

/** Whether a folder, or one in it, holds a notebook of these names. */
function holds(folder: string, names: ReadonlySet<string>, depth = 1): boolean {
  return entries(folder).some((entry) =>
    entry.isDirectory()
      ? depth > 0 && entry.name !== "node_modules" && holds(join(folder, entry.name), names, depth - 1)
      : names.has(entry.name),
  );
}

function entries(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // A folder that cannot be read by the one who grades cannot be read by a submission.
    return [];
  }
}
