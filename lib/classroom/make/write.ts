/** Folders that appear whole or not at all. */
import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * Makes folders beside their place and puts them there when all of them are done.
 *
 * @param out Where they go; other things in it stay.
 * @param make Fills a new empty folder, and names those of its folders that are to be put into `out`. What it throws leaves `out` as it was.
 * @returns What `make` gave.
 */
export async function writeWhole<T extends { readonly folders: readonly string[] }>(
  out: string,
  make: (staging: string) => Promise<T>,
): Promise<T> {
  const target = resolve(out);
  // Beside the target: renaming stays on one disk, and what a notebook imports is found from there as it will be.
  const staging = join(dirname(target), `.${randomBytes(6).toString("hex")}.making`);
  mkdirSync(staging, { recursive: true });
  try {
    const made = await make(staging);
    mkdirSync(target, { recursive: true });
    for (const folder of made.folders) {
      const place = join(target, folder);
      if (existsSync(place)) {
        renameSync(place, join(staging, `${folder}.old`));
      }
      renameSync(join(staging, folder), place);
    }
    return made;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Copies a file, its folder included. */
export function copyInto(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}
