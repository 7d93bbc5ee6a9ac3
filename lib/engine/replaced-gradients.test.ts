import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { replaceGradients } from "./replaced-gradients.ts";

const backends = ["cpu", ...(engine.available ? ["native"] : [])];

describe.each(backends)("gradients on %s", (backend) => {
  // The native backend does it when it starts; here it may not have.
  beforeAll(replaceGradients);

  it.each([
    { shape: [3, 4, 5, 2], axis: [1, 2] },
    { shape: [3, 4, 5, 2], axis: [-1] },
    { shape: [3, 4, 5, 2], axis: 0 },
    { shape: [2, 3, 2, 2, 3], axis: [0, 4] },
    { shape: [7], axis: undefined },
    { shape: [4, 6], axis: undefined },
    { shape: [], axis: undefined },
  ])("of sums and means of $shape over $axis give every element its share", async ({ shape, axis }) => {
    await tf.setBackend(backend);
    const axes = tf.util.parseAxisParam(axis as number, shape);
    const count = axes.reduce((product, d) => product * (shape[d] as number), 1);
    for (const keepDims of [false, true]) {
      const x = tf.randomUniform(shape);
      const dy = tf.randomUniform(tf.sum(x, axis, keepDims).shape);
      const written = dy.dataSync();
      // Position by position: the element of dy whose coordinates are x's without the reduced axes.
      const wanted = Float32Array.from({ length: x.size }, (_, position) => {
        const at = tf.util.indexToLoc(position, shape.length, tf.util.computeStrides(shape).concat(1));
        const kept = at.flatMap((i, d) => (axes.includes(d) ? [] : [[i, shape[d] as number] as const]));
        return written[kept.reduce((index, [i, length]) => index * length + i, 0)] as number;
      });
      const sum = tf.grad((t) => tf.sum(t, axis, keepDims))(x, dy);
      const mean = tf.grad((t) => tf.mean(t, axis, keepDims))(x, dy);
      expect(sum.shape).toEqual(shape);
      expect(sum.dataSync()).toEqual(wanted);
      expect(mean.shape).toEqual(shape);
      expect(mean.dataSync()).toEqual(wanted.map((value) => value / count));
    }
  });
});
