/** Node as a program that no other process can look into. */
import { chmodSync, constants, copyFileSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { findTypeScript } from "@convbook/kernel";

let made: string | undefined;

/**
 * A copy of the Node that runs, which may be executed and not read: of such a program Linux lets no process without capabilities attach to
 * the memory, whoever started it. It is made once and gone when this process ends.
 *
 * @returns Its path.
 * @throws the system's error where there is no room for it.
 */
export function sealedNode(): string {
  if (made === undefined) {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), "class-program-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, "node");
    copyFileSync(process.execPath, path, constants.COPYFILE_FICLONE);
    chmodSync(path, 0o111);
    made = path;
  }
  return made;
}

/**
 * The folder of TypeScript's declarations of JavaScript and of browsers, for a kernel of TypeScript: its checker looks for them beside the program that
 * the system says it is.
 *
 * @param places Files of the kernel's, from which its TypeScript is found; what is no absolute path is passed over.
 * @returns An empty string where there is none.
 */
export function declarationsFor(places: readonly string[]): string {
  for (const from of [...places.filter((path) => isAbsolute(path)), import.meta.url]) {
    try {
      // The setting for kernels does not reach the one that grades.
      return dirname(realpathSync(findTypeScript(from, "")));
    } catch {
      // From another place, perhaps.
    }
  }
  return "";
}
