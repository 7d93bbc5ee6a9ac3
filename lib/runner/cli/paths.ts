/** The notebooks that the arguments of a command name. */
import { existsSync } from "node:fs";
import { glob, isDynamicPattern } from "tinyglobby";
import { NotebookError, UsageError } from "../errors.ts";
import { isFolder, realPath } from "../files.ts";
import { notebooksIn } from "./find-notebooks.ts";

/** Never what somebody means by a pattern, unless it says so. */
const ignored = ["node_modules", "venv", "site-packages", ".ipynb_checkpoints", ".git"];

/**
 * Expands patterns and folders; files are taken as they are.
 *
 * @throws UsageError without arguments, NotebookError for a pattern or folder without notebooks.
 */
export async function notebookPaths(args: readonly string[]): Promise<string[]> {
  if (args.length === 0) {
    throw new UsageError('no notebook given; for instance: nbconvert-ts-runner "notebooks/*.ipynb"');
  }
  const lists = await Promise.all(args.map(expand));
  // One file may have several names: as it was given, as it was found in a folder, through a link.
  const byFile = new Map<string, string>();
  for (const path of lists.flat()) {
    const real = realPath(path);
    byFile.set(real, byFile.get(real) ?? path);
  }
  return [...byFile.values()];
}

async function expand(arg: string): Promise<string[]> {
  if (isFolder(arg)) {
    return found(arg, notebooksIn(arg));
  }
  if (!existsSync(arg) && isDynamicPattern(arg)) {
    const ignore = ignored.filter((name) => !arg.split("/").includes(name)).map((name) => `**/${name}/**`);
    return found(arg, (await glob(arg, { ignore })).sort());
  }
  return [arg];
}

function found(arg: string, paths: string[]): string[] {
  if (paths.length === 0) {
    throw new NotebookError(arg, "no notebook there");
  }
  return paths;
}
