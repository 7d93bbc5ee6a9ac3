/** Debian's own Python: what apt installs for it (PyTorch, protobuf, PyYAML) is the other opinion in tests. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";

/** The program, whatever else of that name stands on the path. */
export const debianPython = "/usr/bin/python3";

/**
 * Runs a script to its end.
 *
 * @param wanted What is left out where it cannot run, and the package that brings what it imports: `["reading the file with PyTorch", "python3-torch"]`.
 * @param args The script and its arguments.
 * @param input What it reads from standard input.
 * @returns What it said; undefined where Python is not installed or lacks a module, which is printed in one line.
 * @throws Error in CI, where nothing is left out.
 */
export function askPython(
  [what, debianPackage]: readonly [what: string, debianPackage: string],
  args: readonly string[],
  input?: string,
): SpawnSyncReturns<string> | undefined {
  const said = spawnSync(debianPython, args, { encoding: "utf8", input });
  if (said.error === undefined && !/^ModuleNotFoundError: /m.test(said.stderr)) {
    return said;
  }
  if (process.env.CI) {
    throw new Error(`CI needs Debian's ${debianPackage}: ${said.error?.message ?? said.stderr}`);
  }
  console.log(`Left out: ${what}, for want of ${debianPackage} (apt install ${debianPackage})`);
  return undefined;
}
