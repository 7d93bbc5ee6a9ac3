/** Kernels started ahead of their notebooks, and ended behind them, so that nobody waits for either. */
import { findKernelspec } from "../kernels/kernelspec.ts";
import { KernelManager, type KernelManagerOptions } from "../kernels/manager.ts";
import type { AcquireKernel, KernelRequest } from "./types.ts";

export interface KernelPoolOptions extends Omit<KernelManagerOptions, "cwd"> {
  readonly kernelDir?: string | undefined;
}

/** Starts kernels for notebooks; each notebook gets a fresh one. */
export class KernelPool {
  readonly #options: KernelPoolOptions;
  readonly #warm = new Map<string, Promise<KernelManager>[]>();
  readonly #ending = new Set<Promise<void>>();

  constructor(options: KernelPoolOptions = {}) {
    this.#options = options;
  }

  /** Starts a kernel that a later `acquire` of the same will take. */
  warm(request: KernelRequest): void {
    const key = keyOf(request);
    const waiting = this.#warm.get(key) ?? [];
    const starting = this.#start(request);
    // What is wrong with it is told when it is taken.
    starting.catch(() => {});
    waiting.push(starting);
    this.#warm.set(key, waiting);
  }

  /** How many kernels wait for a notebook. */
  get waiting(): number {
    return [...this.#warm.values()].reduce((sum, kernels) => sum + kernels.length, 0);
  }

  readonly acquire: AcquireKernel = async (request) => {
    const ready = this.#warm.get(keyOf(request))?.shift();
    let kernel = await ready;
    if (kernel === undefined || !kernel.alive) {
      kernel = await this.#start(request);
    }
    const taken = kernel;
    return { kernel, release: () => this.#end(taken) };
  };

  /** Ends every kernel, and waits until they have. */
  async close(): Promise<void> {
    const waiting = [...this.#warm.values()].flat();
    this.#warm.clear();
    await Promise.all(waiting.map(async (starting) => (await starting.catch(() => undefined))?.kill()));
    await Promise.all(this.#ending);
  }

  async #start({ name, cwd, notebookFolder, kernelName }: KernelRequest): Promise<KernelManager> {
    const { kernelDir, ...options } = this.#options;
    const spec = findKernelspec(name, { kernelDir, from: notebookFolder });
    return KernelManager.start(spec, { ...options, cwd, kernelName });
  }

  #end(kernel: KernelManager): void {
    const ending = kernel.shutdown().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

function keyOf({ name, cwd, kernelName }: KernelRequest): string {
  return JSON.stringify([name, cwd, kernelName]);
}
