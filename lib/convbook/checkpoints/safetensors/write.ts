/** Writing safetensors. The same tensors and metadata always give the same bytes. */
import { checkText } from "../../arguments/check.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { checkObject, refuseUnknownOptions } from "../../arguments/options.ts";
import { compareCodePoints, writeFileAtomic } from "../../files/index.ts";
import type { TensorData, TensorDType } from "../../tensor-data.ts";
import { quote } from "../byte-reader.ts";
import { float32ToBfloat16, float32ToFloat16 } from "../float16.ts";
import { bytesOf, tensorProblem } from "../tensor-bytes.ts";

/** How to write safetensors. */
export interface SaveSafetensorsOptions {
  /** Text that goes with the tensors. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** How float32 tensors are stored: `float16` and `bfloat16` halve the file and round. */
  readonly floatType?: "float32" | "float16" | "bfloat16";
}

const floatTypes = ["float32", "float16", "bfloat16"];

/** @throws {OptionError} naming the option that is none of those that saving takes, or of `more` names */
export function checkSaveOptions(
  owner: string,
  options: {
    readonly floatType?: SaveSafetensorsOptions["floatType"] | undefined;
    readonly metadata?: SaveSafetensorsOptions["metadata"] | undefined;
  },
  more: readonly string[] = [],
): void {
  refuseUnknownOptions(owner, options, ["floatType", "metadata", ...more]);
  const { floatType = "float32", metadata = {} } = options;
  if (!floatTypes.includes(floatType)) {
    throw new OptionError(owner, "floatType", floatType, floatTypes.join(", "));
  }
  checkObject(owner, "metadata", metadata, "an object of strings");
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value !== "string") {
      throw new OptionError(owner, `metadata.${name}`, value, "a string");
    }
  }
}

const names: Readonly<Record<TensorDType, string>> = {
  float32: "F32",
  float64: "F64",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint8: "U8",
  bool: "BOOL",
};

interface Stored {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  readonly elementBytes: number;
}

function store(name: string, tensor: TensorData, floatType: string): Stored {
  const problem = tensorProblem(tensor);
  if (problem !== null) {
    throw new TypeError(`Tensor ${quote(name)} ${problem}.`);
  }
  const { dtype, shape, data } = tensor;
  if (dtype === "float32" && floatType !== "float32") {
    const half = floatType === "float16" ? float32ToFloat16(data) : float32ToBfloat16(data);
    return { name, dtype: floatType === "float16" ? "F16" : "BF16", shape, bytes: bytesOf(half), elementBytes: 2 };
  }
  return { name, dtype: names[dtype], shape, bytes: bytesOf(data), elementBytes: data.BYTES_PER_ELEMENT };
}

/** The file in pieces: the header, then each tensor's bytes, which are not copied. */
function piecesOf(tensors: ReadonlyMap<string, TensorData>, options: SaveSafetensorsOptions): Uint8Array[] {
  const { metadata = {}, floatType = "float32" } = options;
  // Wide elements first, so that all are aligned, then by name: the order of the reference implementation.
  const stored = Array.from(tensors, ([name, tensor]) => store(name, tensor, floatType)).sort(
    (a, b) => b.elementBytes - a.elementBytes || compareCodePoints(a.name, b.name),
  );
  const lines: string[] = [];
  const keys = Object.keys(metadata).sort(compareCodePoints);
  if (keys.length > 0) {
    const pairs = keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(metadata[key])}`);
    lines.push(`"__metadata__":{${pairs.join(",")}}`);
  }
  let offset = 0;
  for (const { name, dtype, shape, bytes } of stored) {
    if (name === "__metadata__") {
      throw new TypeError('A tensor cannot be called "__metadata__" in a safetensors file.');
    }
    const end = offset + bytes.length;
    const entry = `{"dtype":"${dtype}","shape":[${shape.join(",")}],"data_offsets":[${offset},${end}]}`;
    lines.push(`${JSON.stringify(name)}:${entry}`);
    offset = end;
  }
  const json = Buffer.from(`{${lines.join(",")}}`);
  const padding = (8 - (json.length % 8)) % 8;
  const header = Buffer.alloc(8 + json.length + padding, " ");
  header.writeBigUInt64LE(BigInt(json.length + padding));
  json.copy(header, 8);
  return [header, ...stored.map(({ bytes }) => bytes)];
}

/**
 * Tensors as the bytes of a safetensors file.
 *
 * @throws TypeError for a tensor whose shape and data do not fit together
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, TensorData>,
  options: SaveSafetensorsOptions = {},
): Uint8Array {
  checkSaveOptions("encodeSafetensors", options);
  return Buffer.concat(piecesOf(tensors, options));
}

/**
 * Writes tensors to a safetensors file, which appears under its name only when it is whole.
 *
 * @throws TypeError for a tensor whose shape and data do not fit together, or the file system's error
 */
export async function saveSafetensors(
  path: string,
  tensors: ReadonlyMap<string, TensorData>,
  options: SaveSafetensorsOptions = {},
): Promise<void> {
  checkText("saveSafetensors", "path", path, "the path of a file");
  checkSaveOptions("saveSafetensors", options);
  if (!(tensors instanceof Map)) {
    throw new OptionError("saveSafetensors", "tensors", tensors, "a Map of tensors by name");
  }
  await writeFileAtomic(path, piecesOf(tensors, options));
}
