/** Which PyTorch stands beside us: Pythons that have it, asked for their version before anything is measured. */
import { spawnSync } from "node:child_process";

/** A Python that has PyTorch. */
export interface Python {
  readonly program: string;
  /** PyTorch's, for example "2.6.0". */
  readonly version: string;
}

/** PyTorch's version; a text that says what was got instead where there is none. */
function ask(program: string): Python | string {
  const { status, stdout, stderr, error } = spawnSync(program, ["-c", "import torch; print(torch.__version__)"], {
    encoding: "utf8",
  });
  if (error !== undefined) {
    return error.message;
  }
  const version = stdout.trim().split("\n").at(-1) ?? "";
  if (status === 0 && /^\d+\.\d+/.test(version)) {
    return { program, version: version.replace(/\+.*$/, "") };
  }
  return stderr.trim().split("\n").at(-1) || `exit status ${status}, "${version}"`;
}

/**
 * The Pythons that were named, or Debian's, or whatever stands first on the PATH.
 *
 * @param programs of `--python=PROGRAM`; with none, PyTorch is looked for
 * @returns none where none is found
 * @throws Error for a program that was named and has no PyTorch, with what it said
 */
export function findPythons(programs: readonly string[]): readonly Python[] {
  if (programs.length === 0) {
    for (const program of ["/usr/bin/python3", "python3"]) {
      const python = ask(program);
      if (typeof python !== "string") {
        return [python];
      }
    }
    return [];
  }
  return programs.map((program) => {
    const python = ask(program);
    if (typeof python === "string") {
      throw new Error(`--python=${program}: expected a Python that imports torch, got: ${python}`);
    }
    return python;
  });
}
