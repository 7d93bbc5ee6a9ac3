import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { StateDict, TensorData } from "../../tensor-data.ts";
import { CheckpointError, type CheckpointReason } from "../error.ts";
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from "../float16.ts";
import { bytesOf } from "../tensor-bytes.ts";
import { loadSafetensors, parseSafetensors } from "./read.ts";
import { encodeSafetensors } from "./write.ts";

const path = fileURLToPath(new URL("../fixtures/types.safetensors", import.meta.url));

function file(header: string, data: Uint8Array = Buffer.alloc(0), length?: bigint): Buffer {
  const text = Buffer.from(header);
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(length ?? BigInt(text.length));
  return Buffer.concat([head, text, data]);
}

const tensor = (dtype: string, shape: string, offsets: string) =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

describe("a safetensors file made elsewhere", async () => {
  const { tensors, metadata } = await loadSafetensors(path);

  it("gives types, shapes and elements", () => {
    expect(metadata).toEqual(
      new Map([
        ["format", "pt"],
        ["note", "é\n"],
      ]),
    );
    expect(tensors.get("float64")).toEqual({ dtype: "float64", shape: [1, 2], data: Float64Array.of(1.5, -2) });
    expect(tensors.get("int64")).toEqual({ dtype: "int64", shape: [2], data: BigInt64Array.of(2n ** 62n, -1n) });
    expect(tensors.get("int32")).toEqual({ dtype: "int32", shape: [], data: Int32Array.of(-7) });
    expect(tensors.get("int16")).toEqual({ dtype: "int16", shape: [1], data: Int16Array.of(-300) });
    expect(tensors.get("int8")).toEqual({ dtype: "int8", shape: [2], data: Int8Array.of(-3, 3) });
    expect(tensors.get("uint8")).toEqual({ dtype: "uint8", shape: [1], data: Uint8Array.of(200) });
    expect(tensors.get("bool")).toEqual({ dtype: "bool", shape: [2], data: Uint8Array.of(1, 0) });
    expect(tensors.get('ключ "☃"')).toEqual({ dtype: "uint8", shape: [0], data: new Uint8Array(0) });
  });

  it("widens 16-bit numbers as PyTorch does", () => {
    for (const type of ["float16", "bfloat16"]) {
      expect(tensors.get(type)?.data).toEqual(tensors.get(`${type} widened`)?.data);
    }
  });

  it("and numbers are narrowed as PyTorch does", () => {
    const values = tensors.get("float32")?.data as Float32Array;
    // Widening is exact and was checked, so equal after widening is equal.
    expect(float16ToFloat32(float32ToFloat16(values))).toEqual(tensors.get("float16")?.data);
    expect(bfloat16ToFloat32(float32ToBfloat16(values))).toEqual(tensors.get("bfloat16")?.data);
  });

  it("is refused when it is cut off anywhere", () => {
    const bytes = new Uint8Array(readFileSync(path));
    for (let length = 0; length < bytes.length; length += length < 4096 ? 1 : 97) {
      try {
        parseSafetensors(bytes.subarray(0, length), "x");
      } catch (error) {
        if (error instanceof CheckpointError && error.reason === "truncated") {
          continue;
        }
        throw error;
      }
      throw new Error(`cut to ${length} bytes it was read`);
    }
  });

  it("with random bytes changed never gives an untyped error", () => {
    const original = new Uint8Array(readFileSync(path));
    let state = 1;
    const random = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 8;
    };
    let refused = 0;
    for (let i = 0; i < 3000; i++) {
      const bytes = original.slice();
      bytes[random() % 1600] = random() & 255;
      try {
        parseSafetensors(bytes);
      } catch (error) {
        if (!(error instanceof CheckpointError)) {
          throw error;
        }
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });
});

describe("a safetensors file that is not valid", () => {
  const four = Buffer.alloc(4);
  const eight = Buffer.alloc(8);
  const f32 = (offsets: string, shape = "[1]") => tensor("F32", shape, offsets);
  const cases: [string, Uint8Array, CheckpointReason, string][] = [
    ["nothing", Buffer.alloc(0), "truncated", "ends within the header's length"],
    ["a header beyond the file", file("{}", four, 100n), "truncated", "ends within the header"],
    ["a header of 200 MB", file("{}", four, 200_000_000n), "limit", "at most 100000000"],
    ["a header of 2^63", file("{}", four, 2n ** 63n), "malformed", "larger than any file"],
    ["no JSON", file("hello"), "malformed", "does not begin with {"],
    ["a list", file("[]"), "malformed", "does not begin with {"],
    ["JSON that ends", file('{"a":'), "malformed", "expected {"],
    ["JSON that goes on", file("{} x"), "malformed", "follows the header's end"],
    [
      "invalid UTF-8",
      Buffer.concat([file("", undefined, 4n), Buffer.of(0x7b, 0xff, 0x7d, 0x20)]),
      "malformed",
      "UTF-8",
    ],
    ["a control character in a string", file('{"a\n":{}}'), "malformed", "expected a string"],
    ["a string that does not end", file('{"a\\"'), "malformed", "expected a string"],
    ["a wrong escape", file('{"\\x":{}}'), "malformed", "expected a string"],
    ["a trailing comma", file(`{"a":${f32("[0,4]")},}`, four), "malformed", "expected a string"],
    [
      "one name twice",
      file(`{"a":${f32("[0,4]")},"a":${f32("[4,8]")}}`, eight),
      "malformed",
      'tensor "a" occurs twice',
    ],
    [
      "one name twice, once escaped",
      file(`{"a":${f32("[0,4]")},"\\u0061":${f32("[4,8]")}}`, eight),
      "malformed",
      "occurs twice",
    ],
    [
      "a key twice",
      file('{"a":{"dtype":"F32","dtype":"F64","shape":[],"data_offsets":[0,4]}}', four),
      "malformed",
      "unknown or repeated key",
    ],
    [
      "an unknown key",
      file('{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1}}', four),
      "malformed",
      "unknown or repeated key",
    ],
    ["metadata twice", file('{"__metadata__":{},"__metadata__":{}}'), "malformed", "occurs twice"],
    ["metadata that is no text", file('{"__metadata__":{"a":1}}'), "malformed", "expected a string"],
    ["no shape", file('{"a":{"dtype":"F32","data_offsets":[0,4]}}', four), "malformed", "lacks"],
    ["a negative size", file(`{"a":${f32("[0,4]", "[-1]")}}`, four), "malformed", "expected a shape"],
    ["a fraction", file(`{"a":${f32("[0,4]", "[1.0]")}}`, four), "malformed", "expected a shape"],
    ["an exponent", file(`{"a":${f32("[0,4]", "[1e0]")}}`, four), "malformed", "expected a shape"],
    ["a leading zero", file(`{"a":${f32("[0,4]", "[01]")}}`, four), "malformed", "expected"],
    ["a huge size", file(`{"a":${f32("[0,4]", "[9999999999999999]")}}`, four), "malformed", "larger than any file"],
    [
      "sizes whose product overflows",
      file(`{"a":${f32("[0,4]", "[4294967296,4294967296,4294967296]")}}`, four),
      "malformed",
      "takes",
    ],
    [
      "65 dimensions",
      file(`{"a":${f32("[0,4]", `[${Array(65).fill(1).join(",")}]`)}}`, four),
      "malformed",
      "more than 64",
    ],
    [
      "an unknown type",
      file(`{"a":${tensor("F8_E5M2", "[4]", "[0,4]")}}`, four),
      "unsupported",
      'is of type "F8_E5M2"',
    ],
    [
      "a length that is not the shape's",
      file(`{"a":${f32("[0,8]")}}`, eight),
      "malformed",
      "takes 4 bytes, but its offsets are 0 and 8",
    ],
    ["offsets backwards", file(`{"a":${f32("[4,0]")}}`, four), "malformed", "takes 4 bytes"],
    ["a hole", file(`{"a":${f32("[4,8]")}}`, eight), "malformed", "begins at 4, but the one before ends at 0"],
    [
      "an overlap",
      file(`{"a":${f32("[0,4]")},"b":${f32("[2,6]")}}`, eight),
      "malformed",
      "begins at 2, but the one before ends at 4",
    ],
    ["one place twice", file(`{"a":${f32("[0,4]")},"b":${f32("[0,4]")}}`, four), "malformed", "begins at 0, but"],
    ["too little data", file(`{"a":${f32("[0,4]")}}`, Buffer.alloc(3)), "truncated", "take 4 bytes, 3 are there"],
    ["too much data", file(`{"a":${f32("[0,4]")}}`, eight), "malformed", "4 bytes follow the last tensor"],
  ];
  it.each(cases)("%s is refused", (_name, bytes, reason, message) => {
    let error: unknown;
    try {
      parseSafetensors(bytes, "x.safetensors");
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error).toMatchObject({ reason, file: "x.safetensors" });
    expect((error as Error).message).toContain(message);
  });

  it("keys that mean something in JavaScript are only keys", () => {
    const { tensors } = parseSafetensors(file(`{"__proto__":${f32("[0,4]")},"constructor":${f32("[4,8]")}}`, eight));
    expect([...tensors.keys()]).toEqual(["__proto__", "constructor"]);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

describe("writing safetensors", () => {
  const tensors: StateDict = new Map<string, TensorData>([
    ["z", { dtype: "bool", shape: [3], data: Uint8Array.of(1, 0, 1) }],
    ["b", { dtype: "float32", shape: [2, 1], data: Float32Array.of(1, 2) }],
    ["a", { dtype: "float32", shape: [], data: Float32Array.of(3) }],
    ["long", { dtype: "int64", shape: [0], data: new BigInt64Array(0) }],
    ["é", { dtype: "int16", shape: [1], data: Int16Array.of(-2) }],
  ]);

  it("gives back what was written", () => {
    const { tensors: back, metadata } = parseSafetensors(encodeSafetensors(tensors, { metadata: { b: "2", a: "1" } }));
    expect(new Map([...back].sort())).toEqual(new Map([...tensors].sort()));
    expect([...metadata]).toEqual([
      ["a", "1"],
      ["b", "2"],
    ]);
  });

  it("orders names of one type by code points, as the reference implementation does", () => {
    const one: TensorData = { dtype: "uint8", shape: [1], data: Uint8Array.of(1) };
    const file = encodeSafetensors(new Map(["😀", "ﬁ", "b", "a b", "a"].map((name) => [name, one])));
    expect([...parseSafetensors(file).tensors.keys()]).toEqual(["a", "a b", "b", "ﬁ", "😀"]);
  });

  it("takes text of any length, with quotation marks and backslashes in it", () => {
    for (const note of ["\\", "\\\\", '"', '\\"', '"\\', '\\\\"x\\', "\u0000\n", "x".repeat(30_000_000)]) {
      const { metadata } = parseSafetensors(encodeSafetensors(new Map(), { metadata: { note } }));
      expect(metadata.get("note") === note).toBe(true);
    }
  });

  it("does not depend on the order of tensors and metadata, and aligns all", () => {
    const bytes = encodeSafetensors(tensors, { metadata: { b: "2", a: "1" } });
    const other = encodeSafetensors(new Map([...tensors].reverse()), { metadata: { a: "1", b: "2" } });
    expect(Buffer.compare(bytes, other)).toBe(0);
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString());
    expect(Object.keys(header)).toEqual(["__metadata__", "long", "a", "b", "é", "z"]);
    expect(length % 8).toBe(0);
  });

  it("can store float32 in 16 bits", () => {
    const data = Float32Array.of(1.001, -70000);
    const given: StateDict = new Map([["a", { dtype: "float32", shape: [2], data }]]);
    for (const [floatType, narrow] of [
      ["float16", float32ToFloat16],
      ["bfloat16", float32ToBfloat16],
    ] as const) {
      const bytes = encodeSafetensors(given, { floatType });
      expect(Buffer.from(bytes.subarray(-4)).equals(bytesOf(narrow(data)))).toBe(true);
      expect(parseSafetensors(bytes).tensors.get("a")?.dtype).toBe("float32");
    }
  });

  it("names a tensor that cannot be written", () => {
    const wrong = (value: unknown) => encodeSafetensors(new Map([["w", value as TensorData]]));
    expect(() => wrong({ dtype: "float32", shape: [3], data: Float32Array.of(1) })).toThrow(
      'Tensor "w" has shape [3] but 1 elements.',
    );
    expect(() => wrong({ dtype: "float32", shape: [1], data: Float64Array.of(1) })).toThrow(
      'Tensor "w" is of float32 but its data is not.',
    );
    expect(() => wrong({ dtype: "complex64", shape: [1], data: Float32Array.of(1) })).toThrow(
      'Tensor "w" has no element type (complex64).',
    );
  });
});
