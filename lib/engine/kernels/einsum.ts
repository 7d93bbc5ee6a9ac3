/**
 * `einsum` as what it is made of: axes that one operand alone has are summed, then come products of matrices, many at a time, or, where
 * nothing is left to be summed over, products element by element.
 */
import { backend_util, type Tensor, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { runBinary } from "./elementwise.ts";
import { integerKernels } from "./integers.ts";
import { fallBack, isFloat, type KernelBody, type KernelCall, type KernelTable, kernelIn, product } from "./kernel.ts";
import { matMulKernels } from "./matmul.ts";
import { movementKernels } from "./movement.ts";
import { reductionKernels } from "./reduction.ts";

/** An operand with a letter for each of its axes. */
interface Labelled {
  readonly info: TensorInfo;
  readonly axes: string;
}

/** Runs kernels of other files and frees what they made on the way. */
class Steps {
  readonly #call: KernelCall;
  readonly #made: TensorInfo[] = [];

  constructor(call: KernelCall) {
    this.#call = call;
  }

  run(body: (call: KernelCall) => TensorInfo, inputs: Record<string, TensorInfo>, attrs: object = {}): TensorInfo {
    const result = body({ inputs, attrs, backend: this.#call.backend });
    this.#made.push(result);
    return result;
  }

  /** The same elements in another shape. */
  reshape(info: TensorInfo, shape: number[]): TensorInfo {
    return { ...info, shape };
  }

  /** Frees everything but what stands in `result`. */
  finish(result: TensorInfo): TensorInfo {
    const { backend } = this.#call;
    if (!this.#made.some(({ dataId }) => dataId === result.dataId)) {
      backend.incRef(result.dataId);
    }
    let isKept = false;
    for (const { dataId } of this.#made) {
      if (dataId === result.dataId && !isKept) {
        isKept = true;
      } else {
        backend.disposeData(dataId);
      }
    }
    return { dataId: result.dataId, shape: result.shape, dtype: result.dtype };
  }
}

const reduceSum = kernelIn(reductionKernels, "Sum");
const transpose = kernelIn(movementKernels, "Transpose");
const multiplyIntegers = kernelIn({ Multiply: (call) => integerKernels.Multiply?.(call) ?? [] }, "Multiply");
const matMul = kernelIn(matMulKernels, "BatchMatMul");

const letters = (axes: string, test: (axis: string) => boolean): string => [...axes].filter(test).join("");

/** Sums over the axes that are not in `kept`. */
function sumOver(steps: Steps, x: Labelled, kept: string): Labelled {
  const axis = [...x.axes].flatMap((letter, i) => (kept.includes(letter) ? [] : [i]));
  if (axis.length === 0) {
    return x;
  }
  const info = steps.run(reduceSum, { x: x.info }, { axis, keepDims: false });
  return { info, axes: letters(x.axes, (letter) => kept.includes(letter)) };
}

/** The axes in another order. */
function arrange(steps: Steps, x: Labelled, axes: string): TensorInfo {
  if (x.axes === axes) {
    return x.info;
  }
  return steps.run(transpose, { x: x.info }, { perm: [...axes].map((letter) => x.axes.indexOf(letter)) });
}

/** Axes of one element where an operand has none, so that products are broadcast. */
function spread(steps: Steps, x: Labelled, axes: string): TensorInfo {
  const own = letters(axes, (letter) => x.axes.includes(letter));
  const info = arrange(steps, x, own);
  const sizes = [...axes].map((letter) => (own.includes(letter) ? (info.shape[own.indexOf(letter)] ?? 1) : 1));
  return steps.reshape(info, sizes);
}

/** A factor of a product of matrices: as it lies where that will do, with the last two axes exchanged or not. */
function factor(steps: Steps, x: Labelled, batch: string, rows: string, columns: string): [TensorInfo, boolean] {
  if (x.axes === batch + columns + rows) {
    return [x.info, true];
  }
  return [arrange(steps, x, batch + rows + columns), false];
}

/** The product of two operands, summed over what is not in `out`. */
function contract(steps: Steps, a: Labelled, b: Labelled, out: string): TensorInfo {
  const shared = letters(a.axes, (letter) => b.axes.includes(letter));
  const summed = letters(shared, (letter) => !out.includes(letter));
  const batch = letters(out, (letter) => shared.includes(letter));
  const ofA = letters(out, (letter) => a.axes.includes(letter) && !batch.includes(letter));
  const ofB = letters(out, (letter) => b.axes.includes(letter) && !batch.includes(letter));
  const size = (letter: string): number =>
    (a.axes.includes(letter) ? a.info.shape[a.axes.indexOf(letter)] : b.info.shape[b.axes.indexOf(letter)]) ?? 1;
  const sizes = (axes: string): number[] => [...axes].map(size);
  const multiply = (call: KernelCall) => runBinary(call, "Multiply", call.inputs.a, call.inputs.b);
  if (product(sizes(summed)) === 1 || product(sizes(ofA + ofB)) === 1) {
    const all = out + summed;
    const each = steps.run(multiply, { a: spread(steps, a, all), b: spread(steps, b, all) });
    return sumOver(steps, { info: each, axes: all }, out).info;
  }
  // The operand whose axes come last gives the columns.
  const [left, right, rows, columns] = out.endsWith(ofB) || ofB === "" ? [a, b, ofA, ofB] : [b, a, ofB, ofA];
  const [first, transposeA] = factor(steps, left, batch, rows, summed);
  const [second, transposeB] = factor(steps, right, batch, summed, columns);
  const matrix = (info: TensorInfo, up: string, down: string) =>
    steps.reshape(info, [product(sizes(batch)), product(sizes(up)), product(sizes(down))]);
  const y = steps.run(
    matMul,
    {
      a: transposeA ? matrix(first, summed, rows) : matrix(first, rows, summed),
      b: transposeB ? matrix(second, columns, summed) : matrix(second, summed, columns),
    },
    { transposeA, transposeB },
  );
  const axes = batch + rows + columns;
  return arrange(steps, { info: steps.reshape(y, sizes(axes)), axes }, out);
}

/** The same for integers, whose products are worked out one by one before they are summed. */
function contractIntegers(steps: Steps, a: Labelled, b: Labelled, out: string): TensorInfo {
  const all = out + letters(a.axes, (letter) => b.axes.includes(letter) && !out.includes(letter));
  const each = steps.run(multiplyIntegers, { a: spread(steps, a, all), b: spread(steps, b, all) });
  return sumOver(steps, { info: each, axes: all }, out).info;
}

/** The operands' axes and the result's, by tfjs's rules and with its errors. */
function labels(equation: string, tensors: Tensor[]): { terms: string[]; out: string } {
  const { allDims, idDims } = backend_util.decodeEinsumEquation(equation, tensors.length);
  backend_util.checkEinsumDimSizes(allDims.length, idDims, tensors);
  const [inputs = "", out = ""] = equation.replace(/\s/g, "").split("->");
  return { terms: inputs.split(","), out };
}

const einsum: KernelBody = (call) => {
  const tensors = Object.values<Tensor>(call.inputs);
  const isInteger = tensors.every(({ dtype }) => dtype === "int32");
  const { terms, out } = labels(call.attrs.equation, tensors);
  if (!(isFloat(...tensors) || isInteger) || new Set(out).size !== out.length) {
    return fallBack("Einsum", call);
  }
  const steps = new Steps(call);
  const operands = tensors.map((info, i): Labelled => {
    const others = terms.filter((_, k) => k !== i).join("");
    return sumOver(steps, { info, axes: terms[i] ?? "" }, out + others);
  });
  const [a, b] = operands;
  if (a === undefined) {
    return fallBack("Einsum", call);
  }
  if (b === undefined) {
    return steps.finish(arrange(steps, a, out));
  }
  util.assert(operands.length === 2, () => "Einsum: more than two operands are not handled");
  return steps.finish(isInteger ? contractIntegers(steps, a, b, out) : contract(steps, a, b, out));
};

export const einsumKernels: KernelTable = { Einsum: einsum };
