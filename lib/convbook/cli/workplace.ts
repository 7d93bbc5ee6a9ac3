/**
 * Where the walkthrough lies and what it makes goes, from wherever the command is called.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Workplace {
  /** The folder of the notebook. */
  readonly notebooks: string;
  /** Where finished pages go. */
  readonly out: string;
  /** The kernel's working folder. */
  readonly cwd: string;
}

/**
 * In a clone of the repository its own folders, wherever in it the command is called. From the installed package the notebook that
 * comes in it, which finds there what it imports; what it makes goes where the command is called.
 *
 * @param name The notebook's file.
 * @throws Error where this installation has no such notebook.
 */
export function workplaceOf(name: string): Workplace {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "notebooks", name))) {
    const parent = dirname(folder);
    if (parent === folder) {
      throw new Error(`The notebook notebooks/${name} is missing from this installation of convbook: install it again`);
    }
    folder = parent;
  }
  const notebooks = join(folder, "notebooks");
  return existsSync(join(folder, "lib/convbook"))
    ? { notebooks, out: join(folder, "out"), cwd: notebooks }
    : { notebooks, out: join(process.cwd(), "out"), cwd: process.cwd() };
}
