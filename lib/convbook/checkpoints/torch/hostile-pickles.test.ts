/** Pickles made to do harm: each is refused with the typed error, or gives harmless data. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  bytes,
  f8,
  floatStorage,
  int,
  legacyFile,
  one,
  refusal,
  shared,
  system,
  tensor,
  text,
  tuple,
  u64,
  zipFile,
} from "../../../../test/hostile/torch-files.ts";
import type { CheckpointReason } from "../error.ts";
import { parseTorch } from "./load.ts";

let before: ReturnType<typeof shared>;
beforeEach(() => {
  before = shared();
});
// Nothing that belongs to everybody has changed.
afterEach(() => expect(shared()).toEqual(before));

type Case = [name: string, body: Uint8Array, reason: CheckpointReason, message: RegExp];

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
    expect("polluted" in {}).toBe(false);
  });

  it("attributes with such names are only entries", () => {
    const body = bytes("cargparse\nNamespace\n)\x81}", text("__proto__"), "}", text("polluted"), "\x88ssb");
    expect([...(parseTorch(file(body)) as Map<string, unknown>).keys()]).toEqual(["__proto__"]);
  });
});
