/**
 * Gradients of tfjs's own operations that take the place of tfjs's, on all backends: right where tfjs's are wrong, with gradients
 * themselves, or in fewer passes.
 */
import * as tf from "@tensorflow/tfjs-core";
import { first, gradient, run, spread } from "./differentiation/gradient.ts";
import { mendedGradients } from "./differentiation/mended.ts";
import { missingGradients } from "./differentiation/missing.ts";
import { poolGradients } from "./differentiation/pools.ts";
import { resizeGradients } from "./differentiation/resize.ts";
import { gradientsOfGradients } from "./differentiation/second-order.ts";
import { keepWayBack, onFirstTape } from "./differentiation/tape.ts";
import { mendOperations } from "./mended-operations.ts";

type Dy = tf.Tensor | tf.Tensor[];

/** dy of a reduction with a 1 for each axis that was reduced, and how many elements became one. */
function beforeReduction(dy: Dy, x: tf.Tensor, axis: number | number[]): { expanded: tf.Tensor; count: number } {
  const axes = tf.util.parseAxisParam(axis, x.shape);
  const shape = x.shape.map((length, d) => (axes.includes(d) ? 1 : length));
  return { expanded: tf.reshape(first(dy), shape), count: axes.reduce((n, d) => n * (x.shape[d] ?? 1), 1) };
}

const inFewerPasses: readonly tf.GradConfig[] = [
  gradient({
    // tfjs multiplies dy with step(x) in three passes; here it is one, and y serves in place of x.
    kernelName: "Relu",
    outputsToSave: [true],
    gradFunc: (dy, [y]) => ({
      x: () =>
        tf.getBackend() === "native"
          ? run("ReluGrad", { dy: first(dy), y }, {})
          : tf.where(tf.lessEqual(y, 0), tf.zerosLike(first(dy)), first(dy)),
    }),
  }),
  gradient({
    // tfjs writes as many ones as x has elements, in JavaScript, and multiplies them.
    kernelName: "Sum",
    inputsToSave: ["x"],
    gradFunc: (dy, [x], { axis }: tf.SumAttrs) => ({
      x: () => spread(beforeReduction(dy, x, axis).expanded, x.shape),
    }),
  }),
  gradient({
    kernelName: "Mean",
    inputsToSave: ["x"],
    gradFunc: (dy, [x], { axis }: tf.SumAttrs) => ({
      x: () => {
        const { expanded, count } = beforeReduction(dy, x, axis);
        return spread(tf.div(expanded, count), x.shape);
      },
    }),
  }),
];

const replacements = [
  ...inFewerPasses,
  ...mendedGradients,
  ...missingGradients,
  ...poolGradients,
  ...resizeGradients,
  ...gradientsOfGradients,
];

/** To be called when tfjs has registered its own. */
export function replaceGradients(): void {
  for (const replacement of replacements) {
    if (tf.getGradient(replacement.kernelName) !== undefined) {
      tf.unregisterGradient(replacement.kernelName);
    }
    tf.registerGradient(replacement);
  }
}

/**
 * Has the gradients replaced when the first one is recorded: by then tfjs has registered its own, whichever package was imported
 * first. What one registers oneself afterwards stays.
 */
export function mendGradients(): void {
  keepWayBack();
  mendOperations();
  onFirstTape(replaceGradients);
}
