/** Writing files that `torch.load` reads. */
import { crc32 } from "node:zlib";
import { checkText } from "../../arguments/check.ts";
import { writeFileAtomic } from "../../files/index.ts";
import type { TensorData, TensorDType } from "../../tensor-data.ts";
import { pickle, type WriteTensor } from "../pickle/pickle.ts";
import { PythonName } from "../pickle/values.ts";
import { bytesOf, tensorProblem } from "../tensor-bytes.ts";

const storageNames: Readonly<Record<TensorDType, string>> = {
  float32: "FloatStorage",
  float64: "DoubleStorage",
  int64: "LongStorage",
  int32: "IntStorage",
  int16: "ShortStorage",
  int8: "CharStorage",
  uint8: "ByteStorage",
  bool: "BoolStorage",
};

/** torch maps its files into memory; so aligned, vector instructions read them at full speed. */
const alignment = 64;

/** Pickles a value and collects its storages: one for each memory, so that tensors that share one share it when loaded. */
function pickleTensors(value: unknown): { data: Uint8Array; storages: Uint8Array[] } {
  const storages: Uint8Array[] = [];
  const keys = new Map<ArrayBufferLike, Map<string, number>>();
  const writeTensor: WriteTensor = (tensor, writer) => {
    const { dtype, shape, data } = tensor;
    const problem = tensorProblem(tensor);
    if (problem !== null) {
      throw new TypeError(`A tensor ${problem}.`);
    }
    const place = `${dtype} ${data.byteOffset} ${data.byteLength}`;
    const inBuffer = keys.get(data.buffer) ?? new Map<string, number>();
    keys.set(data.buffer, inBuffer);
    let key = inBuffer.get(place);
    if (key === undefined) {
      key = storages.push(bytesOf(data)) - 1;
      inBuffer.set(place, key);
    }
    writer.global("torch._utils", "_rebuild_tensor_v2");
    writer.op(0x28);
    writer.tuple(["storage", new PythonName("torch", storageNames[dtype]), String(key), "cpu", data.length]);
    writer.op(0x51);
    writer.value(0);
    writer.tuple(shape);
    writer.tuple(contiguousStrides(shape));
    writer.value(false);
    writer.global("collections", "OrderedDict");
    writer.op(0x29, 0x52, 0x74, 0x52);
  };
  return { data: pickle(value, writeTensor), storages };
}

function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= Math.max(1, shape[i] ?? 1);
  }
  return strides;
}

/** A zip archive of uncompressed entries, their contents aligned; in pieces. */
function archive(entries: readonly (readonly [name: string, content: Uint8Array])[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  const add = (piece: Uint8Array) => {
    pieces.push(piece);
    offset += piece.length;
  };
  for (const [path, content] of entries) {
    const name = Buffer.from(path);
    const start = offset;
    // The padding is an extra field as torch writes it: the letters FB, a length, as many Z.
    const unpadded = start + 30 + name.length + 4;
    const padding = (alignment - (unpadded % alignment)) % alignment;
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(0x0800, 2);
    facts.writeUInt32LE(crc32(content), 10);
    facts.writeUInt32LE(content.length, 14);
    facts.writeUInt32LE(content.length, 18);
    facts.writeUInt16LE(name.length, 22);
    const local = Buffer.alloc(30 + name.length + 4 + padding, "Z");
    local.writeUInt32LE(0x04034b50, 0);
    facts.copy(local, 4);
    local.writeUInt16LE(4 + padding, 28);
    name.copy(local, 30);
    local.write("FB", 30 + name.length);
    local.writeUInt16LE(padding, 32 + name.length);
    add(local);
    add(content);
    const record = Buffer.alloc(46 + name.length);
    record.writeUInt32LE(0x02014b50, 0);
    facts.copy(record, 6);
    record.writeUInt32LE(start, 42);
    name.copy(record, 46);
    directory.push(record);
  }
  const start = offset;
  for (const record of directory) {
    add(record);
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(offset - start, 12);
  end.writeUInt32LE(start, 16);
  add(end);
  // 32-bit places and 16-bit counts, without the archive's 64-bit extensions.
  if (entries.length > 0xfffe || offset > 0xfffffffe) {
    throw new RangeError(`The checkpoint is too large for a file of torch: ${entries.length} parts, ${offset} bytes.`);
  }
  return pieces;
}

function piecesOf(value: unknown): Uint8Array[] {
  const { data, storages } = pickleTensors(value);
  return archive([
    ["archive/data.pkl", data],
    ["archive/byteorder", Buffer.from("little")],
    ...storages.map((bytes, key): [string, Uint8Array] => [`archive/data/${key}`, bytes]),
    ["archive/version", Buffer.from("3\n")],
  ]);
}

/**
 * A value as the bytes of a file that `torch.load` reads, also with `weights_only=True` where the value has no bytes in it.
 *
 * null, booleans, numbers (whole ones become int), bigints, strings, `Uint8Array` (bytes), arrays (lists; frozen ones
 * tuples), Maps and plain objects (dicts) and {@link TensorData} can be written. The same value always gives the same bytes.
 *
 * @throws TypeError naming the place of a value that cannot be written
 */
export function encodeTorch(value: unknown): Uint8Array {
  return Buffer.concat(piecesOf(value));
}

/**
 * Writes a file that `torch.load` reads. It appears under its name only when it is whole.
 *
 * @throws TypeError naming the place of a value that cannot be written, or the file system's error
 */
export async function saveTorch(path: string, value: unknown): Promise<void> {
  checkText("saveTorch", "path", path, "the path of a file");
  await writeFileAtomic(path, piecesOf(value));
}
