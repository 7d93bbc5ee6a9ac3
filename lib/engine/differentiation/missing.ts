/** Gradients that tfjs-core 4.22 does not have. */
import * as tf from "@tensorflow/tfjs-core";
import { first, gradient, run } from "./gradient.ts";
import { isNested } from "./tape.ts";

/** The gradient by an operand is a product of the same kind, of dy and the other operand, spread over the axes that were summed. */
const einsum: tf.GradConfig = {
  kernelName: "Einsum",
  saveAllInputs: true,
  gradFunc: (dy, saved, attrs) => {
    const [inputs = "", out = ""] = String(attrs.equation).replace(/\s/g, "").split("->");
    const terms = inputs.split(",");
    const byOperand = (i: number) => (): tf.Tensor => {
      const term = [...(terms[i] ?? "")];
      const others = terms.flatMap((axes, k) => (k === i ? [] : [{ axes, tensor: saved[k] ?? first(dy) }]));
      const known = out + others.map(({ axes }) => axes).join("");
      const kept = term.filter((axis) => known.includes(axis));
      const equation = `${[out, ...others.map(({ axes }) => axes)].join(",")}->${kept.join("")}`;
      // tfjs gives an operand away that stays as it is.
      const isSame = others.length === 0 && kept.join("") === out;
      const sum = isSame ? first(dy) : tf.einsum(equation, first(dy), ...others.map(({ tensor }) => tensor));
      const shape = saved[i]?.shape ?? [];
      const expanded = term.map((axis, k) => (kept.includes(axis) ? (shape[k] ?? 1) : 1));
      return tf.broadcastTo(tf.reshape(sum, expanded), shape);
    };
    return Object.fromEntries(terms.map((_, i) => [i, byOperand(i)]));
  },
};

/**
 * What stands behind an element enters its gradient as a sum that is worked out from the end: dy, plus the next element times the sum of
 * the next. Nothing is divided, so that zeros are no exception.
 */
function cumprodComposed(dy: tf.Tensor, x: tf.Tensor, axis: number, exclusive: boolean, reverse: boolean): tf.Tensor {
  const dys = tf.unstack(dy, axis);
  const places = tf.unstack(x, axis).map((own, i) => ({ own, dy: dys[i] ?? own }));
  const order = reverse ? places.reverse() : places;
  let product: tf.Tensor = tf.scalar(1);
  const products = order.map(({ own }) => {
    const before = product;
    product = tf.mul(product, own);
    return before;
  });
  let rest: tf.Tensor = tf.scalar(0);
  const parts = order.map((_, i) => {
    const last = order.length - 1 - i;
    const { own, dy: share } = order[last] ?? { own: rest, dy: rest };
    const sum = exclusive ? rest : tf.add(rest, share);
    rest = tf.mul(sum, own);
    rest = exclusive ? tf.add(rest, share) : rest;
    return tf.broadcastTo(tf.mul(products[last] ?? 1, sum), own.shape);
  });
  return tf.stack(reverse ? parts : parts.reverse(), axis);
}

const cumprod = gradient({
  kernelName: "Cumprod",
  inputsToSave: ["x"],
  gradFunc: (dy, [x], { axis, exclusive, reverse }: tf.CumprodAttrs) => ({
    x: () => {
      const along = tf.util.parseAxisParam(axis, x.shape)[0] ?? 0;
      if (x.size === 0) {
        return tf.zerosLike(x);
      }
      return tf.getBackend() === "native" && !isNested()
        ? run("CumprodGrad", { x, dy: first(dy) }, { axis: along, exclusive, reverse })
        : cumprodComposed(first(dy), x, along, exclusive, reverse);
    },
  }),
});

export const missingGradients: readonly tf.GradConfig[] = [einsum, cumprod];
