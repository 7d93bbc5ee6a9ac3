/** Where the time goes, by kernel: what remains to be asked when a training step is known to be slow. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { type Table, table } from "../../display/index.ts";
import { Profiler } from "./profiler.ts";

/** One kernel's share of one stage. */
export interface KernelRow {
  /** For example `training`. */
  readonly stage: string;
  readonly kernel: string;
  readonly calls: number;
  /** Milliseconds of all calls. */
  readonly total: number;
  readonly mean: number;
  /** Of all kernels of the stage. */
  readonly share: number;
  /** Billions of multiplications and additions a second, where the backend tells. */
  readonly gflops: number | null;
}

interface Tally {
  calls: number;
  total: number;
  /** Multiplications and additions, in millions. */
  operations: number;
}

/** Measures hooks and, within the first batches of each stage, every kernel that runs. */
export class KernelProfiler extends Profiler {
  readonly #batches: number;
  readonly #stages = new Map<string, { batches: number; readonly kernels: Map<string, Tally> }>();

  /** @param options.batches of how many batches a stage kernels are measured, since that slows them down; default 50 */
  constructor({ batches = 50 }: { batches?: number } = {}) {
    super();
    this.#batches = batches;
  }

  override async measureBatch<T>(name: string, f: () => Promise<T>): Promise<T> {
    let stage = this.#stages.get(name);
    if (stage === undefined) {
      stage = { batches: 0, kernels: new Map() };
      this.#stages.set(name, stage);
    }
    const { kernels } = stage;
    if (stage.batches++ >= this.#batches) {
      return super.measureBatch(name, f);
    }
    const result: { value?: T } = {};
    const run = async () => {
      result.value = await super.measureBatch(name, f);
    };
    if (tf.getBackend() === "native") {
      for (const row of (await engine.profile(run)).rows) {
        const label = row.native ? row.kernel : `${row.kernel} (JavaScript)`;
        add(kernels, label, row.calls, row.milliseconds, row.gflops ?? 0);
      }
    } else {
      await profileElsewhere(run, kernels);
    }
    return result.value as T;
  }

  /** Kernels by stage and time. */
  kernelRows(): KernelRow[] {
    return [...this.#stages].flatMap(([stage, { kernels }]) => {
      let sum = 0;
      for (const { total } of kernels.values()) {
        sum += total;
      }
      return [...kernels]
        .map(([kernel, { calls, total, operations }]) => ({
          stage,
          kernel,
          calls,
          total,
          mean: total / calls,
          share: sum > 0 ? total / sum : 0,
          gflops: operations > 0 && total > 0 ? operations / total : null,
        }))
        .sort((a, b) => b.total - a.total);
    });
  }

  override tables(): Table[] {
    const all = this.kernelRows();
    const kernels = [...this.#stages].map(([stage, { batches }]) => {
      const rows = all.filter((row) => row.stage === stage);
      const hasFlops = rows.some(({ gflops }) => gflops !== null);
      const columns = { kernel: "kernel", calls: "calls", mean: "mean ms", total: "total ms", share: "share" };
      return table(
        rows.map((row) => ({ ...row })),
        {
          columns: hasFlops ? { ...columns, gflops: "GFLOP/s" } : columns,
          formats: {
            ...{ calls: "integer", mean: "fixed3", total: "fixed1", share: "percent" },
            ...(hasFlops ? { gflops: "fixed0" as const } : {}),
          },
          caption: `Kernels of ${stage}, first ${Math.min(batches, this.#batches)} batches, on the backend ${tf.getBackend()}`,
        },
      );
    });
    return [...super.tables(), ...kernels];
  }
}

function add(kernels: Map<string, Tally>, kernel: string, calls: number, milliseconds: number, gflops: number): void {
  const tally = kernels.get(kernel) ?? { calls: 0, total: 0, operations: 0 };
  kernels.set(kernel, tally);
  tally.calls += calls;
  tally.total += milliseconds;
  tally.operations += gflops * milliseconds;
}

/** TensorFlow.js's own profile, for the other backends. */
async function profileElsewhere(run: () => Promise<void>, kernels: Map<string, Tally>): Promise<void> {
  // TensorFlow.js waits for what it profiles, whatever its types say.
  const { kernels: calls } = await tf.profile(run);
  for (const { name, kernelTimeMs } of calls) {
    // A scope is what contains other kernels, each of which is listed itself.
    if (name !== "unnamed scope") {
      add(kernels, name, 1, Number(await kernelTimeMs), 0);
    }
  }
}
