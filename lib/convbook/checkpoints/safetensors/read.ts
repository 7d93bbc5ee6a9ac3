/**
 * Reading safetensors: the header's length (8 bytes), a JSON header, the tensors' bytes.
 *
 * Read strictly: the tensors cover the data one after the other without gap or overlap, up to the file's last byte.
 *
 * Source: the description of the format in huggingface/safetensors.
 */
import type { StateDict, TensorArrays, TensorData, TensorDType } from "../../tensor-data.ts";
import { ByteReader, quote } from "../byte-reader.ts";
import { bfloat16ToFloat32, float16ToFloat32 } from "../float16.ts";
import { readWholeFile } from "../read-file.ts";
import { decodeElements, elementsOf, type Sharing } from "../tensor-bytes.ts";
import { parseHeader } from "./header.ts";

interface Format {
  readonly bytes: number;
  readonly dtype: TensorDType;
  readonly decode: (bytes: Uint8Array, sharing: Sharing) => TensorArrays[TensorDType];
}

const plain = (bytes: number, dtype: TensorDType): Format => ({
  bytes,
  dtype,
  decode: (content, sharing) => decodeElements(dtype, content, sharing),
});

const halves = (bytes: Uint8Array) => new Uint16Array(new Uint8Array(bytes).buffer);

const formats: ReadonlyMap<string, Format> = new Map([
  ["F64", plain(8, "float64")],
  ["F32", plain(4, "float32")],
  ["F16", { bytes: 2, dtype: "float32", decode: (content) => float16ToFloat32(halves(content)) }],
  ["BF16", { bytes: 2, dtype: "float32", decode: (content) => bfloat16ToFloat32(halves(content)) }],
  ["I64", plain(8, "int64")],
  ["I32", plain(4, "int32")],
  ["I16", plain(2, "int16")],
  ["I8", plain(1, "int8")],
  ["U8", plain(1, "uint8")],
  ["BOOL", plain(1, "bool")],
]);

/** The format's own limit on the header. */
const maxHeaderBytes = 100_000_000;

/** What a safetensors file holds. */
export interface Safetensors {
  /** In the order of the header; float16 and bfloat16 widened to float32. */
  readonly tensors: StateDict;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Reads safetensors from memory.
 *
 * @param file named in errors
 * @param sharing whether the tensors may keep the memory of `bytes` where they lie aligned in it, which saves a copy
 * @throws CheckpointError naming the file, the place and the reason
 */
export function parseSafetensors(bytes: Uint8Array, file = "(memory)", sharing: Sharing = "copy"): Safetensors {
  const reader = new ByteReader(bytes, file);
  const length = reader.uint64("the header's length");
  if (length > maxHeaderBytes) {
    throw reader.error("limit", `the header is said to have ${length} bytes; at most ${maxHeaderBytes} are allowed`, 0);
  }
  const { entries, metadata } = parseHeader(reader, length);
  const dataStart = reader.offset;
  const tensors: StateDict = new Map();
  for (const [name, { dtype, shape, begin, end }] of entries) {
    const format = formats.get(dtype);
    const at = dataStart + begin;
    if (format === undefined) {
      throw reader.error("unsupported", `tensor ${quote(name)} is of type ${quote(dtype)}, which is not read here`, at);
    }
    const expected = elementsOf(shape) * format.bytes;
    if (end - begin !== expected) {
      throw reader.error(
        "malformed",
        `tensor ${quote(name)} of shape [${shape.join(", ")}] takes ${expected} bytes, but its offsets are ${begin} and ${end}`,
        at,
      );
    }
    tensors.set(name, undefined as unknown as TensorData);
  }
  // In the order of the data each begins where the one before ends.
  let covered = 0;
  for (const [name, { begin, end }] of [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) {
      const detail = `tensor ${quote(name)} begins at ${begin}, but the one before ends at ${covered}`;
      throw reader.error("malformed", detail, dataStart + begin);
    }
    covered = end;
  }
  if (covered > reader.remaining) {
    throw reader.error("truncated", `the tensors take ${covered} bytes, ${reader.remaining} are there`, bytes.length);
  }
  if (covered < reader.remaining) {
    const detail = `${reader.remaining - covered} bytes follow the last tensor, which belong to nothing`;
    throw reader.error("malformed", detail, dataStart + covered);
  }
  for (const [name, { dtype, shape, begin, end }] of entries) {
    const format = formats.get(dtype) as Format;
    const data = format.decode(bytes.subarray(dataStart + begin, dataStart + end), sharing);
    tensors.set(name, Object.freeze({ dtype: format.dtype, shape: Object.freeze(shape), data }) as TensorData);
  }
  return { tensors, metadata };
}

/**
 * Reads a safetensors file.
 *
 * @throws CheckpointError naming the file, the place and the reason
 */
export async function loadSafetensors(path: string): Promise<Safetensors> {
  return parseSafetensors(await readWholeFile(path), path, "share");
}
