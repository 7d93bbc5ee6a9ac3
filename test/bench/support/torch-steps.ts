/** PyTorch's training steps in a process of its own, taken when asked for. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const python = "/usr/bin/python3";

/** Whether Debian's PyTorch is there; says so once where it is not. */
let known: boolean | undefined;
export function hasTorch(): boolean {
  known ??= spawnSync(python, ["-c", "import torch"]).status === 0;
  return known;
}

export class TorchSteps {
  readonly #process: ChildProcessWithoutNullStreams | undefined;
  readonly #answers: AsyncIterator<string> | undefined;

  private constructor(process: ChildProcessWithoutNullStreams | undefined) {
    this.#process = process;
    this.#answers = process && createInterface({ input: process.stdout })[Symbol.asyncIterator]();
  }

  /** Starts it and takes a first step in each layout; without PyTorch it says so and gives no times. */
  static async start(model: string, batch: number): Promise<TorchSteps> {
    if (!hasTorch()) {
      console.error(`PyTorch is left out: ${python} has no torch (apt install python3-torch).`);
      return new TorchSteps(undefined);
    }
    const script = fileURLToPath(new URL("../training.py", import.meta.url));
    const started = new TorchSteps(spawn(python, [script, model, String(batch)]));
    started.#process?.stderr.pipe(process.stderr);
    for (const layout of ["default", "channels_last"] as const) {
      await started.steps(layout, 1);
    }
    return started;
  }

  /** @returns milliseconds of each step */
  async steps(layout: "default" | "channels_last", count: number): Promise<number[]> {
    if (this.#process === undefined || this.#answers === undefined) {
      return [];
    }
    this.#process.stdin.write(`${layout} ${count}\n`);
    const { done, value } = await this.#answers.next();
    if (done) {
      throw new Error("PyTorch's process has ended.");
    }
    return value.split(" ").map(Number);
  }

  stop(): void {
    this.#process?.stdin.end();
  }
}
