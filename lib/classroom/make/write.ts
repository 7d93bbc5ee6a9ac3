/** Folders that appear whole or not at all. */
import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ClassroomError } from "../errors.ts";
import { described, kindOf } from "../source/index.ts";
import { firstLine } from "../values.ts";

/**
 * Makes folders beside their place and puts them there when all of them are done.
 *
 * @param out Where they go; other things in it stay.
 * @param make Fills a new empty folder, and names those of its folders that are to be put into `out`. What it throws leaves `out` as it was.
 * @returns What `make` gave.
 * @throws ClassroomError where a folder of that name is there which is not one that was made.
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
    for (const folder of made.folders) {
      // Another one's folder of that name would be lost.
      const kind = kindOf(join(target, folder));
      if (kind !== folder && kind !== "nothing" && kind !== "empty") {
        const told = `${described[kind]}, and not what make wrote there`;
        throw new ClassroomError(join(out, folder), `${told}; choose another folder with --output, or move it away`);
      }
    }
    const isNew = !existsSync(target);
    mkdirSync(target, { recursive: true });
    const undo: (() => void)[] = isNew ? [() => rmSync(target, { recursive: true })] : [];
    const move = (from: string, to: string) => {
      renameSync(from, to);
      undo.push(() => renameSync(to, from));
    };
    try {
      for (const folder of made.folders) {
        const place = join(target, folder);
        if (existsSync(place)) {
          move(place, join(staging, `${folder}.old`));
        }
        move(join(staging, folder), place);
      }
    } catch (error) {
      for (const step of undo.reverse()) {
        step();
      }
      throw new ClassroomError(out, `cannot be written: ${firstLine(error)}; it is as it was`, { cause: error });
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
