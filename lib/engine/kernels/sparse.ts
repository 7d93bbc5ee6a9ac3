/**
 * Sparse and ragged tensors: bookkeeping of indices and row lengths. What is more than a scatter is worked out by the CPU backend's own
 * functions, on this backend's memory.
 */
import { shared } from "@tensorflow/tfjs-backend-cpu";
import { backend_util, type DataType, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { NativeBackend } from "../backend.ts";
import { elementBytes, fallBack, isMovable, type KernelBody, type KernelTable } from "./kernel.ts";
import { rowsNamed } from "./places.ts";

const sparseToDense: KernelBody = (call) => {
  const { backend, inputs, attrs } = call;
  const { sparseIndices, sparseValues, defaultValue }: Record<string, TensorInfo> = inputs;
  const shape: number[] = attrs.outputShape;
  if (sparseIndices === undefined || sparseValues === undefined || defaultValue === undefined) {
    return fallBack("SparseToDense", call);
  }
  const dtype = sparseValues.dtype;
  const info = backend_util.calculateShapes(sparseValues, sparseIndices, shape);
  const rows = info.outputSize / info.sliceSize;
  const named = (): Int32Array =>
    rowsNamed(backend.ints(sparseIndices), info.numUpdates, info.sliceRank, info.strides, rows, shape);
  if (dtype === "string") {
    const [values, [otherwise = new Uint8Array()]] = [backend.strings(sparseValues), backend.strings(defaultValue)];
    const texts = new Array<Uint8Array>(info.outputSize).fill(otherwise);
    named().forEach((row, i) => {
      texts[row] = values[sparseValues.shape.length === 0 ? 0 : i] ?? otherwise;
    });
    return backend.makeTensorInfo(shape, dtype, texts);
  }
  if (!isMovable(dtype)) {
    return fallBack("SparseToDense", call);
  }
  const y = backend.output(shape, dtype);
  y.values.fill(backend.values(defaultValue)[0] ?? 0);
  if (y.values.length === 0) {
    return y;
  }
  const flat = named();
  if (sparseValues.shape.length === 0) {
    // One value for all of them.
    const [value = 0] = backend.values(sparseValues);
    for (const row of flat) {
      y.values.fill(value, row * info.sliceSize, (row + 1) * info.sliceSize);
    }
    return y;
  }
  const bytes = info.sliceSize * (elementBytes(dtype) ?? 4);
  backend.addon.scatter(backend.values(sparseValues), flat, y.values, info.numUpdates, rows, bytes, true);
  return y;
};

/** @throws Error unless a tensor has so many axes */
function checkRank(name: string, tensor: TensorInfo, rank: number): void {
  const kinds = ["a scalar", "a vector", "a matrix"];
  util.assert(
    tensor.shape.length === rank,
    () => `${name} should be ${kinds[rank]} but received shape [${tensor.shape}]`,
  );
}

const fillEmptyRows: KernelBody = ({ backend, inputs }) => {
  const { indices, values, denseShape, defaultValue } = inputs;
  checkRank("Dense shape", denseShape, 1);
  checkRank("Indices", indices, 2);
  checkRank("Values", values, 1);
  checkRank("Default value", defaultValue, 0);
  const [rows, rowsShape, filled, isEmpty, reverse] = shared.sparseFillEmptyRowsImpl(
    backend.ints(indices),
    indices.shape,
    indices.dtype,
    backend.values(values),
    values.dtype,
    backend.ints(denseShape),
    backend.values(defaultValue)[0] ?? 0,
  );
  return [
    backend.makeTensorInfo(rowsShape, indices.dtype, rows),
    backend.makeTensorInfo([rowsShape[0] ?? 0], values.dtype, filled),
    backend.makeTensorInfo([isEmpty.length], "bool", Uint8Array.from(isEmpty, Number)),
    backend.makeTensorInfo([reverse.length], indices.dtype, Int32Array.from(reverse)),
  ];
};

const sparseReshape: KernelBody = ({ backend, inputs }) => {
  const { inputIndices, inputShape, newShape } = inputs;
  checkRank("Input indices", inputIndices, 2);
  checkRank("Input shape", inputShape, 1);
  checkRank("Target shape", newShape, 1);
  const [indices, indicesShape, shape] = shared.sparseReshapeImpl(
    backend.ints(inputIndices),
    inputIndices.shape,
    inputIndices.dtype,
    Array.from(backend.ints(inputShape)),
    Array.from(backend.ints(newShape)),
  );
  return [
    backend.makeTensorInfo(indicesShape, inputIndices.dtype, indices),
    backend.makeTensorInfo([shape.length], newShape.dtype, Int32Array.from(shape)),
  ];
};

function segments(isMean: boolean): KernelBody {
  return ({ backend, inputs }) => {
    const { data, indices, segmentIds } = inputs;
    util.assert(data.shape.length > 0, () => "Data should be at least 1 dimensional but received scalar");
    checkRank("Indices", indices, 1);
    checkRank("Segment ids", segmentIds, 1);
    util.assert(indices.shape[0] === segmentIds.shape[0], () => "segmentIds and indices should have same size.");
    const [values, shape] = shared.sparseSegmentReductionImpl(
      backend.values(data),
      data.shape,
      data.dtype,
      backend.ints(indices),
      backend.ints(segmentIds),
      isMean,
    );
    return backend.makeTensorInfo(shape, data.dtype, values);
  };
}

/** The elements and the shapes of a list of tensors. */
function all(backend: NativeBackend, tensors: readonly TensorInfo[]): [values: Int32Array[], shapes: number[][]] {
  return [tensors.map((tensor) => backend.ints(tensor)), tensors.map(({ shape }) => shape)];
}

const raggedGather: KernelBody = ({ backend, inputs, attrs }) => {
  const values: TensorInfo = inputs.paramsDenseValues;
  const indices: TensorInfo = inputs.indices;
  const [splits, dense, denseShape] = shared.raggedGatherImpl(
    ...all(backend, inputs.paramsNestedSplits),
    backend.values(values),
    values.shape,
    values.dtype,
    backend.ints(indices),
    indices.shape,
    attrs.outputRaggedRank,
  );
  return [
    ...splits.map((own) => backend.makeTensorInfo([own.length], "int32", own)),
    backend.makeTensorInfo(denseShape, values.dtype, dense),
  ];
};

const raggedRange: KernelBody = ({ backend, inputs }) => {
  const { starts, limits, deltas } = inputs;
  const dtype: DataType = starts.dtype;
  const [splits, dense] = shared.raggedRangeImpl(
    backend.values(starts),
    starts.shape,
    dtype,
    backend.values(limits),
    limits.shape,
    backend.values(deltas),
    deltas.shape,
  );
  return [
    backend.makeTensorInfo([splits.length], "int32", splits),
    backend.makeTensorInfo([dense.length], dtype, dense),
  ];
};

const raggedTensorToTensor: KernelBody = ({ backend, inputs, attrs }) => {
  const { shape, values, defaultValue, rowPartitionTensors } = inputs;
  const [outShape, dense] = shared.raggedTensorToTensorImpl(
    backend.ints(shape),
    shape.shape,
    backend.values(values),
    values.shape,
    values.dtype,
    backend.values(defaultValue),
    defaultValue.shape,
    ...all(backend, rowPartitionTensors),
    attrs.rowPartitionTypes,
  );
  return backend.makeTensorInfo(outShape, values.dtype, dense);
};

export const sparseKernels: KernelTable = {
  SparseToDense: sparseToDense,
  SparseFillEmptyRows: fillEmptyRows,
  SparseReshape: sparseReshape,
  SparseSegmentMean: segments(true),
  SparseSegmentSum: segments(false),
  RaggedGather: raggedGather,
  RaggedRange: raggedRange,
  RaggedTensorToTensor: raggedTensorToTensor,
};
