/** The processes of a notebook's fit, from their start to their end, whatever becomes of the cell. */
import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { mpi } from "@convbook/mpi";
import { Progress } from "../../display/index.ts";
import { noteOf } from "../callbacks/progress-bar.ts";
import { launchCommand, launchEnvironment } from "./command.ts";
import { mark, type RankStep, stopLine } from "./job.ts";
import { MemoryDeaths } from "./memory-deaths.ts";

const own = fileURLToPath(import.meta.url);
const isSource = own.endsWith(".ts");
const program = fileURLToPath(new URL(isSource ? "./rank.ts" : "./rank.js", import.meta.url));
/** How long the launcher waits before it kills, and how long this process waits for the launcher, s. */
const [grace, patience] = [5, 10];

export interface RunRanksOptions {
  readonly signal: AbortSignal | undefined;
  /** Whether an interrupt of the cell is a request to stop. */
  readonly handleSignals: boolean;
  readonly showsProgress: boolean;
}

/** Bars in the cell, one an epoch. */
class Bars {
  #bar: Progress | undefined;
  #epoch = -1;

  show({ epoch, total, batch, metrics, ends }: RankStep): void {
    if (this.#bar === undefined || epoch !== this.#epoch) {
      this.#bar?.close();
      this.#bar = new Progress(total ?? undefined, { label: `Epoch ${epoch}`, unit: "step" });
      this.#epoch = epoch;
    }
    this.#bar.set(batch, noteOf(metrics));
    if (ends) {
      this.#bar.close();
      this.#bar = undefined;
    }
  }

  close(): void {
    this.#bar?.close(true);
  }
}

/** The launcher's group of processes is told; a launcher that is gone needs no telling. */
function send(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-(child.pid ?? Number.NaN), signal);
  } catch {
    // It has ended.
  }
}

/**
 * Starts the ranks and waits for them. A first request to stop lets them end their batch and save; a second one ends them.
 *
 * @returns the launcher's exit code, the end of what it wrote to standard error, and whether the ranks were ended
 */
export async function runRanks(folder: string, devices: number, options: RunRanksOptions) {
  const [command = "", ...flags] = launchCommand(
    { devices, numNodes: 1, args: [], grace },
    mpi.family ?? "",
    availableParallelism(),
  );
  const node = [process.execPath, ...(isSource ? process.execArgv : []), program, folder];
  // A group of its own: an interrupt that the terminal or the kernel sends to this process's group is not theirs.
  const child = spawn(command, [...flags, ...node], {
    env: launchEnvironment(),
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const deaths = new MemoryDeaths();
  const bars = new Bars();
  let [said, requests] = ["", 0];
  let timer: NodeJS.Timeout | undefined;
  const request = () => {
    requests++;
    if (requests === 1) {
      child.stdin.write(stopLine);
    } else {
      send(child, "SIGTERM");
      timer ??= setTimeout(() => send(child, "SIGKILL"), (grace + patience) * 1000);
    }
  };
  const leave = () => send(child, "SIGTERM");
  child.stdin.on("error", () => {});
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = `${said}${text}`.slice(-4000);
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (!line.startsWith(mark)) {
      console.log(line);
    } else if (options.showsProgress) {
      const step: RankStep = JSON.parse(line.slice(mark.length));
      bars.show(step);
    }
  });
  options.signal?.addEventListener("abort", request);
  if (options.handleSignals) {
    process.on("SIGINT", request);
  }
  process.on("exit", leave);
  // A cell that was stopped hears of nothing more: what is to be cleared away is so by the process's end alone.
  const ended = new Promise<number>((resolve, reject) => {
    const clear = () => {
      clearTimeout(timer);
      bars.close();
      options.signal?.removeEventListener("abort", request);
      process.off("SIGINT", request);
      process.off("exit", leave);
      if (requests > 1) {
        rmSync(folder, { recursive: true, force: true });
      }
    };
    child.on("error", (error) => {
      clear();
      reject(
        new Error(`${command} cannot be started: ${error.message}. Install it (Debian: apt install openmpi-bin).`),
      );
    });
    child.on("close", (code) => {
      clear();
      resolve(code ?? 1);
    });
  });
  if (options.signal?.aborted) {
    request();
  }
  const code = await ended;
  const words = code === 0 ? undefined : deaths.words();
  if (words !== undefined) {
    said = `${said}${words}\n`;
  }
  return { code, said, isStopped: requests > 1 };
}
