/** What the tests of files that are made to do harm share: how such files are written, and how they must be refused. */
import { crc32, deflateRawSync } from "node:zlib";
import { CheckpointError } from "../../lib/convbook/checkpoints/error.ts";
import { parseTorch } from "../../lib/convbook/checkpoints/torch/load.ts";

export const bytes = (...parts: (string | number | Uint8Array)[]): Buffer =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === "string" ? Buffer.from(part, "latin1") : typeof part === "number" ? Buffer.of(part) : part,
    ),
  );

export const u32 = (n: number) => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(n);
  return buffer;
};
export const u64 = (n: bigint) => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(n);
  return buffer;
};
export const text = (value: string) => bytes("X", u32(Buffer.byteLength(value)), Buffer.from(value));
export const int = (value: number | bigint) => bytes("\x8a\x08", u64(BigInt.asUintN(64, BigInt(value))));
export const tuple = (...items: Uint8Array[]) => bytes("(", ...items, "t");
export const floatStorage = (key: string, elements: Uint8Array) =>
  bytes(tuple(text("storage"), bytes("ctorch\nFloatStorage\n"), text(key), text("cpu"), elements), "Q");
export const tensor = (storage: Uint8Array, offset: Uint8Array, size: Uint8Array, stride: Uint8Array) =>
  bytes("ctorch._utils\n_rebuild_tensor_v2\n(", storage, offset, size, stride, "\x89N", "tR");

export const one = int(1);

interface Lies {
  method?: number;
  crc?: number;
  localName?: string;
  gap?: number;
  flags?: number;
  /** Of what it inflates to. */
  size?: number;
}

/** A zip archive, with what its directory says of the entries where that is not true. */
export function zip(entries: readonly (readonly [string, Uint8Array, Lies?])[], count = entries.length): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content, lies = {}] of entries) {
    const { method = 0, crc = crc32(content), localName = name, gap = 0, flags = 0, size = content.length } = lies;
    const facts = Buffer.alloc(22);
    facts.writeUInt16LE(flags, 0);
    facts.writeUInt16LE(method, 2);
    facts.writeUInt32LE(crc, 8);
    facts.writeUInt32LE(content.length, 12);
    facts.writeUInt32LE(size, 16);
    const names = (n: string) => bytes(n.length & 255, n.length >> 8, 0, 0);
    const local = bytes(
      "PK\x03\x04\0\0",
      facts.subarray(0, 20),
      names(localName),
      localName,
      content,
      Buffer.alloc(gap),
    );
    directory.push(
      bytes("PK\x01\x02\0\0\0\0", facts.subarray(0, 20), names(name), Buffer.alloc(10), u32(offset), name),
    );
    parts.push(local);
    offset += local.length;
  }
  const records = Buffer.concat(directory);
  const end = bytes("PK\x05\x06\0\0\0\0", count, 0, count, 0, u32(records.length), u32(offset), "\0\0");
  return bytes(...parts, records, end);
}

/** An archive of a pickle that is deflated, with a size, checksum or end that may be wrong. */
export function deflatedZip(lies: { content?: Buffer; size?: number; crc?: number; tail?: number } = {}): Buffer {
  const { content = bytes("\x80\x02}."), size = content.length, crc = crc32(content), tail = 0 } = lies;
  const packed = bytes(deflateRawSync(content), Buffer.alloc(tail));
  return zip([["a/data.pkl", packed, { method: 8, size, crc }]]);
}

/** A pickle's instructions as a file of each container; `storages` as raw bytes by key. */
export function zipFile(body: Uint8Array, storages: Record<string, Uint8Array> = {}): Buffer {
  const data = Object.entries(storages).map(([key, content]): [string, Uint8Array] => [`a/data/${key}`, content]);
  return zip([["a/data.pkl", bytes("\x80\x02", body, ".")], ...data, ["a/version", bytes("3\n")]]);
}

/** The file of PyTorch before 1.6: a row of pickles, and raw bytes behind them. */
export function legacyFile(
  body: Uint8Array,
  keys: Uint8Array = bytes("]"),
  tail: Uint8Array = Buffer.alloc(0),
): Buffer {
  const magic = bytes("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
  const machine = bytes("\x80\x02}", text("protocol_version"), "M\xe9\x03s", text("little_endian"), "\x88s.");
  return bytes(magic, "\x80\x02M\xe9\x03.", machine, "\x80\x02", body, ".", "\x80\x02", keys, ".", tail);
}

/** The error with which a file is refused. */
export function refusal(file: Uint8Array): CheckpointError {
  try {
    parseTorch(file, { file: "hostile.ckpt" });
  } catch (error) {
    if (error instanceof CheckpointError) {
      return error;
    }
    throw error;
  }
  throw new Error("it was not refused");
}

const prototypes = [Object.prototype, Array.prototype, Map.prototype, Set.prototype, Function.prototype];
/** The members of what belongs to everybody, as they are now. */
export const shared = () => prototypes.map((prototype) => new Set(Reflect.ownKeys(prototype)));

/** The arguments of a call that would do harm. */
export const system = tuple(text("echo harm"));

/** NumPy's type of doubles. */
export const f8 = bytes(
  "cnumpy\ndtype\n",
  tuple(text("f8"), bytes("\x89"), bytes("\x88")),
  "R",
  tuple(int(3), text("<"), bytes("N"), bytes("N"), bytes("N"), int(-1), int(-1), int(0)),
  "b",
);
