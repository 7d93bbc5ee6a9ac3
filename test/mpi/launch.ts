/** Starts programs on several ranks, with each MPI library that is here. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { it } from "vitest";
import { builtProgram } from "../built-program.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Library {
  readonly family: "Open MPI" | "MPICH";
  /** Its launcher, with what it needs on a machine with fewer processors than ranks. */
  readonly launcher: readonly string[];
  /** Its compiler. */
  readonly compiler?: string;
}

/** Launchers by the names that Debian gives them, and the usual ones. */
function find(family: Library["family"], build: string, names: readonly string[], ...options: string[]): Library[] {
  if (!existsSync(`${root}lib/mpi/build/Release/${build}.node`)) {
    return [];
  }
  const name = names.find((each) => {
    const { stdout } = spawnSync(each, ["--version"], { encoding: "utf8" });
    return stdout?.includes(family === "MPICH" ? "HYDRA" : family);
  });
  const compiler = [`mpicc.${build}`, "mpicc"].find((each) =>
    spawnSync(each, ["-show"], { encoding: "utf8" }).stdout?.includes(build),
  );
  return name === undefined ? [] : [{ family, launcher: [name, ...options], ...(compiler && { compiler }) }];
}

/** The libraries that programs can be run with here. */
export const libraries: readonly Library[] = [
  ...find("Open MPI", "openmpi", ["mpirun.openmpi", "mpirun"], "--oversubscribe"),
  ...find("MPICH", "mpich", ["mpiexec.mpich", "mpiexec"]),
];
if (libraries.length === 0) {
  console.log(
    "Left out: tests over MPI (Debian: apt install libopenmpi-dev openmpi-bin, then npm rebuild @convbook/mpi)",
  );
  // A file without any test would count as broken.
  it.skip("over MPI, which is not here", () => {});
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Builds what has one rank fail within a call of a library. @returns what the ranks' command begins with; undefined without a compiler */
export function buildFaults({ compiler }: Library, folder: string): readonly string[] | undefined {
  if (compiler === undefined) {
    return undefined;
  }
  const source = fileURLToPath(new URL("./programs/faulty-library.c", import.meta.url));
  const [object, made] = ["faulty.o", "faulty.so"].map((name) => join(folder, name)) as [string, string];
  // Not linked with the library, which the ranks load themselves.
  for (const [command, ...args] of [
    [compiler, "-D_GNU_SOURCE", "-fPIC", "-c", source, "-o", object],
    ["cc", "-shared", object, "-o", made],
  ] as const) {
    const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
    if (status !== 0) {
      throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
    }
  }
  return ["env", `LD_PRELOAD=${made}`];
}

export interface LaunchOptions {
  /** What the ranks' command begins with. */
  readonly before?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Is told of the launcher's process when it runs. */
  readonly onStart?: (pid: number) => void;
  /** Is told of what ranks print, as it comes. */
  readonly onOutput?: (text: string) => void;
}

/** Runs a TypeScript program on some ranks. */
export async function launch(
  library: Library,
  ranks: number,
  program: string,
  args: readonly string[] = [],
  { before = [], env = {}, cwd = root, onStart, onOutput }: LaunchOptions = {},
): Promise<Ended> {
  const [command = "", ...options] = library.launcher;
  const node = [process.execPath, await builtProgram(program), ...args];
  const child = spawn(command, [...options, "-n", `${ranks}`, ...before, ...node], {
    cwd,
    env: {
      ...process.env,
      NO_COLOR: "1",
      FORCE_COLOR: undefined,
      // In containers everybody is root.
      OMPI_ALLOW_RUN_AS_ROOT: "1",
      OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onStart?.(child.pid ?? 0);
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
      onOutput?.(text);
    });
  }
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, ...said };
}
