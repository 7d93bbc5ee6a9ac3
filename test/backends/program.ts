/**
 * What a backend computes, as JSON in the file that CONVBOOK_OUTPUT names: logits of the tutorial's four networks, gradients, a few steps of each optimizer, a run of the Trainer, how many
 * tensors are alive, and networks that are drawn at random. Run once on the backend under test and once on another one, in processes of their own.
 */
import { writeFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import {
  createModel,
  loadFromCheckpoint,
  manualSeed,
  nn,
  optim,
  selectBackend,
  Trainer,
  TrainingModule,
  valueAndGrads,
} from "../../lib/convbook/index.ts";
import { randn } from "../../lib/convbook/random/index.ts";
import { outcome } from "../compile/outcome.ts";

const names = ["GoogleNet", "ResNet", "ResNetPreAct", "DenseNet"] as const;
const batch = 4;
/** So many are drawn at random. */
const networks = 25;

/** The weights that ship with the project: each network as it is used, not as it is initialized. */
const checkpoint = (name: string) => new URL(`../../datasets/pretrained/${name}.safetensors`, import.meta.url).pathname;

function images(seed: number): tf.Tensor4D {
  manualSeed(seed);
  return tf.tensor4d(randn([batch, 32, 32, 3]).data as Float32Array, [batch, 32, 32, 3]);
}

async function values(tensor: tf.Tensor): Promise<number[]> {
  return Array.from((await tensor.data()) as Float32Array);
}

/** A network small enough for a GPU that is a program, with all that the large ones have. */
const small = () => createModel("ResNet", { numBlocks: [1, 1], cHidden: [4, 8] });

class Small extends TrainingModule<readonly [tf.Tensor4D, tf.Tensor1D]> {
  model = small();
  loss = new nn.CrossEntropyLoss();
  forward(x: tf.Tensor): tf.Tensor {
    return this.model.forward(x as tf.Tensor4D);
  }
  trainingStep([x, labels]: readonly [tf.Tensor4D, tf.Tensor1D]): tf.Tensor {
    const loss = this.loss.forward(this.forward(x), labels);
    this.log("train_loss", loss);
    return loss;
  }
  configureOptimizers(): optim.SGD {
    return new optim.SGD(this.parameters(), { lr: 0.05, momentum: 0.9 });
  }
}

async function logits(): Promise<Record<string, number[]>> {
  const found: Record<string, number[]> = {};
  for (const name of names) {
    const { model } = await loadFromCheckpoint(checkpoint(name));
    model.eval();
    const x = images(1);
    const output = tf.tidy(() => model.forward(x) as tf.Tensor);
    found[name] = await values(output);
    tf.dispose([x, output]);
    model.dispose();
  }
  return found;
}

async function allGradients(): Promise<number[]> {
  manualSeed(3);
  const model = small();
  const x = images(2);
  const labels = tf.tensor1d([0, 3, 5, 9], "int32");
  const loss = new nn.CrossEntropyLoss();
  const parameters = model.parameters();
  const { value, gradients } = valueAndGrads(
    () => loss.forward(model.forward(x), labels) as tf.Scalar,
    parameters.map(({ variable }) => variable),
  );
  const all = [await values(value)];
  for (const { variable } of parameters) {
    all.push(await values(gradients.get(variable) as tf.Tensor));
  }
  tf.dispose([value, ...gradients.values(), x, labels]);
  model.dispose();
  return all.flat();
}

/** The losses of some steps of an optimizer, and the tensors that each step left. */
async function steps(name: optim.OptimizerName): Promise<{ losses: number[]; left: number }> {
  manualSeed(4);
  const model = small();
  const x = images(5);
  const labels = tf.tensor1d([0, 3, 5, 9], "int32");
  const loss = new nn.CrossEntropyLoss();
  // Muon is for matrices and filters alone.
  const parameters = model.parameters().filter(({ variable }) => name !== "Muon" || variable.rank > 1);
  const optimizer = optim.createOptimizer(name, parameters, { lr: 0.01 });
  const losses: number[] = [];
  const alive: number[] = [];
  for (let i = 0; i < 4; i++) {
    const { value, gradients } = valueAndGrads(
      () => loss.forward(model.forward(x), labels) as tf.Scalar,
      parameters.map(({ variable }) => variable),
    );
    optimizer.step(gradients);
    losses.push((await values(value))[0] as number);
    tf.dispose([value, ...gradients.values()]);
    alive.push(tf.memory().numTensors);
  }
  optimizer.dispose();
  tf.dispose([x, labels]);
  model.dispose();
  return { losses, left: (alive.at(-1) as number) - (alive[1] as number) };
}

async function allSteps(): Promise<Record<string, Awaited<ReturnType<typeof steps>>>> {
  const found: Record<string, Awaited<ReturnType<typeof steps>>> = {};
  for (const name of optim.optimizerNames) {
    found[name] = await steps(name);
  }
  return found;
}

/** A run of the Trainer: its weights, or what it says where it cannot run. */
async function trained(): Promise<{ status: string; weights: number[] }> {
  manualSeed(6);
  const module = new Small();
  async function* loader() {
    for (let i = 0; i < 3; i++) {
      yield [images(10 + i), tf.tensor1d([1, 2, 3, 4], "int32")] as const;
    }
  }
  const trainer = new Trainer({
    maxEpochs: 1,
    logger: false,
    enableCheckpointing: false,
    enableProgressBar: false,
    enableModelSummary: false,
  });
  const { status } = await trainer
    .fit(module, { [Symbol.asyncIterator]: loader })
    .catch((error: Error) => ({ status: `${error.message}` }));
  const last = module.parameters().at(-2) as nn.Parameter;
  const weights = await values(last.variable);
  module.dispose();
  return { status, weights };
}

/** What some networks come to, by the numbers that they are drawn from. */
async function graphs(): Promise<Record<string, number[]>[]> {
  const found: Record<string, number[]>[] = [];
  for (let seed = 0; seed < networks; seed++) {
    const numbers: Record<string, number[]> = {};
    for (const [name, tensor] of Object.entries(outcome(seed, seed % 5 === 4))) {
      numbers[name] = await values(tensor);
      tensor.dispose();
    }
    found.push(numbers);
  }
  return found;
}

const info = await selectBackend({ announce: false });
const result = {
  backend: info.name,
  description: info.description,
  logits: await logits(),
  gradients: await allGradients(),
  steps: await allSteps(),
  trained: await trained(),
  graphs: await graphs(),
};
writeFileSync(process.env.CONVBOOK_OUTPUT as string, JSON.stringify(result));
