/** Gradients that tfjs-core 4.22 has wrong, or not for all arguments of the operation. */
import * as tf from "@tensorflow/tfjs-core";
import { gradientsOf } from "./compositions.ts";
import { edgeGradients } from "./edges.ts";
import { first, gradient, run } from "./gradient.ts";
import { isNested, isRecording } from "./tape.ts";

/** A gradient of the broadcast shape, summed up to an operand's own. */
function unbroadcast(dy: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, dy.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(dy, axes) : dy, shape);
}

/** Of two operands, from what each gets of dy. tfjs forgets here that they may have been broadcast. */
function binary(
  kernelName: string,
  share: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => [() => tf.Tensor, () => tf.Tensor],
): tf.GradConfig {
  return gradient({
    kernelName,
    inputsToSave: ["a", "b"],
    gradFunc: (dy, [a, b]) => {
      const [toA, toB] = share(first(dy), a, b);
      return { a: () => unbroadcast(toA(), a.shape), b: () => unbroadcast(toB(), b.shape) };
    },
  });
}

/** dy where a condition does not hold, 0 elsewhere, even where dy is infinite or not a number. */
function unless(condition: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  return tf.where(condition, tf.zerosLike(dy), dy);
}

const extremes = [
  // Where one of both is not a number both get dy, as in PyTorch.
  binary("Maximum", (dy, a, b) => [() => unless(tf.less(a, b), dy), () => unless(tf.greaterEqual(a, b), dy)]),
  binary("Minimum", (dy, a, b) => [() => unless(tf.greater(a, b), dy), () => unless(tf.lessEqual(a, b), dy)]),
];

/** tfjs forgets that batches may have been broadcast (https://github.com/tensorflow/tfjs/issues/8721). */
const batchMatMul = gradient({
  kernelName: "BatchMatMul",
  inputsToSave: ["a", "b"],
  gradFunc: (dy, [a, b], { transposeA, transposeB }: tf.BatchMatMulAttrs) => {
    const share = (by: tf.Tensor, x: tf.Tensor) =>
      tf.util.arraysEqual(by.shape, x.shape) ? by : unbroadcast(by, x.shape);
    return {
      a: () =>
        share(transposeA ? tf.matMul(b, first(dy), transposeB, true) : tf.matMul(first(dy), b, false, !transposeB), a),
      b: () =>
        share(transposeB ? tf.matMul(first(dy), a, true, transposeA) : tf.matMul(a, first(dy), !transposeA, false), b),
    };
  },
});

const squaredDifference = binary("SquaredDifference", (dy, a, b) => {
  const towardsA = () => tf.mul(dy, tf.mul(2, tf.sub(a, b)));
  return [towardsA, () => tf.neg(towardsA())];
});

/** tfjs divides by the square of the divisor, which is 0 or infinite long before the quotient is. */
const realDiv = binary("RealDiv", (dy, a, b) => {
  const divisor = tf.cast(b, "float32");
  const slope = () => tf.div(tf.div(tf.cast(a, "float32"), divisor), divisor);
  return [() => tf.div(dy, divisor), () => tf.neg(tf.mul(dy, slope()))];
});

/**
 * A quotient that is rounded down is flat wherever it has a derivative; tfjs gives that of the quotient. Of integers it still is:
 * `tf.div` of integers comes here, too, and tfjs's own tests differentiate it.
 */
const floorDiv = binary("FloorDiv", (dy, a, b) => {
  if (a.dtype !== "int32") {
    return [() => tf.zerosLike(dy), () => tf.zerosLike(dy)];
  }
  const [p, q] = [tf.cast(a, "float32"), tf.cast(b, "float32")];
  return [() => tf.div(dy, q), () => tf.neg(tf.div(tf.mul(dy, p), tf.square(q)))];
});

/** As in TensorFlow and PyTorch, 0 at 6 as it is at 0; one pass on this backend. */
const relu6 = gradient({
  kernelName: "Relu6",
  outputsToSave: [true],
  gradFunc: (dy, [y]) => ({
    x: () => {
      if (tf.getBackend() === "native" && y.dtype === "float32") {
        return run("Relu6Grad", { dy: first(dy), y }, {});
      }
      return unless(tf.logicalOr(tf.lessEqual(y, 0), tf.greaterEqual(y, 6)), first(dy));
    },
  }),
});

/** tfjs adds 1 to the output, of which nothing is left far below 0; its kernel for that has no gradient itself. */
const elu = gradient({
  kernelName: "Elu",
  inputsToSave: ["x"],
  gradFunc: (dy, [x]) => ({ x: () => tf.mul(first(dy), tf.exp(tf.minimum(x, 0))) }),
});

/** tfjs multiplies, which makes NaN of what is infinite on the side that was not chosen. */
const select = gradient({
  kernelName: "Select",
  inputsToSave: ["condition"],
  gradFunc: (dy, [condition]) => {
    const zeros = () => tf.zerosLike(first(dy));
    return {
      condition: () => tf.zeros(condition.shape),
      t: () => run("Select", { condition, t: first(dy), e: zeros() }, {}),
      e: () => run("Select", { condition, t: zeros(), e: first(dy) }, {}),
    };
  },
});

/** x^0 is flat, even at x = 0, where tfjs multiplies 0 by 0^-1. */
const pow = gradient({
  kernelName: "Pow",
  inputsToSave: ["a", "b"],
  outputsToSave: [true],
  gradFunc: (dy, [base, exponent, y]) => {
    const power = tf.cast(exponent, "float32");
    return {
      a: () => {
        const lower = tf.sub(tf.where(tf.equal(power, 0), 1, power), 1);
        return unbroadcast(tf.mul(first(dy), tf.mul(power, tf.pow(base, lower))), base.shape);
      },
      b: () => {
        const logarithm = tf.where(tf.less(base, 0), tf.zerosLike(base), tf.log(base));
        const slope = tf.mul(y, logarithm);
        // 0 stays 0 whatever its power, unless that is infinite.
        const isFlat = tf.logicalAnd(tf.equal(base, 0), tf.greaterEqual(power, 0));
        return unbroadcast(tf.mul(first(dy), tf.where(isFlat, tf.zerosLike(slope), slope)), exponent.shape);
      },
    };
  },
});

/** tfjs turns the result around once more where the sum does not run along the last axis. */
const cumsum = gradient({
  kernelName: "Cumsum",
  gradFunc: (dy, _, { axis, exclusive, reverse }: tf.CumsumAttrs) => ({
    x: () => tf.cumsum(first(dy), axis, exclusive, !reverse),
  }),
});

/** tfjs lets x be broadcast, and forgets it in its gradient. */
const prelu = gradient({
  kernelName: "Prelu",
  inputsToSave: ["x", "alpha"],
  gradFunc: (dy, [x, alpha]) => {
    const isOpen = () => tf.greater(x, 0);
    return {
      x: () => unbroadcast(tf.where(isOpen(), first(dy), tf.mul(first(dy), alpha)), x.shape),
      alpha: () => unbroadcast(tf.where(isOpen(), 0, tf.mul(first(dy), x)), alpha.shape),
    };
  },
});

/** What was mirrored counts twice; tfjs leaves it out. */
const mirrorPad = gradient({
  kernelName: "MirrorPad",
  inputsToSave: ["x"],
  gradFunc: (dy, [{ shape }], { paddings, mode }: tf.MirrorPadAttrs) => ({
    x: () => {
      const edge = mode === "reflect" ? 1 : 0;
      return paddings.reduce((folded, [before, after], axis) => {
        const length = shape[axis] ?? 1;
        if (before === 0 && after === 0) {
          return folded;
        }
        const part = (from: number, size: number) => {
          const begin = folded.shape.map((_, d) => (d === axis ? from : 0));
          return tf.slice(
            folded,
            begin,
            folded.shape.map((n, d) => (d === axis ? size : n)),
          );
        };
        const back = (from: number, size: number, to: number) => {
          const around = folded.shape.map((_, d): [number, number] => (d === axis ? [to, length - to - size] : [0, 0]));
          return tf.pad(tf.reverse(part(from, size), axis), around);
        };
        const own = part(before, length);
        const left = before > 0 ? tf.add(own, back(0, before, edge)) : own;
        return after > 0 ? tf.add(left, back(before + length, after, length - edge - after)) : left;
      }, first(dy));
    },
  }),
});

/** Of any rank; tfjs has it up to four. */
const tile = gradient({
  kernelName: "Tile",
  inputsToSave: ["x"],
  gradFunc: (dy, [{ shape }], { reps }: tf.TileAttrs) => ({
    x: () => {
      // One axis at a time, so that no tensor has more axes than kernels can take.
      return shape.reduce((sum, length, axis) => {
        const outer = sum.shape.slice(0, axis).reduce((product, n) => product * n, 1);
        const split = tf.reshape(sum, [outer, reps[axis] ?? 1, length, -1]);
        return tf.reshape(tf.sum(split, 1), [...shape.slice(0, axis + 1), ...sum.shape.slice(axis + 1)]);
      }, first(dy));
    },
  }),
});

const asList = (dy: tf.Tensor | tf.Tensor[]): tf.Tensor[] => (Array.isArray(dy) ? dy : [dy]);

/** tfjs gives their gradients a tensor, not a list, where there is one output alone. */
const parts: tf.GradConfig[] = [
  gradient({
    kernelName: "SplitV",
    gradFunc: (dy, _, { axis }: tf.SplitVAttrs) => ({ x: () => tf.concat(asList(dy), axis) }),
  }),
  gradient({
    kernelName: "Unpack",
    gradFunc: (dy, _, { axis }: tf.UnpackAttrs) => ({ value: () => tf.stack(asList(dy), axis) }),
  }),
];

/** tfjs knows one axis of batches; with more it adds up what belongs to different ones. */
const gather = gradient({
  kernelName: "GatherV2",
  inputsToSave: ["x", "indices"],
  gradFunc: (dy, [x, indices], { axis, batchDims = 0 }: { axis: number; batchDims?: number }) => {
    return {
      x: () => {
        const [along = 0] = tf.util.parseAxisParam(axis, x.shape);
        const count = (from: number, to?: number) => x.shape.slice(from, to).reduce((product, n) => product * n, 1);
        const [batch, outer, length, inner] = [
          count(0, batchDims),
          count(batchDims, along),
          x.shape[along] ?? 1,
          count(along + 1),
        ];
        const each = indices.size / Math.max(batch, 1);
        const values = tf.transpose(tf.reshape(first(dy), [batch, outer, each, inner]), [0, 2, 1, 3]);
        const offsets = tf.reshape(tf.range(0, batch * length, length, "int32"), [batch, 1]);
        const ids = tf.reshape<tf.Rank.R1>(tf.add(tf.reshape(tf.cast(indices, "int32"), [batch, each]), offsets), [-1]);
        const sums = tf.unsortedSegmentSum(tf.reshape(values, [batch * each, outer * inner]), ids, batch * length);
        return tf.reshape(tf.transpose(tf.reshape(sums, [batch, length, outer, inner]), [0, 2, 1, 3]), x.shape);
      },
      indices: () => tf.zeros(indices.shape),
    };
  },
});

/** Columns of a matrix, multiplied one after the other; the products so far, the whole one last. */
function productsOf(rows: tf.Tensor): tf.Tensor[] {
  const columns = tf.split(rows, rows.shape[1] ?? 1, 1);
  const products: tf.Tensor[] = [];
  for (const column of columns) {
    const before = products[products.length - 1];
    products.push(before === undefined ? column : tf.mul(before, column));
  }
  return products;
}

/** Axes in any order and counted from the end, too; tfjs's cumulative products have no gradient themselves. */
const prod = gradient({
  kernelName: "Prod",
  inputsToSave: ["x"],
  gradFunc: (dy, [x], { axis }: tf.ProdAttrs) => ({
    x: () => {
      const axes = tf.util.parseAxisParam(axis, x.shape);
      const order = [...x.shape.keys()].filter((d) => !axes.includes(d)).concat(axes);
      const turned = tf.transpose(x, order);
      const length = axes.reduce((product, d) => product * (x.shape[d] ?? 1), 1);
      const rows = tf.reshape(turned, [-1, length]);
      const share = tf.reshape(first(dy), [-1, 1]);
      const others = isRecording()
        ? gradientsOf((t) => productsOf(t).at(-1) ?? t, [rows], tf.onesLike(share))[0]
        : tf.mul(tf.cumprod(rows, 1, true), tf.cumprod(rows, 1, true, true));
      return tf.transpose(
        tf.reshape(tf.mul(share, others), turned.shape),
        order.map((_, d) => order.indexOf(d)),
      );
    },
  }),
});

/** tfjs's kernel for its gradient has none itself. */
const localResponse = gradient({
  kernelName: "LRN",
  inputsToSave: ["x"],
  outputsToSave: [true],
  gradFunc: (dy, [x, y], attrs: tf.LRNAttrs) => ({
    x: () => {
      if (!isRecording()) {
        return run("LRNGrad", { x, y, dy: first(dy) }, attrs);
      }
      return gradientsOf((t) => localResponseComposed(t, attrs), [x], first(dy))[0];
    },
  }),
});

function localResponseComposed(x: tf.Tensor, { depthRadius, bias, alpha, beta }: tf.LRNAttrs): tf.Tensor {
  const channels = x.shape[3] ?? 1;
  const squares = tf.pad(tf.square(x), [
    [0, 0],
    [0, 0],
    [0, 0],
    [depthRadius, depthRadius],
  ]);
  const shape = [...x.shape.slice(0, 3), channels];
  const near = Array.from({ length: 2 * depthRadius + 1 }, (_, k) => tf.slice(squares, [0, 0, 0, k], shape));
  return tf.mul(x, tf.pow(tf.add(tf.mul(tf.addN(near), alpha), bias), -beta));
}

/** tfjs takes the sign of the real part for the slope of the absolute value. */
const complexAbs = gradient({
  kernelName: "ComplexAbs",
  gradFunc: () => {
    throw new Error(
      "ComplexAbs: TensorFlow.js has no gradients of complex tensors. Write the absolute value with tf.real and tf.imag of " +
        "what comes before, or take it outside of the gradient.",
    );
  },
});

/** What compares is flat; tfjs says that it has no gradient, and so neither has what a comparison chooses. */
function comparison(kernelName: string): tf.GradConfig {
  return gradient({
    kernelName,
    inputsToSave: ["a", "b"],
    gradFunc: (_, [a, b]) => ({ a: () => tf.zeros(a.shape), b: () => tf.zeros(b.shape) }),
  });
}

/**
 * The same for what joins conditions. tfjs's own tests ask that there be no first derivative by it; within the gradient of a
 * gradient there is, or else it would stop those of every operation whose gradient joins conditions.
 */
function logical(kernelName: string, inputs: string[]): tf.GradConfig {
  const gradFunc: tf.GradFunc = (_, saved) =>
    Object.fromEntries(saved.map(({ shape }, i) => [inputs[i], () => tf.zeros(shape)]));
  return {
    kernelName,
    get inputsToSave() {
      return isNested() ? inputs : [];
    },
    get gradFunc() {
      return (isNested() ? gradFunc : undefined) as tf.GradFunc;
    },
  };
}

export const mendedGradients: readonly tf.GradConfig[] = [
  ...extremes,
  ...edgeGradients,
  batchMatMul,
  squaredDifference,
  realDiv,
  floorDiv,
  relu6,
  elu,
  select,
  pow,
  prelu,
  cumsum,
  mirrorPad,
  tile,
  ...parts,
  gather,
  prod,
  localResponse,
  complexAbs,
  ..."Equal NotEqual Greater GreaterEqual Less LessEqual".split(" ").map(comparison),
  ..."LogicalAnd LogicalOr".split(" ").map((name) => logical(name, ["a", "b"])),
  ..."LogicalNot Any All".split(" ").map((name) => logical(name, ["x"])),
];
