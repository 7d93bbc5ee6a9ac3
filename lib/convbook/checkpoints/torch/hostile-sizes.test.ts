/** Files made to take time or memory: each is refused in little of both, or read. */
import { describe, expect, it } from "vitest";
import {
  bytes,
  f8,
  floatStorage,
  int,
  one,
  refusal,
  text,
  tuple,
  u32,
  zipFile,
} from "../../../../test/hostile/torch-files.ts";
import { parseTorch } from "./load.ts";

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
