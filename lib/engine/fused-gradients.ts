/** The gradients of the fused operations: one kernel each, or a composition where a gradient is differentiated itself. */

import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import {
  batchNormComposed,
  crossEntropyComposed,
  gradientsOf,
  groupNormComposed,
  maxOfWindows,
} from "./differentiation/compositions.ts";
import { first, gradient, run } from "./differentiation/gradient.ts";
import { type PoolAttrs, windowsOf } from "./differentiation/pools.ts";
import { isNested, isRecording } from "./differentiation/tape.ts";
import { wantsGradientOf } from "./fused.ts";
import type { ConvolutionAttrs } from "./kernels/fused-convolution.ts";

/** Of the normal distribution. */
const densityAtZero = 1 / Math.sqrt(2 * Math.PI);

type Grads = Record<string, () => Tensor>;

/** What a convolution's gradients have to know of it. */
interface ConvolutionGradAttrs extends ConvolutionAttrs {
  readonly bias: boolean;
  readonly residual: boolean;
}

interface BatchNormAttrs {
  readonly epsilon: number;
  readonly activation: "linear" | "relu" | "relu6";
  readonly residual: boolean;
}

// tfjs asks for each input's gradient in a scope of its own, at whose end everything else made there is freed. What one
// kernel gives for several inputs is therefore worked out before any of them is asked for.

function convolutionGrad(dy: Tensor, x: Tensor, filter: Tensor, attrs: ConvolutionGradAttrs): Grads {
  const wanted = { ...attrs, inputShape: x.shape, filterShape: filter.shape };
  const grads: Grads = { x: () => run("ConvolutionInputGrad", { dy, filter }, wanted) };
  if (attrs.bias) {
    const [dfilter, dbias] = run<[Tensor, Tensor]>("ConvolutionFilterGrad", { x, dy }, wanted);
    grads.filter = () => dfilter;
    grads.bias = () => dbias;
  } else {
    grads.filter = () => run<[Tensor]>("ConvolutionFilterGrad", { x, dy }, wanted)[0];
  }
  if (attrs.residual) {
    grads.residual = () => dy.clone();
  }
  return grads;
}

/** The gradients of a convolution's gradients, which are convolutions again. */
const convolutionGradGradients: readonly tf.GradConfig[] = [
  gradient({
    kernelName: "ConvolutionInputGrad",
    inputsToSave: ["dy", "filter"],
    gradFunc: (ddx, [dy, filter], attrs) => {
      const own = { ...attrs, activation: "linear", bias: false, residual: false };
      return {
        dy: () => run("Convolution", { x: first(ddx), filter }, own),
        filter: () =>
          run<[Tensor]>("ConvolutionFilterGrad", { x: first(ddx), dy }, { ...own, filterShape: filter.shape })[0],
      };
    },
  }),
  gradient({
    kernelName: "ConvolutionFilterGrad",
    inputsToSave: ["x", "dy"],
    gradFunc: (dds, [x, dy], attrs) => {
      const own = { ...attrs, activation: "linear", bias: false, residual: false };
      return {
        x: () => run("ConvolutionInputGrad", { dy, filter: first(dds) }, own),
        dy: () => {
          const byFilter = run("Convolution", { x, filter: first(dds) }, own);
          const byBias = Array.isArray(dds) ? dds[1] : undefined;
          return byBias === undefined ? byFilter : tf.add(byFilter, byBias);
        },
      };
    },
  }),
];

interface BatchNormSaved extends Record<string, Tensor> {
  readonly x: Tensor;
  readonly gamma: Tensor;
  readonly beta: Tensor;
}

function batchNormGrad(dy: Tensor, saved: BatchNormSaved, attrs: BatchNormAttrs): Grads {
  if (isRecording()) {
    return batchNormGradComposed(dy, saved, attrs);
  }
  const [x, gamma, beta, ...rest] = run<[Tensor, Tensor, Tensor, ...Tensor[]]>(
    "BatchNormTrainingGrad",
    { dy, ...saved },
    attrs,
  );
  const grads: Grads = { x: () => x, gamma: () => gamma, beta: () => beta };
  if (attrs.residual) {
    grads.residual = () => rest[0] ?? dy.clone();
  }
  return grads;
}

/** A gradient behind an activation that gave y. */
function openOf(dy: Tensor, y: Tensor, activation: BatchNormAttrs["activation"]): Tensor {
  if (activation === "linear") {
    return dy;
  }
  const open = tf.mul(dy, tf.step(y));
  return activation === "relu6" ? tf.mul(open, tf.step(tf.sub(6, y))) : open;
}

function batchNormGradComposed(dy: Tensor, { x, gamma, beta, y }: BatchNormSaved, attrs: BatchNormAttrs): Grads {
  // Behind a residual y says where a ReLU was open; without one it is worked out again.
  const open = y === undefined ? dy : openOf(dy, y, attrs.activation);
  const own = { epsilon: attrs.epsilon, activation: y === undefined ? attrs.activation : "linear" };
  const [dx, dgamma, dbeta] = gradientsOf((...inputs) => batchNormComposed(...inputs, own), [x, gamma, beta], open);
  const grads: Grads = { x: () => dx, gamma: () => dgamma, beta: () => dbeta };
  if (attrs.residual) {
    grads.residual = () => open.clone();
  }
  return grads;
}

const fusedGradients: readonly tf.GradConfig[] = [
  {
    kernelName: "ProgramTraining",
    saveAllInputs: true,
    outputsToSave: [true, true],
    gradFunc: (dys, saved, attrs) => {
      if (isRecording()) {
        throw new Error(
          "ProgramTraining: layers in one program have no gradient of their gradient; run them one by one.",
        );
      }
      const wantsInput = wantsGradientOf("0");
      // Saved are the inputs, and behind them the two outputs, which the kernel takes first.
      const inputs = [first(dys), ...saved.slice(-2), ...saved.slice(0, -2)];
      const grads = run<Tensor[]>("ProgramTrainingGrad", inputs, { ...attrs, wantsInput });
      return Object.fromEntries(grads.map((grad, i) => [`${wantsInput ? i : i + 1}`, () => grad]));
    },
  },
  ...convolutionGradGradients,
  gradient({
    kernelName: "Convolution",
    inputsToSave: ["x", "filter"],
    gradFunc: (dy, [x, filter], attrs: ConvolutionGradAttrs) => convolutionGrad(first(dy), x, filter, attrs),
  }),
  gradient({
    kernelName: "ConvolutionActivation",
    inputsToSave: ["x", "filter"],
    outputsToSave: [true],
    gradFunc: (dy, [x, filter, y], attrs: ConvolutionGradAttrs) => {
      const masked = run(attrs.activation === "relu6" ? "Relu6Grad" : "ReluGrad", { dy: first(dy), y }, {});
      return convolutionGrad(masked, x, filter, attrs);
    },
  }),
  gradient({
    kernelName: "BatchNormTraining",
    inputsToSave: ["x", "gamma", "beta"],
    outputsToSave: [false, true, false, true],
    gradFunc: (dys, [x, gamma, beta, mean, inverse], attrs: BatchNormAttrs) =>
      batchNormGrad(first(dys), { x, gamma, beta, mean, inverse }, attrs),
  }),
  gradient({
    kernelName: "BatchNormTrainingResidual",
    inputsToSave: ["x", "gamma", "beta"],
    outputsToSave: [true, true, false, true],
    gradFunc: (dys, [x, gamma, beta, y, mean, inverse], attrs: BatchNormAttrs) =>
      batchNormGrad(first(dys), { x, gamma, beta, y, mean, inverse }, attrs),
  }),
  gradient({
    kernelName: "GroupNorm",
    inputsToSave: ["x", "gamma", "beta"],
    outputsToSave: [false, true, true],
    gradFunc: (dys, [x, gamma, beta, mean, inverse], attrs: { groups: number; epsilon: number }) => {
      const [dx, dgamma, dbeta] = isRecording()
        ? gradientsOf((...inputs) => groupNormComposed(...inputs, attrs), [x, gamma, beta], first(dys))
        : run<[Tensor, Tensor, Tensor]>("GroupNormGrad", { dy: first(dys), x, gamma, mean, inverse }, attrs);
      return { x: () => dx, gamma: () => dgamma, beta: () => dbeta };
    },
  }),
  gradient({
    kernelName: "MaxPoolKeepIndex",
    // The index is enough, and smaller, unless the gradient may be differentiated again.
    get inputsToSave() {
      return isNested() ? ["x"] : [];
    },
    outputsToSave: [false, true],
    gradFunc: (dys, saved, attrs: PoolAttrs) => ({
      x: () => {
        const [x] = saved;
        const index = saved[saved.length - 1] ?? x;
        if (!isRecording()) {
          return run("MaxPoolKeepIndexGrad", { dy: first(dys), index }, attrs);
        }
        const windows = windowsOf(x.shape, attrs);
        return gradientsOf((t) => maxOfWindows(t, windows, true), [x], first(dys))[0];
      },
    }),
  }),
  gradient({
    kernelName: "SoftmaxCrossEntropy",
    inputsToSave: ["logits", "labels"],
    outputsToSave: [false, true],
    gradFunc: (dys, [logits, labels, slope], { labelSmoothing = 0 }: { labelSmoothing?: number }) => {
      if (!isRecording()) {
        const dy = (): Tensor => tf.reshape(first(dys), [-1, 1]);
        return {
          logits: () => tf.mul(slope, dy()),
          labels: () => tf.neg(tf.mul(tf.logSoftmax(logits), dy())),
        };
      }
      if (labels.dtype === "int32") {
        const loss = (z: Tensor) => crossEntropyComposed(z, labels, labelSmoothing);
        const [dlogits] = gradientsOf(loss, [logits], first(dys));
        return { logits: () => dlogits, labels: () => tf.zeros(labels.shape) };
      }
      const loss = (z: Tensor, target: Tensor) => crossEntropyComposed(z, target, labelSmoothing);
      const [dlogits, dlabels] = gradientsOf(loss, [logits, labels], first(dys));
      return { logits: () => dlogits, labels: () => dlabels };
    },
  }),
  gradient({
    kernelName: "Gelu",
    inputsToSave: ["x"],
    gradFunc: (dys, [x]) => ({
      x: () => (isRecording() ? geluGradComposed(first(dys), x) : run("GeluGrad", { dy: first(dys), x }, {})),
    }),
  }),
  gradient({
    kernelName: "Silu",
    inputsToSave: ["x"],
    gradFunc: (dys, [x]) => ({
      x: () => (isRecording() ? siluGradComposed(first(dys), x) : run("SiluGrad", { dy: first(dys), x }, {})),
    }),
  }),
];

/** dx of GELU, of operations that have gradients themselves. */
function geluGradComposed(dy: Tensor, x: Tensor): Tensor {
  return tf.tidy(() => {
    // The value is x times the distribution function, without 1 + erf, of which nothing is left far below 0.
    const isSmall = tf.less(tf.abs(x), 1e-3);
    const near = tf.add(0.5, tf.mul(x, densityAtZero));
    const phi = tf.where(isSmall, near, tf.div(run("Gelu", { x }, {}), tf.where(isSmall, 1, x)));
    const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), densityAtZero);
    return tf.mul(dy, tf.add(phi, tf.mul(x, density)));
  });
}

/** The same of SiLU. */
function siluGradComposed(dy: Tensor, x: Tensor): Tensor {
  return tf.tidy(() => {
    const s = tf.sigmoid(x);
    return tf.mul(dy, tf.mul(s, tf.add(1, tf.mul(x, tf.sub(1, s)))));
  });
}

/** Registers the gradients; called once, when the backend is registered. */
export function registerFusedGradients(): void {
  for (const config of fusedGradients) {
    tf.registerGradient(config);
  }
}
