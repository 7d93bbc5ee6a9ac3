/** The module of {@link file://../fixtures/make_weight_callbacks.py}, and what PyTorch Lightning's callbacks made of it. */
import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import { BatchNorm1d, Linear, ReLU, Sequential } from "../../nn/index.ts";
import type { StateDict, TensorData } from "../../tensor-data.ts";
import { type OptimizerConfig, SGD, StepLR, TrainingModule } from "../index.ts";

/** Values of a state dict, flat. */
export type FlatState = Readonly<Record<string, readonly number[]>>;

/** What is noted of a run. */
export interface NotedRun {
  readonly options: Readonly<Record<string, unknown>>;
  readonly first: FlatState;
  readonly losses: readonly number[];
  /** Of each epoch, of each group: rate and number of values. */
  readonly rates: readonly (readonly (readonly [lr: number, values: number])[])[];
  readonly after: readonly FlatState[];
  readonly saved: readonly { readonly state: FlatState; readonly current: FlatState; readonly averaged: number }[];
  readonly last: FlatState;
}

export const noted = JSON.parse(
  readFileSync(new URL("../fixtures/weight_callbacks.json", import.meta.url), "utf8"),
) as {
  readonly train: readonly number[][][];
  readonly val: readonly number[][][];
  readonly averaging: readonly (NotedRun & {
    readonly name: string;
    readonly trainer: Readonly<Record<string, unknown>>;
  })[];
  readonly finetuning: readonly (NotedRun & { readonly takesAll: boolean })[];
};

const loader = (batches: readonly number[][][]) => ({
  length: batches.length,
  *[Symbol.iterator](): Iterator<tf.Tensor> {
    for (const batch of batches) {
      yield tf.tensor2d(batch);
    }
  },
});
export const train = loader(noted.train);
export const val = loader(noted.val);

export class WithBackbone extends TrainingModule<tf.Tensor> {
  readonly backbone = new Sequential(new Linear(3, 4), new BatchNorm1d(4), new ReLU());
  readonly head = new Linear(4, 2);
  readonly losses: number[] = [];
  readonly rates: (readonly [lr: number, values: number])[][] = [];
  readonly after: FlatState[] = [];
  readonly #takesAll: boolean;

  constructor(first: FlatState, takesAll: boolean) {
    super();
    this.#takesAll = takesAll;
    this.loadStateDict(stateOf(this, first));
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.head.forward(this.backbone.forward(x as tf.Tensor2D));
  }

  trainingStep(batch: tf.Tensor): tf.Tensor {
    return tf.mean(tf.square(this.forward(batch)));
  }

  override validationStep(batch: tf.Tensor): void {
    this.losses.push(this.trainingStep(batch).dataSync()[0] ?? Number.NaN);
  }

  override onTrainBatchStart(_batch: tf.Tensor, index: number): void {
    if (index === 0) {
      const groups = this.trainer.optimizers[0]?.paramGroups ?? [];
      this.rates.push(groups.map(({ lr, params }) => [lr, params.reduce((sum, { size }) => sum + size, 0)]));
    }
  }

  override onTrainEpochEnd(): void {
    this.after.push(flat(this.stateDict()));
  }

  configureOptimizers(): OptimizerConfig {
    const parameters = this.parameters().filter(({ requiresGrad }) => requiresGrad || this.#takesAll);
    const optimizer = new SGD(parameters, { lr: 0.1, momentum: 0.9 });
    return [[optimizer], [new StepLR(optimizer, { stepSize: 2, gamma: 0.5 })]];
  }
}

/** A state dict as the fixture has it. */
export const flat = (state: StateDict): FlatState =>
  Object.fromEntries([...state].map(([name, { data }]) => [name, Array.from<number | bigint, number>(data, Number)]));

function stateOf(module: WithBackbone, values: FlatState): StateDict {
  return new Map(
    [...module.stateShapes()].map(([name, shape]): [string, TensorData] => {
      const data = values[name] ?? [];
      return name.endsWith("num_batches_tracked")
        ? [name, { dtype: "int64", shape: [], data: BigInt64Array.from(data, BigInt) }]
        : [name, { dtype: "float32", shape, data: Float32Array.from(data) }];
    }),
  );
}

/** The options of the fixture in our spelling. */
export const camelCase = (options: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );

/** The values of two states that differ by more than rounding. */
export function differences(got: FlatState, wanted: FlatState): string[] {
  return Object.entries(wanted).flatMap(([name, values]) =>
    values.flatMap((value, i) => {
      const own = got[name]?.[i] ?? Number.NaN;
      return Math.abs(own - value) <= 2e-6 * Math.max(1, Math.abs(value))
        ? []
        : [`${name}[${i}]: ${own}, not ${value}`];
    }),
  );
}
