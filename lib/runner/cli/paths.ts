/** The notebooks that the arguments of a command name. */
import { existsSync, statSync } from "node:fs";
import { glob, isDynamicPattern } from "tinyglobby";
import { NotebookError, UsageError } from "../errors.ts";

/** Never what somebody means by "all notebooks of this folder". */
const ignored = ["**/node_modules/**", "**/.ipynb_checkpoints/**", "**/.git/**"];

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
  return [...new Set(lists.flat())];
}

async function expand(arg: string): Promise<string[]> {
  const stat = statSync(arg, { throwIfNoEntry: false });
  if (stat?.isDirectory()) {
    return found(
      arg,
      await glob("**/*.ipynb", { cwd: arg, ignore: ignored, absolute: false }).then((paths) =>
        paths.map((path) => `${arg.replace(/\/$/, "")}/${path}`),
      ),
    );
  }
  if (!existsSync(arg) && isDynamicPattern(arg)) {
    return found(arg, await glob(arg, { ignore: ignored }));
  }
  return [arg];
}

function found(arg: string, paths: string[]): string[] {
  if (paths.length === 0) {
    throw new NotebookError(arg, "no notebook there");
  }
  return paths.sort();
}
