/** Kernels that work element by element, with broadcasting. */
import { broadcast_util, type DataType, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { binaryOps, castOps, compareOps, unaryOps } from "../native-numbers.ts";
import {
  broadcastStrides,
  describe,
  fallBack,
  isFloat,
  isMovable,
  type KernelBody,
  type KernelCall,
  type KernelTable,
  type Movable,
  product,
} from "./kernel.ts";

/** Runs a unary operation; `a` and `b` are its parameters, such as a slope or bounds. */
export function runUnary(call: KernelCall, op: string, x: TensorInfo, a = 0, b = 0): TensorInfo {
  const { backend } = call;
  const y = backend.output(x.shape);
  backend.addon.unary(unaryOps.indexOf(op), backend.values(x), y.values, y.values.length, a, b);
  return y;
}

function unaryKernel(name: string, op = name): KernelBody {
  return (call) => (isFloat(call.inputs.x) ? runUnary(call, op, call.inputs.x) : fallBack(name, call));
}

/** Native unary operations that take a tensor `x` and nothing else, by tfjs's names. */
const plainUnary = [
  ..."Relu Relu6 Square Sqrt Rsqrt Exp Log Neg Sigmoid Tanh Abs Reciprocal Sign Floor Ceil Round Elu Selu".split(" "),
  ..."Softplus Expm1 Log1p Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Erf".split(" "),
];

/** Runs a binary operation with broadcasting. */
export function runBinary({ backend }: KernelCall, op: string, a: TensorInfo, b: TensorInfo): TensorInfo {
  const same = util.arraysEqual(a.shape, b.shape);
  const shape = same ? a.shape : broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
  const y = backend.output(shape);
  const description = same
    ? Int32Array.of(1, y.values.length, 1, 1)
    : describe(shape, broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape));
  backend.addon.binary(binaryOps.indexOf(op), backend.values(a), backend.values(b), y.values, description);
  return y;
}

function binaryKernel(name: string): KernelBody {
  return (call) => {
    const { a, b } = call.inputs;
    return isFloat(a, b) ? runBinary(call, name, a, b) : fallBack(name, call);
  };
}

function compareKernel(name: string, op: number): KernelBody {
  return (call) => {
    const { a, b } = call.inputs;
    const { backend } = call;
    if (!isFloat(a, b)) {
      return fallBack(name, call);
    }
    const shape = broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
    const y = backend.output(shape, "bool");
    const description = describe(shape, broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape));
    backend.addon.compare(op, backend.values(a), backend.values(b), y.values, description);
    return y;
  };
}

const castKinds: Readonly<Record<string, number | undefined>> = {
  "float32>int32": castOps.floatToInt,
  "int32>float32": castOps.intToFloat,
  "bool>float32": castOps.byteToFloat,
  "bool>int32": castOps.byteToInt,
  "float32>bool": castOps.floatToBool,
  "int32>bool": castOps.intToBool,
};

const cast: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const x: TensorInfo = inputs.x;
  if (x.dtype === attrs.dtype) {
    backend.incRef(x.dataId);
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
  }
  const kind = castKinds[`${x.dtype}>${attrs.dtype}`];
  if (kind === undefined) {
    return fallBack("Cast", call);
  }
  const y = backend.output<Movable>(x.shape, attrs.dtype);
  backend.addon.cast(kind, backend.values(x), y.values, y.values.length);
  return y;
};

const select: KernelBody = (call) => {
  const { backend, inputs } = call;
  const condition: TensorInfo = inputs.condition;
  const { t, e } = inputs;
  // A condition of one axis chooses among the rows of the first axis.
  if (!isFloat(t, e) || condition.dtype !== "bool" || !util.arraysEqual(t.shape, e.shape)) {
    return fallBack("Select", call);
  }
  const rows = condition.shape.length === 1 && t.shape.length > 1;
  if (!rows && !util.arraysEqual(condition.shape, t.shape)) {
    return fallBack("Select", call);
  }
  const y = backend.output(t.shape);
  const inner = rows ? product(t.shape, 1) : 1;
  const outer = rows ? (t.shape[0] ?? 0) : y.values.length;
  const whole = [inner, 1];
  const description = describe([outer, inner], [1, 0], whole, whole);
  backend.addon.select(backend.bytes(condition), backend.values(t), backend.values(e), y.values, description);
  return y;
};

const addN: KernelBody = (call) => {
  const tensors: TensorInfo[] = call.inputs;
  const [first, second, ...rest] = tensors;
  if (!isFloat(...tensors) || first === undefined || second === undefined) {
    return fallBack("AddN", call);
  }
  let sum = runBinary(call, "Add", first, second);
  for (const next of rest) {
    const more = runBinary(call, "Add", sum, next);
    call.backend.disposeData(sum.dataId);
    sum = more;
  }
  return sum;
};

/** A tensor of one value; undefined for strings and complex numbers. */
function filled({ backend }: KernelCall, shape: number[], value: number, dtype: DataType): TensorInfo | undefined {
  if (!isMovable(dtype)) {
    return undefined;
  }
  const y = backend.output(shape, dtype);
  if (y.values instanceof Float32Array && y.values.length >= 64) {
    backend.addon.fill(y.values, value, y.values.length);
  } else {
    y.values.fill(value);
  }
  return y;
}

/** {dy, y} -> dy where y > 0: the gradient of ReLU in one pass. */
const reluGrad: KernelBody = (call) => runBinary(call, "ReluGrad", call.inputs.dy, call.inputs.y);
/** {dy, y} -> dy where 0 < y < 6, the same of ReLU6; where y is not a number, too. */
const relu6Grad: KernelBody = (call) => runBinary(call, "Relu6Grad", call.inputs.dy, call.inputs.y);

/** Exact GELU, x * Phi(x), and SiLU, x * sigmoid(x); behind them {dy, x} -> dx. */
const gelu: KernelBody = (call) => runUnary(call, "Gelu", call.inputs.x);
const silu: KernelBody = (call) => runUnary(call, "Silu", call.inputs.x);
const geluGrad: KernelBody = (call) => runBinary(call, "GeluGrad", call.inputs.dy, call.inputs.x);
const siluGrad: KernelBody = (call) => runBinary(call, "SiluGrad", call.inputs.dy, call.inputs.x);

/** Kernels of two operands that are called by other names and inputs, here and in fused-gradients.ts; floor division gives integers. */
const ofOwnNames: ReadonlySet<string> = new Set(
  "Prelu EluGrad ReluGrad Relu6Grad SiluGrad GeluGrad FloorDiv".split(" "),
);

/** {shape, normal, seed, a, b}: uniform in [a, b), or normal with mean a and standard deviation b. */
const randomFill: KernelBody = ({ backend, attrs }) => {
  const y = backend.output(attrs.shape);
  backend.addon.random(attrs.normal, y.values, y.values.length, attrs.seed, attrs.a, attrs.b);
  return y;
};

export const elementwiseKernels: KernelTable = {
  ReluGrad: reluGrad,
  Relu6Grad: relu6Grad,
  Gelu: gelu,
  Silu: silu,
  GeluGrad: geluGrad,
  SiluGrad: siluGrad,
  RandomFill: randomFill,
  ...Object.fromEntries(plainUnary.map((name) => [name, unaryKernel(name)])),
  ...Object.fromEntries(binaryOps.filter((name) => !ofOwnNames.has(name)).map((name) => [name, binaryKernel(name)])),
  ...Object.fromEntries(compareOps.map((name, op) => [name, compareKernel(name, op)])),
  Step: (call) =>
    isFloat(call.inputs.x) ? runUnary(call, "Step", call.inputs.x, call.attrs.alpha ?? 0) : fallBack("Step", call),
  LeakyRelu: (call) =>
    isFloat(call.inputs.x) ? runUnary(call, "LeakyRelu", call.inputs.x, call.attrs.alpha) : fallBack("LeakyRelu", call),
  ClipByValue: (call) =>
    isFloat(call.inputs.x)
      ? runUnary(call, "Clip", call.inputs.x, call.attrs.clipValueMin, call.attrs.clipValueMax)
      : fallBack("ClipByValue", call),
  Prelu: (call) =>
    isFloat(call.inputs.x, call.inputs.alpha)
      ? runBinary(call, "Prelu", call.inputs.x, call.inputs.alpha)
      : fallBack("Prelu", call),
  EluGrad: (call) =>
    isFloat(call.inputs.dy, call.inputs.y)
      ? runBinary(call, "EluGrad", call.inputs.dy, call.inputs.y)
      : fallBack("EluGrad", call),
  AddN: addN,
  Cast: cast,
  Select: select,
  Fill: (call) =>
    filled(call, call.attrs.shape, call.attrs.value, call.attrs.dtype ?? typeName(call.attrs.value)) ??
    fallBack("Fill", call),
  ZerosLike: (call) => filled(call, call.inputs.x.shape, 0, call.inputs.x.dtype) ?? fallBack("ZerosLike", call),
  OnesLike: (call) => filled(call, call.inputs.x.shape, 1, call.inputs.x.dtype) ?? fallBack("OnesLike", call),
};

function typeName(value: unknown): DataType {
  return typeof value === "number" ? "float32" : "string";
}
