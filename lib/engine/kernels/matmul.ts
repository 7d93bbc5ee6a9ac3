/** Products of matrices, one or many at a time, with bias and activation. */
import { broadcast_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { roundsFactors } from "../precision.ts";
import { biasValues, canFinish, finishActivation, fusedActivation } from "./convolution.ts";
import {
  broadcastStrides,
  fallBack,
  isFloat,
  type KernelBody,
  type KernelCall,
  type KernelTable,
  product,
} from "./kernel.ts";
import { copyFrom } from "./movement.ts";

interface Sizes {
  readonly batch: number[];
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** The sizes of a product of matrices; throws where the operands have none. */
function sizesOf({ inputs, attrs }: KernelCall): Sizes {
  const { a, b }: { a: TensorInfo; b: TensorInfo } = inputs;
  for (const [name, { shape }] of Object.entries({ a, b })) {
    util.assert(shape.length > 1, () => `MatMul: ${name} is a matrix, or several, got the shape [${shape.join(", ")}]`);
  }
  const [rowsA = 1, columnsA = 1] = a.shape.slice(-2);
  const [rowsB = 1, columnsB = 1] = b.shape.slice(-2);
  const [m, k] = attrs.transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [depth, n] = attrs.transposeB ? [columnsB, rowsB] : [rowsB, columnsB];
  util.assert(k === depth, () => `MatMul: inner sizes ${k} and ${depth} of shapes ${a.shape} and ${b.shape} differ`);
  const batch = broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return { batch, m, n, k };
}

/** A copy with matrices for the whole batch. */
function repeated(call: KernelCall, x: TensorInfo, dtype: "float32" | "int32", batch: readonly number[]): TensorInfo {
  const shape = [...batch, ...x.shape.slice(-2)];
  return copyFrom(call, x, dtype, shape, broadcastStrides(x.shape, shape), 0);
}

function multiply(call: KernelCall, bias: TensorInfo | undefined, activation: number): TensorInfo {
  const { backend, inputs, attrs } = call;
  const { a, b }: { a: TensorInfo; b: TensorInfo } = inputs;
  const { batch, m, n, k } = sizesOf(call);
  const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const [countA, countB] = [product(batchA), product(batchB)];
  // One side may stand for all of the other's matrices; those that stand for some are repeated.
  if (countA !== 1 && countB !== 1 && !util.arraysEqual(batchA, batchB)) {
    const [allA, allB] = [repeated(call, a, "float32", batch), repeated(call, b, "float32", batch)];
    const y = multiply({ ...call, inputs: { ...inputs, a: allA, b: allB } }, bias, activation);
    backend.disposeData(allA.dataId);
    backend.disposeData(allB.dataId);
    return y;
  }
  const [transposeA, transposeB] = [Boolean(attrs.transposeA), Boolean(attrs.transposeB)];
  const y = backend.output([...batch, m, n]);
  const count = Math.max(countA, countB) * (countA === 0 || countB === 0 ? 0 : 1);
  // Products of nothing are zero, which the native code knows too: it starts from the bias.
  const shared = count > 1 && countB === 1 && countA === count && !transposeA;
  backend.addon.gemm(
    backend.values(a),
    backend.values(b),
    biasValues(call, bias, n),
    y.values,
    shared ? 1 : count,
    shared ? m * count : m,
    n,
    k,
    transposeA,
    transposeB,
    countA === 1 && !shared,
    countB === 1,
    activation,
    roundsFactors(),
  );
  return y;
}

/** Sums of products in float64, which are exact up to 2^53. */
function multiplyIntegers(call: KernelCall): TensorInfo {
  const { backend, inputs, attrs } = call;
  const { batch, m, n, k } = sizesOf(call);
  const [a, b] = [repeated(call, inputs.a, "int32", batch), repeated(call, inputs.b, "int32", batch)];
  const y = backend.output([...batch, m, n], "int32");
  const [left, right] = [backend.ints(a), backend.ints(b)];
  const [downA, alongA] = attrs.transposeA ? [1, m] : [k, 1];
  const [downB, alongB] = attrs.transposeB ? [1, k] : [n, 1];
  const row = new Float64Array(n);
  for (let to = 0, matrix = 0; matrix < product(batch); matrix++) {
    for (let i = 0; i < m; i++, to += n) {
      row.fill(0);
      for (let l = 0; l < k; l++) {
        const factor = left[matrix * m * k + i * downA + l * alongA] ?? 0;
        for (let j = 0; j < n; j++) {
          row[j] = (row[j] ?? 0) + factor * (right[matrix * k * n + l * downB + j * alongB] ?? 0);
        }
      }
      y.values.set(row, to);
    }
  }
  backend.disposeData(a.dataId);
  backend.disposeData(b.dataId);
  return y;
}

const batchMatMul: KernelBody = (call) => {
  const { a, b } = call.inputs;
  if (a.dtype === "int32" && b.dtype === "int32") {
    return multiplyIntegers(call);
  }
  return isFloat(a, b) ? multiply(call, undefined, 0) : fallBack("BatchMatMul", call);
};

const fusedMatMul: KernelBody = (call) => {
  const { inputs, attrs } = call;
  const { a, b, bias, preluActivationWeights } = inputs;
  const fits =
    isFloat(a, b, bias, preluActivationWeights) &&
    canFinish(attrs.activation) &&
    (bias === undefined || product(bias.shape, 0, bias.shape.length - 1) === 1);
  const y = fits ? multiply(call, bias, fusedActivation(attrs.activation)) : undefined;
  return y === undefined ? fallBack("_FusedMatMul", call) : finishActivation(call, y);
};

export const matMulKernels: KernelTable = { BatchMatMul: batchMatMul, _FusedMatMul: fusedMatMul };
