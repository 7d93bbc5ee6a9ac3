/** Files made to do harm: each is refused with the typed error, in little time, or gives harmless data. */
import { crc32, deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { CheckpointError, type CheckpointReason } from "../error.ts";
import { parseTorch } from "./load.ts";

const bytes = (...parts: (string | number | Uint8Array)[]): Buffer =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === "string" ? Buffer.from(part, "latin1") : typeof part === "number" ? Buffer.of(part) : part,
    ),
  );

const u32 = (n: number) => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(n);
  return buffer;
};
const u64 = (n: bigint) => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(n);
  return buffer;
};
const text = (value: string) => bytes("X", u32(Buffer.byteLength(value)), Buffer.from(value));
const int = (value: number | bigint) => bytes("\x8a\x08", u64(BigInt.asUintN(64, BigInt(value))));
const tuple = (...items: Uint8Array[]) => bytes("(", ...items, "t");
const floatStorage = (key: string, elements: Uint8Array) =>
  bytes(tuple(text("storage"), bytes("ctorch\nFloatStorage\n"), text(key), text("cpu"), elements), "Q");
const tensor = (storage: Uint8Array, offset: Uint8Array, size: Uint8Array, stride: Uint8Array) =>
  bytes("ctorch._utils\n_rebuild_tensor_v2\n(", storage, offset, size, stride, "\x89N", "tR");

const one = int(1);

interface Lies {
  method?: number;
  crc?: number;
  localName?: string;
  gap?: number;
  flags?: number;
  /** Of what it inflates to. */
  size?: number;
}

function zip(entries: readonly (readonly [string, Uint8Array, Lies?])[], count = entries.length): Buffer {
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
function deflatedZip(lies: { content?: Buffer; size?: number; crc?: number; tail?: number } = {}): Buffer {
  const { content = bytes("\x80\x02}."), size = content.length, crc = crc32(content), tail = 0 } = lies;
  const packed = bytes(deflateRawSync(content), Buffer.alloc(tail));
  return zip([["a/data.pkl", packed, { method: 8, size, crc }]]);
}

/** A pickle's instructions as a file of each container; `storages` as raw bytes by key. */
function zipFile(body: Uint8Array, storages: Record<string, Uint8Array> = {}): Buffer {
  const data = Object.entries(storages).map(([key, content]): [string, Uint8Array] => [`a/data/${key}`, content]);
  return zip([["a/data.pkl", bytes("\x80\x02", body, ".")], ...data, ["a/version", bytes("3\n")]]);
}

function legacyFile(body: Uint8Array, keys: Uint8Array = bytes("]"), tail: Uint8Array = Buffer.alloc(0)): Buffer {
  const magic = bytes("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
  const machine = bytes("\x80\x02}", text("protocol_version"), "M\xe9\x03s", text("little_endian"), "\x88s.");
  return bytes(magic, "\x80\x02M\xe9\x03.", machine, "\x80\x02", body, ".", "\x80\x02", keys, ".", tail);
}

function refusal(file: Uint8Array): CheckpointError {
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
const before = prototypes.map((prototype) => Reflect.ownKeys(prototype));
const untouched = () => expect(prototypes.map((prototype) => Reflect.ownKeys(prototype))).toEqual(before);

type Case = [name: string, body: Uint8Array, reason: CheckpointReason, message: RegExp];

const system = tuple(text("echo harm"));
const calls: Case[] = [
  ["GLOBAL and REDUCE", bytes("cos\nsystem\n", system, "R"), "forbidden", /refers to "os\.system"/],
  ["GLOBAL of posix", bytes("cposix\nsystem\n", system, "R"), "forbidden", /"posix\.system"/],
  ["GLOBAL of nt", bytes("cnt\nsystem\n", system, "R"), "forbidden", /"nt\.system"/],
  ["eval", bytes("c__builtin__\neval\n", system, "R"), "forbidden", /"__builtin__\.eval"/],
  ["getattr", bytes("cbuiltins\ngetattr\n", system, "R"), "forbidden", /"builtins\.getattr"/],
  ["a nested name", bytes("\x8c\x05torch\x8c\x09os.system\x93", system, "R"), "forbidden", /"torch\.os\.system"/],
  ["torch's own loader", bytes("ctorch\nload\n", system, "R"), "forbidden", /"torch\.load"/],
  ["torch.hub", bytes("ctorch.hub\nload\n", system, "R"), "forbidden", /"torch\.hub\.load"/],
  ["STACK_GLOBAL", bytes("\x8c\x02os\x8c\x06system\x93", system, "R"), "forbidden", /"os\.system"/],
  ["STACK_GLOBAL of numbers", bytes("K\x01K\x02\x93"), "malformed", /not a pair of strings/],
  ["INST", bytes("(", text("echo harm"), "ios\nsystem\n"), "forbidden", /instruction INST/],
  ["OBJ", bytes("(cos\nsystem\n", text("echo harm"), "o"), "forbidden", /"os\.system"/],
  ["OBJ of an allowed name", bytes("(ccollections\nOrderedDict\no"), "forbidden", /instruction OBJ/],
  ["NEWOBJ", bytes("cos\nsystem\n", system, "\x81"), "forbidden", /"os\.system"/],
  ["NEWOBJ_EX", bytes("ccollections\nOrderedDict\n)}\x92"), "forbidden", /instruction NEWOBJ_EX/],
  ["EXT1", bytes("\x82\x01"), "forbidden", /instruction EXT1/],
  ["PERSID", bytes("Pos.system\n"), "forbidden", /instruction PERSID/],
  ["DUP", bytes("}2"), "forbidden", /instruction DUP/],
  ["REDUCE of text", bytes(text("os.system"), system, "R"), "forbidden", /not a name/],
  ["REDUCE without a tuple", bytes("ccollections\nOrderedDict\n]R"), "malformed", /not a tuple/],
  ["OrderedDict of a number", bytes("ccollections\nOrderedDict\n", tuple(int(5)), "R"), "forbidden", /no need of/],
  ["a storage called", bytes("ctorch\nFloatStorage\n", tuple(int(2 ** 40)), "R"), "forbidden", /no need of/],
  ["a callback called", bytes("cpytorch_lightning.callbacks.timer\nTimer\n)R"), "forbidden", /no need of/],
  ["a factory called", bytes("c__builtin__\nlist\n)R"), "forbidden", /no need of/],
  ["BUILD on a dict", bytes("}}b"), "forbidden", /BUILD is applied to something that has no attributes/],
  ["BUILD on a list", bytes("]}b"), "forbidden", /BUILD/],
  ["BUILD on a name", bytes("ctorch\nSize\n}b"), "forbidden", /BUILD/],
  [
    "BUILD with a tuple of slots",
    bytes("cargparse\nNamespace\n)\x81", tuple(bytes("N"), bytes("}")), "b"),
    "forbidden",
    /not a dict/,
  ],
  // CVE-2026-24747: SETITEM and SETITEMS on what is no dict.
  ["SETITEM on a list", bytes("]K\x00K\x01s"), "forbidden", /SETITEM is applied to something that is not a dict/],
  ["SETITEMS on a list", bytes("](K\x00K\x01u"), "forbidden", /SETITEMS/],
  [
    "SETITEM on a tensor",
    bytes(tensor(floatStorage("0", int(1)), int(0), tuple(int(1)), tuple(int(1))), "K\x00K\x01s"),
    "forbidden",
    /SETITEM/,
  ],
  [
    "BUILD on a tensor",
    bytes(tensor(floatStorage("0", int(1)), int(0), tuple(int(1)), tuple(int(1))), "}b"),
    "forbidden",
    /BUILD/,
  ],
  ["APPEND on a tuple", bytes(")K\x01a"), "forbidden", /APPEND/],
  [
    "APPEND on a tensor",
    bytes(tensor(floatStorage("0", int(1)), int(0), tuple(int(1)), tuple(int(1))), "K\x01a"),
    "forbidden",
    /APPEND/,
  ],
  ["ADDITEMS on a dict", bytes("}(K\x01\x90"), "forbidden", /ADDITEMS/],
];

/** NumPy's dtype of float64, its array and its scalar. */
const f8 = bytes(
  "cnumpy\ndtype\n",
  tuple(text("f8"), bytes("\x89"), bytes("\x88")),
  "R",
  tuple(int(3), text("<"), bytes("N"), bytes("N"), bytes("N"), int(-1), int(-1), int(0)),
  "b",
);
const raw = (n: number) => bytes("C", n, Buffer.alloc(n));
const ndarray = bytes(
  "cnumpy.core.multiarray\n_reconstruct\n",
  tuple(bytes("cnumpy\nndarray\n"), tuple(int(0)), raw(1)),
  "R",
);
const built = (...state: Uint8Array[]) => bytes(ndarray, tuple(...state), "b");
const numpy: Case[] = [
  [
    "an array larger than its bytes",
    built(int(1), tuple(int(2)), f8, bytes("\x89"), raw(8)),
    "malformed",
    /has 8 bytes/,
  ],
  [
    "an array of 2^60",
    built(int(1), tuple(int(2 ** 40), int(2 ** 20)), f8, bytes("\x89"), raw(8)),
    "malformed",
    /8 bytes/,
  ],
  ["an array of negative size", built(int(1), tuple(int(-1)), f8, bytes("\x89"), raw(8)), "malformed", /not made from/],
  ["an array without a dtype", built(int(1), tuple(one), text("f8"), bytes("\x89"), raw(8)), "malformed", /no dtype/],
  [
    "an array made twice",
    bytes(
      built(int(1), tuple(one), f8, bytes("\x89"), raw(8)),
      tuple(int(1), tuple(one), f8, bytes("\x89"), raw(8)),
      "b",
    ),
    "malformed",
    /not made once/,
  ],
  ["an array's subclass", bytes("cnumpy\nmatrix\n"), "forbidden", /"numpy\.matrix"/],
  ["an array's state as a dict", bytes(ndarray, "}b"), "malformed", /not made once/],
  [
    "a scalar of another size",
    bytes("cnumpy.core.multiarray\nscalar\n", tuple(f8, raw(4)), "R"),
    "malformed",
    /has 4 bytes/,
  ],
  ["a type of numbers called", bytes("cnumpy\nfloat64\n", tuple(one), "R"), "forbidden", /no need of/],
  ["a dtype called", bytes(f8, tuple(one), "R"), "forbidden", /no need of/],
  ["numpy's loader", bytes("cnumpy\nload\n", tuple(text("x")), "R"), "forbidden", /"numpy\.load"/],
  [
    "getattr of a module",
    bytes("cbuiltins\ngetattr\n", tuple(text("os"), text("system")), "R"),
    "forbidden",
    /getattr/,
  ],
  [
    "getattr of a class for anything else",
    bytes("cbuiltins\ngetattr\n", tuple(bytes("ctorch.optim.lr_scheduler\nLRScheduler\n"), text("__init__")), "R"),
    "forbidden",
    /getattr/,
  ],
  ["a path of a number", bytes("cpathlib\nPosixPath\n", tuple(one), "R"), "forbidden", /no need of/],
  ["a date of a number", bytes("cdatetime\ndate\n", tuple(one), "R"), "forbidden", /no need of/],
  ["type with a name", bytes("cbuiltins\ntype\n", tuple(text("x")), "R"), "forbidden", /no need of/],
];

const malformed: Case[] = [
  ["an unknown instruction", bytes("\xff"), "malformed", /byte 0xff is not an instruction/],
  ["a second PROTO", bytes("\x80\x02N"), "malformed", /declared twice/],
  ["nothing on the stack", bytes(""), "malformed", /ends with 0 values/],
  ["two values", bytes("NN"), "malformed", /ends with 2 values/],
  ["an open mark", bytes("N("), "malformed", /ends with 1 values/],
  ["no mark", bytes("t"), "malformed", /mark that it did not set/],
  ["popping below a mark", bytes("N(a"), "malformed", /takes more values/],
  ["tuple of nothing", bytes("\x87"), "malformed", /takes more values/],
  ["an unknown memo", bytes("h\x07"), "malformed", /recalls value 7/],
  ["a memo far off", bytes("Nr\xff\xff\xff\xff"), "limit", /remembers value 4294967295/],
  ["a key without value", bytes("}(K\x01u"), "malformed", /without a value/],
  ["a list as key", bytes("}]K\x01s"), "unsupported", /something that can change/],
  ["a dict as key", bytes("}}K\x01s"), "unsupported", /something that can change/],
  ["text that is not UTF-8", bytes("X\x01\0\0\0\xff"), "malformed", /UTF-8/],
  ["text of 4 GB", bytes("X\xff\xff\xff\xff"), "truncated", /4294967295 bytes expected/],
  ["text of 2^63 bytes", bytes("\x8d", u64(2n ** 63n)), "malformed", /larger than any file/],
  ["bytes of 2^40", bytes("\x8e", u64(2n ** 40n)), "truncated", /bytes object/],
  ["LONG4 of 2 GB", bytes("\x8b\xff\xff\xff\x7f"), "limit", /integer of 2147483647 bytes/],
  ["LONG4 of a negative length", bytes("\x8b\xff\xff\xff\xff"), "limit", /integer of 4294967295/],
  ["a frame of 2^50 bytes", bytes("\x95", u64(2n ** 50n), "N"), "truncated", /frame of 1125899906842624/],
  ["a name without end", bytes("c", "x".repeat(300)), "limit", /name of more than 256 bytes/],
  ["a list that contains itself", bytes("]q\x00h\x00a"), "limit", /contains itself/],
  ["a dict that contains itself", bytes("}q\x00", text("a"), "h\x00s"), "limit", /contains itself/],
  ["a cycle through a tuple", bytes("]q\x00(h\x00ta"), "limit", /contains itself/],
  ["great depth", bytes("]".repeat(300), "a".repeat(299)), "limit", /more than 256 deep/],
  [
    "great depth of shared values",
    bytes("]".repeat(200), "a".repeat(199), "q\x000", "]".repeat(100), "h\x00", "a".repeat(100)),
    "limit",
    /256 deep/,
  ],
];

const storages: Case[] = [
  ["more elements than the file has", floatStorage("0", int(2 ** 40)), "truncated", /1099511627776 elements/],
  ["a negative number of elements", floatStorage("0", int(-1)), "malformed", /not declared by/],
  ["2^63 elements", floatStorage("0", int(2n ** 63n - 1n)), "malformed", /not declared by/],
  ["a fraction of an element", floatStorage("0", bytes("G?\xe0\0\0\0\0\0\0")), "malformed", /not declared by/],
  [
    "a key that is a number",
    bytes(tuple(text("storage"), bytes("ctorch\nFloatStorage\n"), int(0), text("cpu"), one), "Q"),
    "malformed",
    /not declared by/,
  ],
  [
    "a class that is no storage",
    bytes(tuple(text("storage"), bytes("ctorch\nSize\n"), text("0"), text("cpu"), one), "Q"),
    "malformed",
    /no class of storages/,
  ],
  [
    "a storage of complex numbers",
    bytes("ctorch\nComplexFloatStorage\n"),
    "unsupported",
    /"torch\.ComplexFloatStorage": a tensor of complex numbers/,
  ],
  [
    "a persistent id that is a module",
    bytes(tuple(text("module"), text("os"), text("system")), "Q"),
    "forbidden",
    /stands for "module"/,
  ],
  ["a persistent id that is text", bytes(text("0"), "Q"), "malformed", /not a tuple/],
  [
    "one key as two types",
    bytes(
      tuple(
        floatStorage("0", one),
        bytes(tuple(text("storage"), bytes("ctorch\nIntStorage\n"), text("0"), text("cpu"), one), "Q"),
      ),
    ),
    "malformed",
    /twice in different ways/,
  ],
  [
    "one key with two sizes",
    tuple(floatStorage("0", one), floatStorage("0", int(2))),
    "malformed",
    /twice in different ways/,
  ],
  [
    "a view beyond its storage",
    bytes(
      tuple(text("storage"), bytes("ctorch\nFloatStorage\n"), text("0"), text("cpu"), one, tuple(text("v"), one, one)),
      "Q",
    ),
    "malformed",
    /does not lie within it/,
  ],
  [
    "a size beyond the storage",
    tensor(floatStorage("0", one), int(0), tuple(int(2)), tuple(int(1))),
    "malformed",
    /reaches past the 1 elements/,
  ],
  [
    "an offset beyond the storage",
    tensor(floatStorage("0", one), int(1), tuple(one), tuple(one)),
    "malformed",
    /reaches past/,
  ],
  [
    "a stride beyond the storage",
    tensor(floatStorage("0", one), int(0), tuple(int(2), one), tuple(int(2 ** 50), one)),
    "malformed",
    /reaches past/,
  ],
  [
    "a negative offset",
    tensor(floatStorage("0", one), int(-1), tuple(one), tuple(one)),
    "malformed",
    /no valid offset/,
  ],
  [
    "a negative stride",
    tensor(floatStorage("0", one), int(0), tuple(one), tuple(int(-1))),
    "malformed",
    /size or stride/,
  ],
  [
    "a negative size",
    tensor(floatStorage("0", one), int(0), tuple(int(-1)), tuple(one)),
    "malformed",
    /size or stride/,
  ],
  [
    "sizes whose product overflows",
    tensor(floatStorage("0", one), int(0), tuple(...Array(8).fill(int(2 ** 52))), tuple(...Array(8).fill(int(0)))),
    "limit",
    /more memory than the file can justify/,
  ],
  [
    "one element expanded to 2^40",
    tensor(floatStorage("0", one), int(0), tuple(int(2 ** 40)), tuple(int(0))),
    "limit",
    /more memory/,
  ],
  [
    "sizes and strides of different length",
    tensor(floatStorage("0", one), int(0), tuple(one, one), tuple(one)),
    "malformed",
    /one length/,
  ],
  [
    "65 dimensions",
    tensor(floatStorage("0", one), int(0), tuple(...Array(65).fill(one)), tuple(...Array(65).fill(one))),
    "limit",
    /65 dimensions/,
  ],
  [
    "a tensor of no storage",
    tensor(bytes("N"), int(0), tuple(one), tuple(one)),
    "malformed",
    /not made from a storage/,
  ],
  [
    "a tensor with hooks",
    bytes(
      "ctorch._utils\n_rebuild_tensor_v2\n(",
      floatStorage("0", one),
      int(0),
      tuple(one),
      tuple(one),
      "\x89}",
      text("x"),
      "Ns",
      "tR",
    ),
    "malformed",
    /no hooks/,
  ],
  [
    "a parameter of no tensor",
    bytes("ctorch._utils\n_rebuild_parameter\n", tuple(bytes("}"), bytes("\x88"), bytes("N")), "R"),
    "malformed",
    /parameter is not made from a tensor/,
  ],
];

describe.each([
  ["zip", zipFile],
  ["legacy", legacyFile],
] as const)("in the %s container", (_container, file) => {
  it.each([...calls, ...numpy, ...malformed, ...storages])("%s is refused", (_name, body, reason, message) => {
    const error = refusal(file(body));
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ reason, file: "hostile.ckpt" });
    expect(error.offset).toBeGreaterThanOrEqual(0);
    untouched();
  });

  it("keys that mean something in JavaScript are only keys", () => {
    const names = ["__proto__", "constructor", "prototype", "toString", "__defineGetter__"];
    const body = bytes(
      "}(",
      ...names.flatMap((name) => [text(name), bytes("}"), text("polluted"), bytes("\x88s")]),
      "u",
    );
    const value = parseTorch(file(body)) as Map<string, unknown>;
    expect([...value.keys()]).toEqual(names);
    untouched();
    expect("polluted" in {}).toBe(false);
  });

  it("attributes with such names are only entries", () => {
    const body = bytes("cargparse\nNamespace\n)\x81}", text("__proto__"), "}", text("polluted"), "\x88ssb");
    expect([...(parseTorch(file(body)) as Map<string, unknown>).keys()]).toEqual(["__proto__"]);
    untouched();
  });
});

describe("a few megabytes made to waste time or memory", () => {
  const many = (part: Uint8Array, size = 1 << 20) => {
    const whole = Buffer.alloc(Math.floor(size / part.length) * part.length);
    for (let i = 0; i < whole.length; i += part.length) {
      whole.set(part, i);
    }
    return whole;
  };
  const half = 1 << 19;
  const list = bytes("](", many(bytes("K\x01"), half), "eq\x00");
  /** V8 hashes small integers without a seed; these agree in the lower 14 bits of its hash. */
  const colliding = (() => {
    const hash = (n: number) => {
      let h = (~n + (n << 15)) | 0;
      h ^= h >>> 12;
      h = (h + (h << 2)) | 0;
      h ^= h >>> 4;
      h = Math.imul(h, 2057);
      return (h ^ (h >>> 16)) & 0x3fff;
    };
    const found: Buffer[] = [];
    for (let n = 1 << 24; found.length < 17_000; n++) {
      if (hash(n) === 0) {
        found.push(bytes("J", u32(n), "N"));
      }
    }
    return bytes("}(", ...found, "u");
  })();
  const laughs = (() => {
    const parts = [bytes("]q\x00")];
    for (let i = 0; i < 40; i++) {
      parts.push(bytes("](", ...Array(10).fill(bytes("h", i)), "eq", i + 1));
    }
    return bytes("(", ...parts, "t");
  })();
  const expanded = bytes(
    floatStorage("0", one),
    "q\x00(",
    many(bytes("ctorch._utils\n_rebuild_tensor_v2\n(h\x00K\x00J\0\0\0\x01\x85K\x00\x85\x89NtR"), half),
    "t",
  );

  const cases: [string, Uint8Array, RegExp | null][] = [
    ["lists in lists", bytes(many(bytes("]"), half), many(bytes("a"), half - 1)), /256 deep/],
    ["marks", many(bytes("(")), /ends with 0 values/],
    ["marks popped", bytes(many(bytes("(1")), "N"), null],
    ["values popped", bytes(many(bytes("N0")), "N"), null],
    [
      "a large list made a set again and again",
      bytes(list, "0(", many(bytes("c__builtin__\nset\nh\x00\x85R"), half), "t"),
      /again and again/,
    ],
    [
      "a large list made a torch.Size again and again",
      bytes(list, "0(", many(bytes("ctorch\nSize\nh\x00\x85R"), half), "t"),
      /at most 64/,
    ],
    [
      "a large size for many tensors",
      bytes(
        "(",
        many(bytes("K\x01"), half),
        "tq\x000",
        floatStorage("0", one),
        "q\x01(",
        many(bytes("ctorch._utils\n_rebuild_tensor_v2\n(h\x01K\x00h\x00h\x00\x89NtR"), half),
        "t",
      ),
      /dimensions/,
    ],
    [
      "a large text made bytes again and again",
      bytes(
        text("x".repeat(half)),
        "q\x000",
        text("latin1"),
        "q\x010(",
        many(bytes("c_codecs\nencode\nh\x00h\x01\x86R"), half),
        "t",
      ),
      /again and again/,
    ],
    [
      "a large state built again and again",
      bytes(
        "}(",
        ...Array.from({ length: 5000 }, (_, i) => bytes(text(`key ${i}`), "K\x01")),
        "uq\x000cargparse\nNamespace\n)\x81",
        many(bytes("h\x00b"), half),
      ),
      /again and again/,
    ],
    ["integer keys that collide", colliding, /more than 16384 keys that are unusual numbers/],
    ["shared lists that unfold to 10^40 values", laughs, /unfold into more/],
    ["an expanded tensor again and again", expanded, /more memory/],
    ["an integer of a megabyte", bytes("\x8b", u32(1 << 20), Buffer.alloc(1 << 20, 1)), /integer of 1048576 bytes/],
    ["names", bytes("(", many(bytes("ctorch\nSize\n")), "t"), null],
    [
      "empty dicts",
      bytes("(", many(bytes("}"), 1 << 21), "t"),
      /more than 1048576 dicts and sets; the option maxContainers, now 4194304, allows one for every 4/,
    ],
    [
      "empty lists",
      bytes("(", many(bytes("]"), 5 << 20), "t"),
      /more than 4194304 lists, dicts and sets; the option maxContainers allows more/,
    ],
    [
      "bytes made an array again and again",
      bytes(
        f8,
        "q\x000",
        bytes("B", u32(half), Buffer.alloc(half)),
        "q\x010",
        tuple(int(half / 16), int(2)),
        "q\x020",
        text("F"),
        "q\x030(",
        many(bytes("cnumpy.core.numeric\n_frombuffer\n(h\x01h\x00h\x02h\x03tR"), half),
        "t",
      ),
      /again and again/,
    ],
    ["memo entries", bytes("N", Buffer.concat(Array.from({ length: 1 << 17 }, (_, i) => bytes("r", u32(i))))), null],
  ];

  it.each(cases)("%s", (_name, body, message) => {
    // What grows with the square of the size would take minutes.
    const file = zipFile(body, body === expanded ? { 0: Buffer.alloc(4) } : {});
    if (message === null) {
      expect(() => parseTorch(file)).not.toThrow();
    } else {
      expect(refusal(file).message).toMatch(message);
    }
  });
});

describe("a zip archive that contradicts itself", () => {
  const data = bytes("\x80\x02}.");
  const good = zipFile(bytes("}"));
  const tensorBody = tensor(floatStorage("0", one), int(0), tuple(one), tuple(one));

  it("is read when all its checksums are left out, as torch can", () => {
    const none = { crc: 0 };
    const file = zip([
      ["a/data.pkl", data, none],
      ["a/version", bytes("3\n"), none],
    ]);
    expect(parseTorch(file)).toEqual(new Map());
  });

  it("is read when a program has deflated it", () => {
    expect(parseTorch(deflatedZip())).toEqual(new Map());
    const zeros = Buffer.alloc(80 << 20);
    const numbers = tensor(floatStorage("0", int(zeros.length / 4)), int(0), tuple(int(zeros.length / 4)), tuple(one));
    const large = zip([
      ["a/data.pkl", bytes("\x80\x02", numbers, ".")],
      ["a/data/0", deflateRawSync(zeros), { method: 8, size: zeros.length, crc: crc32(zeros) }],
    ]);
    expect(parseTorch(large, { maxCopiedBytes: zeros.length })).toMatchObject({ shape: [zeros.length / 4] });
  });

  it("is read when it does not", () => {
    expect(parseTorch(good)).toEqual(new Map());
    expect(parseTorch(zipFile(tensorBody, { 0: Buffer.alloc(4) }))).toMatchObject({ shape: [1] });
  });

  const cases: [string, Uint8Array, RegExp][] = [
    [
      "an entry twice",
      zip([
        ["a/data.pkl", data],
        ["a/data.pkl", data],
      ]),
      /entry "a\/data\.pkl" occurs twice/,
    ],
    [
      "an entry of another method",
      zip([["a/data.pkl", data, { method: 14 }]]),
      /"a\/data\.pkl" is compressed by method 14/,
    ],
    ["an entry that is not deflated", zip([["a/data.pkl", data, { method: 8 }]]), /is damaged$/],
    ["a deflated entry of fewer bytes", deflatedZip({ size: data.length + 1 }), /is damaged$/],
    ["a deflated entry of more bytes", deflatedZip({ size: data.length - 1 }), /is damaged$/],
    ["bytes behind a deflated entry", deflatedZip({ tail: 1 }), /is damaged$/],
    ["a deflated entry with a wrong checksum", deflatedZip({ crc: 1 }), /is damaged \(CRC-32\)/],
    [
      "a bomb",
      deflatedZip({ content: Buffer.alloc(80 << 20) }),
      /take 83886080 bytes inflated; at most \d+ are read from a file of its length \(the option maxCopiedBytes allows more\)/,
    ],
    ["an encrypted entry", zip([["a/data.pkl", data, { flags: 1 }]]), /encrypted/],
    [
      "another name in the local header",
      zip([["a/data.pkl", data, { localName: "a/else.pkl" }]]),
      /contradicts the archive's directory/,
    ],
    ["a wrong checksum", zip([["a/data.pkl", data, { crc: 1 }]]), /is damaged \(CRC-32\)/],
    [
      "a checksum left out where others are not",
      zip([
        ["a/data.pkl", data, { crc: 0 }],
        ["a/version", bytes("3\n")],
      ]),
      /"a\/data\.pkl" is damaged \(CRC-32\)/,
    ],
    [
      "bytes between entries",
      zip([
        ["a/data.pkl", data, { gap: 3 }],
        ["a/version", bytes("3\n")],
      ]),
      /begins at \d+, not at/,
    ],
    ["bytes before the directory", zip([["a/data.pkl", data, { gap: 3 }]]), /belong to nothing/],
    [
      "fewer entries than there are",
      zip(
        [
          ["a/data.pkl", data],
          ["a/version", bytes("3\n")],
        ],
        1,
      ),
      /more than its entries/,
    ],
    ["more entries than there are", zip([["a/data.pkl", data]], 2), /ends within the archive's directory/],
    ["a comment", bytes(good.subarray(0, -2), "\x01\0x"), /not at the end of the file/],
    ["no data.pkl", zip([["a/version", bytes("3\n")]]), /has no data\.pkl/],
    [
      "an entry in another folder",
      zip([
        ["a/data.pkl", data],
        ["b/version", bytes("3\n")],
      ]),
      /not in the archive's folder/,
    ],
    ["an entry outside of a folder", zip([["data.pkl", data]]), /not a checkpoint of torch/],
    [
      "a path upwards",
      zip([
        ["a/data.pkl", data],
        ["a/../../x", data],
      ]),
      /none that torch writes/,
    ],
    [
      "an unknown entry",
      zip([
        ["a/data.pkl", data],
        ["a/evil.py", data],
      ]),
      /none that torch writes/,
    ],
    [
      "TorchScript",
      zip([
        ["a/constants.pkl", data],
        ["a/data.pkl", data],
      ]),
      /TorchScript program/,
    ],
    [
      "TorchScript whose code is compressed",
      zip([
        ["a/data.pkl", data],
        ["a/code/__torch__.py", data, { method: 8 }],
      ]),
      /TorchScript program/,
    ],
    [
      "a big-endian file",
      zip([
        ["a/data.pkl", data],
        ["a/byteorder", bytes("big")],
      ]),
      /byte order is "big"/,
    ],
    ["bytes after the pickle", zip([["a/data.pkl", bytes(data, "N.")]]), /2 bytes follow the pickle/],
    ["a storage that is missing", zipFile(tensorBody), /storage "0" is not in the archive/],
    // CVE-2026-24747: the declared number of elements is not the record's.
    [
      "a storage that is too short",
      zipFile(tensorBody, { 0: Buffer.alloc(3) }),
      /has 3 bytes, but was declared with 1 elements/,
    ],
    ["a storage that is too long", zipFile(tensorBody, { 0: Buffer.alloc(8) }), /has 8 bytes, but was declared/],
    ["a storage that nobody uses", zipFile(bytes("}"), { 0: Buffer.alloc(4) }), /in the archive but never used/],
  ];
  it.each(cases)("%s is refused", (_name, file, message) => {
    expect(refusal(file).message).toMatch(message);
  });

  it("64-bit records that differ are refused", () => {
    const end = good.subarray(-22);
    const start = end.readUInt32LE(16);
    const record = (entries: bigint, at: number) =>
      bytes(
        bytes("PK\x06\x06", u64(44n), "\0\0\0\0", u32(0), u32(0), u64(entries), u64(entries)),
        bytes(u64(BigInt(end.readUInt32LE(12))), u64(BigInt(start))),
        bytes("PK\x06\x07", u32(0), u64(BigInt(at)), u32(1)),
      );
    const body = good.subarray(0, -22);
    expect(parseTorch(bytes(body, record(2n, body.length), end))).toEqual(new Map());
    expect(refusal(bytes(body, record(3n, body.length), end)).message).toMatch(/contradicts the other one/);
    expect(refusal(bytes(body, record(2n, 0), end)).message).toMatch(/points elsewhere/);
  });
});

it("a tensor of before PyTorch 0.4 is read, with as many arguments as it has", () => {
  const parts = [floatStorage("0", one), int(0), tuple(one), tuple(one)];
  const old = (...more: Uint8Array[]) => bytes("ctorch._utils\n_rebuild_tensor\n", tuple(...parts, ...more), "R");
  const storages = { 0: Buffer.from(Float32Array.of(5).buffer) };
  expect(parseTorch(zipFile(old(), storages))).toMatchObject({ shape: [1], data: Float32Array.of(5) });
  expect(refusal(zipFile(old(one), storages)).message).toMatch(/not made from storage, offset, size, stride/);
});

describe("a legacy file that contradicts itself", () => {
  const body = tensor(floatStorage("0", one), int(0), tuple(one), tuple(one));
  const keys = bytes("]", text("0"), "a");
  const storage = bytes(u64(1n), "\0\0\x80?");

  it("is read when it does not", () => {
    expect(parseTorch(legacyFile(body, keys, storage))).toMatchObject({ shape: [1], data: Float32Array.of(1) });
  });

  const cases: [string, Uint8Array, RegExp][] = [
    ["a key that is not listed", legacyFile(body), /storage "0" is not in the file/],
    ["a key listed twice", legacyFile(body, bytes("](", text("0"), text("0"), "e")), /listed twice/],
    ["a key that nobody uses", legacyFile(bytes("}"), keys, storage), /never used/],
    ["keys that are no list", legacyFile(body, bytes("}")), /not a list of strings/],
    ["keys that name something", legacyFile(body, bytes("ccollections\nOrderedDict\n)R")), /not a list of strings/],
    ["keys that call something", legacyFile(body, bytes("cos\nsystem\n", system, "R")), /"os\.system"/],
    [
      "another number of elements",
      legacyFile(body, keys, bytes(u64(2n), Buffer.alloc(8))),
      /has 2 elements, but was declared with 1/,
    ],
    ["2^62 elements", legacyFile(body, keys, bytes(u64(2n ** 62n))), /larger than any file/],
    ["bytes after the storages", legacyFile(body, keys, bytes(storage, "x")), /1 bytes follow the last storage/],
    ["a big-endian machine", replaced(legacyFile(body, keys, storage), "\x88s.", "\x89s."), /big-endian/],
    [
      "another version",
      replaced(legacyFile(body, keys, storage), "\x80\x02M\xe9\x03.", "\x80\x02M\xe8\x03."),
      /version "1000"/,
    ],
    ["another magic number", replaced(legacyFile(body, keys, storage), "\x6c\xfc", "\x6c\xfd"), /magic number/],
  ];
  function replaced(file: Buffer, from: string, to: string): Buffer {
    return Buffer.from(file.toString("latin1").replace(from, to), "latin1");
  }
  it.each(cases)("%s is refused", (_name, file, message) => {
    expect(refusal(file).message).toMatch(message);
  });

  it("the tar container, which torch 2.6 closed to its safe mode (CVE-2025-32434), is refused", () => {
    const tar = Buffer.alloc(2048);
    tar.write("storages", 0);
    tar.write("ustar", 257);
    bytes("\x80\x02cos\nsystem\n", system, "R.").copy(tar, 512);
    expect(refusal(tar)).toMatchObject({ reason: "unsupported", detail: expect.stringContaining("tar format") });
  });
});
