/** Products of matrices, one or many at a time, with bias and activation. */
import { broadcast_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { roundsFactors } from "../precision.ts";
import { biasValues, canFinish, finishActivation, fusedActivation } from "./convolution.ts";
import { fallBack, isFloat, type KernelBody, type KernelCall, type KernelTable, product } from "./kernel.ts";

function multiply(call: KernelCall, bias: TensorInfo | undefined, activation: number): TensorInfo | undefined {
  const { backend, inputs, attrs } = call;
  const { a, b }: { a: TensorInfo; b: TensorInfo } = inputs;
  const transposeA = Boolean(attrs.transposeA);
  const transposeB = Boolean(attrs.transposeB);
  for (const [name, { shape }] of Object.entries({ a, b })) {
    util.assert(shape.length > 1, () => `MatMul: ${name} is a matrix, or several, got the shape [${shape.join(", ")}]`);
  }
  const [rowsA = 1, columnsA = 1] = a.shape.slice(-2);
  const [rowsB = 1, columnsB = 1] = b.shape.slice(-2);
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [depth, n] = transposeB ? [columnsB, rowsB] : [rowsB, columnsB];
  util.assert(k === depth, () => `MatMul: inner sizes ${k} and ${depth} of shapes ${a.shape} and ${b.shape} differ`);
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const [countA, countB] = [product(batchA), product(batchB)];
  // One side may stand for all of the other's matrices; mixed broadcasting is rare.
  if (countA !== countB && countA !== 1 && countB !== 1) {
    return undefined;
  }
  if (countA !== 1 && countB !== 1 && !util.arraysEqual(batchA, batchB)) {
    return undefined;
  }
  const batch = broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
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

const batchMatMul: KernelBody = (call) => {
  const { a, b } = call.inputs;
  return (isFloat(a, b) ? multiply(call, undefined, 0) : undefined) ?? fallBack("BatchMatMul", call);
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
