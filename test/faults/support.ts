/** What the fault tests share: notebooks made on the spot, the built command, Debian's Jupyter as the other opinion. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const repository = resolve(import.meta.dirname, "../..");
export const command = join(repository, "lib/runner/bin/nbconvert-ts-runner.mjs");
export const kernelDir = join(repository, "lib/kernel/kernelspec");

/** Debian's Python, for which Jupyter's packages are installed. */
export const python = "/usr/bin/python3";

const jupyter = spawnSync(python, ["-c", "import nbclient, nbformat, ipykernel"]).status === 0;
if (!jupyter) {
  console.warn("Left out: tests against nbclient (apt-get install python3-nbclient python3-ipykernel)");
}
/** Whether the comparison can run; in CI it must. */
export const hasJupyter = jupyter || process.env.CI !== undefined;

/** The path of a file that lies beside the repository on some machines, or undefined where it does not. */
export function shared(path: string): string | undefined {
  const whole = join(repository, "../shared", path);
  if (!existsSync(whole)) {
    console.warn(`Left out: a test that needs ../shared/${path}`);
    return undefined;
  }
  return whole;
}

export interface CellSpec {
  readonly source: string;
  readonly tags?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly type?: "code" | "markdown" | "raw";
}

export type CellLike = string | CellSpec;

/** A notebook's JSON from the sources of its cells. */
export function notebookJson(
  cells: readonly CellLike[],
  kernel: "python3" | "convbook" = "python3",
  metadata: object = {},
) {
  return {
    cells: cells.map((cell, index) => {
      const {
        source,
        tags,
        metadata: own,
        type = "code",
      } = typeof cell === "string" ? ({ source: cell } as CellSpec) : cell;
      const common = {
        cell_type: type,
        id: `cell-${index}`,
        metadata: { ...own, ...(tags !== undefined && { tags }) },
        source: source.match(/[^\n]*\n|[^\n]+$/g) ?? [],
      };
      return type === "code" ? { ...common, execution_count: null, outputs: [] } : common;
    }),
    metadata: {
      kernelspec: { display_name: kernel, language: kernel === "python3" ? "python" : "typescript", name: kernel },
      ...metadata,
    },
    nbformat: 4,
    nbformat_minor: 5,
  };
}

/** A folder that goes away at the end of the test file. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "runner-faults-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Writes a notebook as Jupyter does, and gives its path. */
export function writeNotebook(folder: string, name: string, ...args: Parameters<typeof notebookJson>): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, `${JSON.stringify(notebookJson(...args), null, 1)}\n`);
  return path;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command. */
export function runCommand(
  args: readonly string[],
  options: { onStart?: (child: ChildProcess) => void; cwd?: string; input?: string } = {},
): Promise<CommandResult> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [command, ...args], {
      cwd: options.cwd,
      env: { ...process.env, GITHUB_ACTIONS: "", GITHUB_STEP_SUMMARY: "" },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.stdin.end(options.input ?? "");
    child.on("error", fail);
    child.on("close", (code) => done({ code, stdout, stderr }));
    options.onStart?.(child);
  });
}
