/** Shapes of what TensorFlow.js's kernels give: a kernel that is listed here can be put off, any other runs when it is called. */
import * as tf from "@tensorflow/tfjs-core";
import { at } from "../../arguments/at.ts";

type Shape = readonly number[];
type Attributes = Readonly<Record<string, unknown>>;
type Rule = (shapes: readonly Shape[], attributes: Attributes) => Shape[];

const sizeOf = (shape: Shape): number => shape.reduce((product, n) => product * n, 1);

/** An attribute that is a number, a list of them or a list of lists, as a list. */
function numbers(value: unknown): number[] {
  return Array.isArray(value) ? value.flat().map(Number) : [Number(value)];
}

/** An axis from the front. */
function axisOf(axis: unknown, rank: number): number {
  const place = Number(axis ?? 0);
  return place < 0 ? place + rank : place;
}

const same: Rule = (shapes) => [at(shapes, 0)];

const broadcast: Rule = (shapes) => [
  tf.broadcast_util.assertAndGetBroadcastShape([...at(shapes, 0)], [...at(shapes, 1)]),
];

/** Max alone names its axes otherwise. */
const reduction: Rule = (shapes, { reductionIndices, axis = reductionIndices, keepDims }) => {
  const shape = at(shapes, 0);
  const all = shape.map((_, i) => i);
  const axes = axis === undefined || axis === null ? all : numbers(axis).map((each) => axisOf(each, shape.length));
  if (keepDims === true) {
    return [shape.map((n, i) => (axes.includes(i) ? 1 : n))];
  }
  return [shape.filter((_, i) => !axes.includes(i))];
};

const reshape: Rule = (shapes, { shape }) => {
  const wanted = numbers(shape);
  const known = wanted.reduce((product, n) => (n === -1 ? product : product * n), 1);
  return [wanted.map((n) => (n === -1 ? sizeOf(at(shapes, 0)) / known : n))];
};

const concatenation: Rule = (shapes, { axis }) => {
  const first = at(shapes, 0);
  const along = axisOf(axis, first.length);
  const sum = shapes.reduce((total, shape) => total + at(shape, along), 0);
  return [first.map((n, i) => (i === along ? sum : n))];
};

const stack: Rule = (shapes, { axis }) => {
  const shape = [...at(shapes, 0)];
  shape.splice(axisOf(axis, shape.length + 1), 0, shapes.length);
  return [shape];
};

const unstack: Rule = (shapes, { axis }) => {
  const shape = at(shapes, 0);
  const along = axisOf(axis, shape.length);
  const part = shape.filter((_, i) => i !== along);
  return Array.from({ length: at(shape, along) }, () => part);
};

const split: Rule = (shapes, { numOrSizeSplits, axis }) => {
  const shape = at(shapes, 0);
  const along = axisOf(axis, shape.length);
  const length = at(shape, along);
  const sizes =
    typeof numOrSizeSplits === "number"
      ? Array.from({ length: numOrSizeSplits }, () => length / numOrSizeSplits)
      : numbers(numOrSizeSplits);
  const rest = length - sizes.reduce((sum, n) => (n < 0 ? sum : sum + n), 0);
  return sizes.map((size) => shape.map((n, i) => (i === along ? (size < 0 ? rest : size) : n)));
};

const slice: Rule = (shapes, { begin, size }) => {
  const from = numbers(begin);
  const lengths = numbers(size);
  return [at(shapes, 0).map((n, i) => (at(lengths, i) === -1 ? n - at(from, i) : at(lengths, i)))];
};

const padding: Rule = (shapes, { paddings }) => {
  const around = numbers(paddings);
  return [at(shapes, 0).map((n, i) => n + at(around, 2 * i) + at(around, 2 * i + 1))];
};

const product: Rule = (shapes, { transposeA, transposeB }) => {
  const [left, right] = [at(shapes, 0), at(shapes, 1)];
  const rows = at(left, transposeA === true ? -1 : -2);
  const columns = at(right, transposeB === true ? -2 : -1);
  return [[...tf.broadcast_util.assertAndGetBroadcastShape(left.slice(0, -2), right.slice(0, -2)), rows, columns]];
};

const resize: Rule = (shapes, { size }) => {
  const shape = at(shapes, 0);
  return [[at(shape, 0), ...numbers(size), at(shape, 3)]];
};

/** The engine's own convolution. */
const convolution: Rule = (shapes, { strides, pad, dilations }) => {
  const [x, filter] = [at(shapes, 0), at(shapes, 1)];
  const places = (i: 0 | 1) => {
    const length = at(x, i + 1) + at(numbers(pad), 2 * i) + at(numbers(pad), 2 * i + 1);
    const reach = at(numbers(dilations), i) * (at(filter, i) - 1) + 1;
    return Math.floor((length - reach) / at(numbers(strides), i)) + 1;
  };
  return [[at(x, 0), places(0), places(1), at(filter, 3)]];
};

const unary =
  "Abs,Ceil,ClipByValue,Cos,Elu,Erf,Exp,Expm1,Floor,Gelu,Identity,LeakyRelu,Log,Log1p,LogSoftmax,Neg,Reciprocal,Relu,Relu6,Reverse,Round,Rsqrt,Selu,Sigmoid,Sign,Silu,Sin,Softmax,Softplus,Sqrt,Square,Step,Tanh";
const binary = "Add,Sub,Multiply,RealDiv,Maximum,Minimum,SquaredDifference,Pow,Prelu";

/** One rule for several kernels. */
const all = (names: string, rule: Rule): [string, Rule][] => names.split(",").map((name) => [name, rule]);

const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...all(unary, same),
  ...all(binary, broadcast),
  ...all("Max,Mean,Min,Prod,Sum", reduction),
  ...all("MirrorPad,PadV2", padding),
  ...all("ResizeBilinear,ResizeNearestNeighbor", resize),
  ...all("Convolution,ConvolutionActivation", convolution),
  ["BatchMatMul", product],
  ["Cast", same],
  ["Concat", concatenation],
  [
    "ExpandDims",
    (shapes, { dim }) => {
      const shape = [...at(shapes, 0)];
      shape.splice(axisOf(dim, shape.length + 1), 0, 1);
      return [shape];
    },
  ],
  ["Pack", stack],
  ["Reshape", reshape],
  ["Slice", slice],
  ["SplitV", split],
  ["Tile", (shapes, { reps }) => [at(shapes, 0).map((n, i) => n * at(numbers(reps), i))]],
  ["Transpose", (shapes, { perm }) => [numbers(perm).map((i) => at(at(shapes, 0), i))]],
  ["Unpack", unstack],
]);

/** Kernels whose outputs come as a list, were it of one. */
const lists: ReadonlySet<string> = new Set(["SplitV", "Unpack"]);

/** Whether a kernel's outputs are a list. */
export function givesList(kernel: string): boolean {
  return lists.has(kernel);
}

/**
 * Shapes of a kernel's outputs.
 *
 * @param inputs all of them, in order
 * @returns null for a kernel that is not known, or not for these inputs
 */
export function outputShapes(
  kernel: string,
  inputs: readonly tf.Tensor[],
  attributes: object | undefined,
): Shape[] | null {
  const rule = rules.get(kernel);
  if (rule === undefined || inputs.some(({ dtype }) => dtype !== "float32")) {
    return null;
  }
  const named: Attributes = { ...attributes };
  if (kernel === "Cast" && named.dtype !== "float32") {
    return null;
  }
  return rule(
    inputs.map(({ shape }) => shape),
    named,
  );
}
