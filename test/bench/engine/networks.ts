/** The tutorial's four networks, and one training step or inference of each on whatever backend is in use. */
import { sgdStep, valueAndGrads } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { createModelFrom } from "../../../lib/convbook/models/index.ts";
import { type AnyModule, CrossEntropyLoss } from "../../../lib/convbook/nn/index.ts";
import { manualSeed } from "../../../lib/convbook/random/index.ts";
import type { Contestant, Mode } from "./contest.ts";

/** Names of the registry with hyper-parameters. */
export const networks: Readonly<Record<string, { readonly model: string; readonly hparams: Record<string, unknown> }>> =
  {
    ResNet: { model: "ResNet", hparams: {} },
    PreActResNet: { model: "ResNet", hparams: { blockName: "PreActResNetBlock" } },
    GoogleNet: { model: "GoogleNet", hparams: {} },
    DenseNet: {
      model: "DenseNet",
      hparams: { numLayers: [6, 6, 6, 6], bnSize: 2, growthRate: 16 },
    },
  };

/** A network of {@link networks}, freshly initialized. @throws Error for a name that is not there. */
export function createNetwork(name: string): AnyModule {
  const network = networks[name];
  if (network === undefined) {
    throw new Error(`No network is named "${name}"; there are: ${Object.keys(networks).join(", ")}`);
  }
  manualSeed(42);
  return createModelFrom(network.model, network.hparams);
}

/** The network on the backend in use, with a batch of CIFAR's shape. */
export function ours(name: string, batch: number): Contestant {
  return contestantOf(createNetwork(name), [batch, 32, 32, 3]);
}

/**
 * A module that gives logits of ten classes. A training step is what PyTorch's side does: forward, loss, gradients, SGD with momentum and
 * weight decay, the loss read.
 *
 * @param around what a forward pass runs in
 * @param learningRate where weights grow without bounds results are no numbers soon, on which convolutions take other ways
 */
export function contestantOf(
  module: AnyModule,
  shape: readonly number[],
  around: <T>(body: () => T) => T = (body) => body(),
  learningRate = 0.1,
): Contestant {
  const batch = shape[0] as number;
  const variables = module.parameters().map(({ variable }) => variable);
  const velocities = variables.map((variable) => tf.variable(tf.zerosLike(variable), false));
  const images = tf.randomNormal([...shape]);
  const labels = tf.randomUniform<tf.Rank.R1>([batch], 0, 10, "int32");
  const loss = new CrossEntropyLoss();
  let first = true;
  const native = tf.getBackend() === "native";
  const optimizer = native ? undefined : tf.train.momentum(learningRate, 0.9);
  const train = (): void => {
    const forward = () =>
      loss.forward(
        around(() => module.forward(images)),
        labels,
      ) as tf.Scalar;
    const { value, grads } = valueAndGrads(forward, variables);
    if (native) {
      const options = { learningRate, momentum: 0.9, weightDecay: 1e-4, first };
      sgdStep(variables, grads as tf.Tensor[], velocities, options);
    } else {
      const named = variables.map((variable, i) => ({ name: variable.name, tensor: grads[i] as tf.Tensor }));
      optimizer?.applyGradients(named);
    }
    first = false;
    value.dataSync();
    tf.dispose([value, ...(grads as tf.Tensor[])]);
  };
  const infer = (): void => {
    const logits: tf.Tensor = tf.tidy(() => around(() => module.forward(images)));
    logits.dataSync();
    logits.dispose();
  };
  return {
    async step(mode: Mode) {
      module.train(mode === "train");
      const start = performance.now();
      if (mode === "train") {
        train();
      } else {
        infer();
      }
      return performance.now() - start;
    },
    close() {
      module.dispose();
      tf.dispose([images, labels, ...velocities]);
    },
  };
}
