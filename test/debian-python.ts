/** Debian's own Python: what apt installs for it (PyTorch, Jupyter, protobuf, PyYAML) is the other opinion in tests. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";

/** The system's Python: the last that the PATH knows, where Debian's packages are. */
export function debianPython(): string {
  const { stdout } = spawnSync("bash", ["-c", "type -ap python3"], { encoding: "utf8" });
  const all = stdout.trim().split("\n");
  // Without any, the name: starting it fails, and the caller says what is missing.
  return all.includes("/usr/bin/python3") ? "/usr/bin/python3" : all.at(-1) || "python3";
}

/** Whether Python modules are there. Under CI they must be; elsewhere the tests are left out with one line. */
export function pythonHas(...modules: string[]): boolean {
  const found = spawnSync(debianPython(), ["-c", modules.map((name) => `import ${name}`).join("\n")]).status === 0;
  if (!found && process.env.CI) {
    throw new Error(`${debianPython()} lacks one of ${modules.join(", ")}, which CI must have`);
  }
  if (!found) {
    console.log(
      `Left out: needs the Python modules ${modules.join(", ")} (apt install python3-jupyter-client python3-nbclient jupyter-notebook python3-jupyter-kernel-test)`,
    );
  }
  return found;
}

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
  const said = spawnSync(debianPython(), args, { encoding: "utf8", input });
  if (said.error === undefined && !/^ModuleNotFoundError: /m.test(said.stderr)) {
    return said;
  }
  if (process.env.CI) {
    throw new Error(`CI needs Debian's ${debianPackage}: ${said.error?.message ?? said.stderr}`);
  }
  console.log(`Left out: ${what}, for want of ${debianPackage} (apt install ${debianPackage})`);
  return undefined;
}
