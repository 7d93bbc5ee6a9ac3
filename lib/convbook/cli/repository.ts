/**
 * Where the repository's own folders are, from wherever the command is called.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The nearest folder above this file that has `name` in it. */
function folderWith(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, name))) {
    const parent = dirname(folder);
    if (parent === folder) {
      throw new Error(`This needs the repository of Convbook, whose folder "${name}" is not above ${import.meta.url}`);
    }
    folder = parent;
  }
  return folder;
}

/** The folder with package.json, notebooks/ and lib/. */
export function repositoryFolder(): string {
  return folderWith("notebooks");
}
