/**
 * What a page and Node both do with the engine in WebAssembly: they infer with a network of given weights, and train a fresh one. Imports no
 * built-ins of Node, so that it can be bundled for a page.
 */
import { engine, randomNormal, sgdStep, valueAndGrads } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { createModelFrom } from "../../lib/convbook/models/index.ts";
import { CrossEntropyLoss } from "../../lib/convbook/nn/index.ts";
import { manualSeed } from "../../lib/convbook/random/index.ts";
import type { TensorData } from "../../lib/convbook/tensor-data.ts";

/** A network and its weights, as JSON has them. */
export interface Given {
  readonly name: string;
  readonly hparams: object;
  readonly weights: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: number[];
    data: number[];
  }[];
}

export interface Outcome {
  readonly isa: string;
  readonly threads: number;
  /** Of the given network. */
  readonly logits: readonly number[];
  /** Of each step of training. */
  readonly losses: readonly number[];
  /** How many tensors, bytes in use and bytes at the most there were more at the end than after three steps. */
  readonly grown: readonly number[];
}

const images = (): tf.Tensor4D => randomNormal([16, 32, 32, 3], 0, 1, 5) as tf.Tensor4D;

function tensorOf({ dtype, shape, data }: Given["weights"][number]): TensorData {
  if (dtype === "int64") {
    return { dtype, shape, data: BigInt64Array.from(data, BigInt) };
  }
  return { dtype: "float32", shape, data: Float32Array.from(data) };
}

function infer({ name, hparams, weights }: Given): number[] {
  const model = createModelFrom(name, hparams);
  model.loadStateDict(new Map(weights.map((weight) => [weight.name, tensorOf(weight)])));
  model.eval();
  const logits = tf.tidy(() => [...model.forward(images()).dataSync()]);
  model.dispose();
  return logits;
}

async function train({ name, hparams }: Given): Promise<Pick<Outcome, "losses" | "grown">> {
  manualSeed(42);
  const model = createModelFrom(name, hparams);
  model.train();
  const variables = model.parameters().map(({ variable }) => variable);
  const velocities = variables.map((variable) => tf.variable(tf.zerosLike(variable), false));
  const x = images();
  const labels = tf.tensor1d(
    Array.from({ length: 16 }, (_, i) => i % 10),
    "int32",
  );
  const loss = new CrossEntropyLoss();
  const losses: number[] = [];
  const state = (): number[] => {
    const { used, peak } = engine.info().memory;
    return [tf.memory().numTensors, used, peak];
  };
  let before: number[] = [];
  for (let step = 0; step < 10; step++) {
    const { value, grads } = valueAndGrads(() => loss.forward(model.forward(x), labels) as tf.Scalar, variables);
    sgdStep(variables, grads as tf.Tensor[], velocities, { learningRate: 0.1, momentum: 0.9, first: step === 0 });
    losses.push(value.dataSync()[0] ?? Number.NaN);
    tf.dispose([value, ...(grads as tf.Tensor[])]);
    before = step === 2 ? state() : before;
    // As pages do, so that they can be used meanwhile; workers start here, too.
    await new Promise((resolve) => setTimeout(resolve));
  }
  const grown = state().map((value, i) => value - (before[i] ?? Number.NaN));
  tf.dispose([x, labels, ...velocities]);
  model.dispose();
  return { losses, grown };
}

/** Runs on the backend `native`, which must be there. */
export async function trial(given: Given): Promise<Outcome> {
  await tf.setBackend("native");
  const { isa, threads } = engine.info();
  return { isa, threads, logits: infer(given), ...(await train(given)) };
}
