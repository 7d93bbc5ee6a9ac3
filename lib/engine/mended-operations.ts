/**
 * Values that TensorFlow.js's operations get wrong before or between kernels, on every backend. Operations have no registry to mend them in: the
 * engine's method that runs kernels is wrapped, and what belongs to a composition recognised by the scopes that tfjs opens around operations.
 *
 * - Elements of several types are joined as the first one's: `tf.concat` of integers and floats cut the floats, of booleans and integers gave
 *   booleans of 249. Here the result has the type that holds all, as `tf.add` and PyTorch's `cat` have it.
 * - Arithmetic with booleans stayed in bytes: `true + true` was a boolean of 2, `false - true` one of 255, and 300 matches in `tf.dot` were 44. It
 *   counts in integers, as `tf.sum` does.
 * - Integers where the result has fractions lost these.
 * - `tf.floorDiv` of floats was cut to an integer of 32 bits: 1e10 / 1 gave 1410065408, 5 / 0 gave 0.
 * - Of no elements all are true, their mean is NaN, and the largest is -Infinity, where tfjs has false, 0 and NaN
 *   (https://github.com/tensorflow/tfjs/issues/6633). It has no place: `tf.argMax` said 0.
 * - `tf.logSumExp` takes the largest element away before it exponentiates, and adds it again at the end. Where that is infinite the difference of
 *   infinities is NaN; there 0 does as well, because the exponentials are 0 or infinite anyway.
 * - `tf.norm` at 0 has an infinite slope times 0, which is NaN; PyTorch's is 0 (https://github.com/pytorch/pytorch/issues/2421,
 *   https://github.com/tensorflow/tensorflow/issues/12071).
 */
import * as tf from "@tensorflow/tfjs-core";

type Inputs = tf.NamedTensorMap | tf.Tensor[];
type RunKernel = (name: string, inputs: Inputs, attrs?: tf.NamedAttrMap) => tf.Tensor;

interface ScopedEngine {
  runKernel: RunKernel;
  readonly state: { readonly scopeStack: readonly { readonly name: string }[] };
}

const mended = Symbol.for("convbook.mendedOperations");

/** Wraps the method, once an engine. */
export function mendOperations(): void {
  const engine = tf.engine() as unknown as ScopedEngine & { [mended]?: true };
  if (engine[mended]) {
    return;
  }
  engine[mended] = true;
  const runKernel = engine.runKernel.bind(engine);
  engine.runKernel = (name, given, attrs) => {
    const inputs = operands[name]?.(given, attrs) ?? given;
    return results[name]?.(inputs, attrs) ?? runKernel(name, inputs, attrs);
  };
  const within = (operation: string) => engine.state.scopeStack.at(-2)?.name.startsWith(operation) === true;
  const ofNothing = (name: keyof typeof valuesOfNothing, inputs: Inputs, attrs?: tf.NamedAttrMap) => {
    const [x] = Object.values(inputs);
    if (x?.size !== 0) {
      return undefined;
    }
    const result = runKernel(name, inputs, attrs);
    const value = valuesOfNothing[name][result.dtype === "int32" ? 1 : 0];
    // Through the result there is a way back for gradients.
    return tf.where(tf.fill(result.shape, 1, "bool"), tf.fill(result.shape, value, result.dtype as "float32"), result);
  };
  /** In place of what a kernel gives; undefined where that is right. */
  const results: Readonly<Record<string, (inputs: Inputs, attrs?: tf.NamedAttrMap) => tf.Tensor | undefined>> = {
    Max: (inputs, attrs) => {
      if (!within("logSumExp")) {
        return ofNothing("Max", inputs, attrs);
      }
      const largest = runKernel("Max", inputs, attrs);
      return tf.where(tf.isInf(largest), tf.zerosLike(largest), largest);
    },
    Sqrt: (inputs, attrs) => {
      const [x] = Object.values(inputs);
      if (x === undefined || !within("norm") || !tf.engine().isTapeOn()) {
        return undefined;
      }
      const isZero = tf.equal(x, 0);
      const root = runKernel("Sqrt", { x: tf.where(isZero, tf.onesLike(x), x) }, attrs);
      return tf.where(isZero, tf.zerosLike(root), root);
    },
    Abs: (inputs) => {
      const [x] = Object.values(inputs);
      if (x === undefined || !within("sigmoidCrossEntropy") || !tf.engine().isTapeOn()) {
        return undefined;
      }
      // At 0 its slope makes up for that of the ReLU beside it: -1, not the 0 of the absolute value.
      return tf.where(tf.greater(x, 0), x, tf.neg(x));
    },
    FloorDiv: (inputs) => {
      const [a, b] = Object.values(inputs) as [tf.Tensor, tf.Tensor];
      return a.dtype === "float32" ? tf.floor(tf.div(a, b)) : undefined;
    },
    Min: (inputs, attrs) => ofNothing("Min", inputs, attrs),
    Mean: (inputs, attrs) => ofNothing("Mean", inputs, attrs),
    All: (inputs, attrs) => ofNothing("All", inputs, attrs),
  };
}

/** What TensorFlow makes of no elements, in floats or booleans, and in integers. */
const valuesOfNothing = {
  All: [1, 1],
  Mean: [Number.NaN, Number.NaN],
  Max: [Number.NEGATIVE_INFINITY, -(2 ** 31)],
  Min: [Number.POSITIVE_INFINITY, 2 ** 31 - 1],
} as const;

/** Inputs of other types, by kernel; undefined where they may stay. */
const operands: Readonly<Record<string, (inputs: Inputs, attrs?: tf.NamedAttrMap) => Inputs | undefined>> = {
  Concat: joined,
  Add: counted,
  AddN: counted,
  Sub: counted,
  Neg: counted,
  BatchMatMul: counted,
  Atan2: fractional,
  FusedBatchNorm: fractional,
  Prelu: fractional,
  Reciprocal: fractional,
  ClipByValue: (inputs, attrs) =>
    [attrs?.clipValueMin, attrs?.clipValueMax].some((limit) => Number.isFinite(limit) && !Number.isInteger(limit))
      ? fractional(inputs)
      : undefined,
  ArgMax: placed,
  ArgMin: placed,
  Transpose: ordered,
};

function converted(inputs: Inputs, dtype: tf.DataType): Inputs {
  // Those that were left out are undefined.
  const convert = (x: tf.Tensor) => (x.dtype === dtype ? x : tf.cast(x, dtype));
  return Array.isArray(inputs)
    ? inputs.map((x) => convert(x))
    : Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, x && convert(x)]));
}

/** As the type that holds all elements. */
function joined(inputs: Inputs): Inputs | undefined {
  const types = Object.values(inputs).map(({ dtype }) => dtype);
  const [first = "float32"] = types;
  if (types.every((dtype) => dtype === first) || types.some((dtype) => dtype === "string" || dtype === "complex64")) {
    return undefined;
  }
  return converted(inputs, types.reduce(tf.upcastType));
}

/** Booleans as integers, where there is nothing else. */
function counted(inputs: Inputs): Inputs | undefined {
  return Object.values(inputs).every(({ dtype }) => dtype === "bool") ? converted(inputs, "int32") : undefined;
}

/** Integers and booleans as floats, where there is nothing else that decides. */
function fractional(inputs: Inputs): Inputs | undefined {
  const [first] = Object.values(inputs);
  return first?.dtype === "int32" || first?.dtype === "bool" ? converted(inputs, "float32") : undefined;
}

/** @throws Error where there are no elements to choose from */
function placed(inputs: Inputs, attrs?: tf.NamedAttrMap): undefined {
  const [x] = Object.values(inputs);
  const [axis = 0] = tf.util.parseAxisParam((attrs?.axis ?? 0) as number, x?.shape ?? []);
  if (x !== undefined && x.rank > 0 && x.shape[axis] === 0) {
    throw new Error(
      `The axis ${axis} of a tensor [${x.shape.join(", ")}] has no elements, and so none is the largest or smallest`,
    );
  }
}

/** @throws Error where an axis is named twice, of which kernels make a tensor of other elements */
function ordered(_: Inputs, attrs?: tf.NamedAttrMap): undefined {
  const axes = attrs?.perm as number[];
  if (new Set(axes).size < axes.length) {
    throw new Error(`transpose: each axis must be named once, got [${axes.join(", ")}]`);
  }
}
