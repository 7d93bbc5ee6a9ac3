/** Tensors of strings, whose bytes lie in JavaScript's memory; their functions are the CPU backend's own. */
import { shared } from "@tensorflow/tfjs-backend-cpu";
import { type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { KernelBody, KernelTable } from "./kernel.ts";

/** @throws Error unless a tensor holds strings */
function checkStrings({ dtype }: TensorInfo): void {
  util.assert(dtype === "string", () => "Input must be of datatype string");
}

const nGrams: KernelBody = ({ backend, inputs, attrs }) => {
  const { data, dataSplits } = inputs;
  const [grams, splits] = shared.stringNGramsImpl(
    backend.strings(data),
    backend.ints(dataSplits),
    attrs.separator,
    attrs.nGramWidths,
    attrs.leftPad,
    attrs.rightPad,
    attrs.padWidth,
    attrs.preserveShortSequences,
  );
  return [
    backend.makeTensorInfo([grams.length], "string", grams),
    backend.makeTensorInfo(dataSplits.shape, "int32", splits),
  ];
};

const split: KernelBody = ({ backend, inputs, attrs }) => {
  const { input, delimiter } = inputs;
  checkStrings(input);
  util.assert(input.shape.length === 1, () => `Input must be a vector, got shape: ${input.shape}`);
  util.assert(delimiter.shape.length === 0, () => `Delimiter must be a scalar, got shape: ${delimiter.shape}`);
  const [by = new Uint8Array()] = backend.strings(delimiter);
  const [indices, values, shape] = shared.stringSplitImpl(backend.strings(input), by, attrs.skipEmpty);
  return [
    backend.makeTensorInfo([values.length, 2], "int32", indices),
    backend.makeTensorInfo([values.length], "string", values),
    backend.makeTensorInfo([2], "int32", Int32Array.from(shape)),
  ];
};

const hashBucket: KernelBody = ({ backend, inputs, attrs }) => {
  const input: TensorInfo = inputs.input;
  checkStrings(input);
  util.assert(attrs.numBuckets > 0, () => "Number of buckets must be at least 1");
  const buckets = shared.stringToHashBucketFastImpl(backend.strings(input), attrs.numBuckets);
  return backend.makeTensorInfo(input.shape, "int32", buckets);
};

const regexReplace: KernelBody = ({ backend, inputs, attrs }) => {
  const x: TensorInfo = inputs.x;
  const pattern = new RegExp(attrs.pattern, attrs.replaceGlobal ? "g" : "");
  const texts = backend.strings(x).map((bytes) => util.decodeString(bytes).replace(pattern, attrs.rewrite));
  const encoded = texts.map((text) => util.encodeString(text));
  return backend.makeTensorInfo(x.shape, "string", encoded);
};

export const stringKernels: KernelTable = {
  StringNGrams: nGrams,
  StringSplit: split,
  StringToHashBucketFast: hashBucket,
  StaticRegexReplace: regexReplace,
};
