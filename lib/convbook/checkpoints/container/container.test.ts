import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TensorData } from "../../tensor-data.ts";
import { CheckpointError } from "../error.ts";
import { toPlain } from "../plain.ts";
import { parseSafetensors } from "../safetensors/read.ts";
import { encodeSafetensors, saveSafetensors } from "../safetensors/write.ts";
import { bytesOf } from "../tensor-bytes.ts";
import { encodeTorch, saveTorch } from "../torch/save.ts";
import { checkpointFormatOf, encodeCheckpoint, loadCheckpoint, parseCheckpoint, saveCheckpoint } from "./checkpoint.ts";

const python = "/usr/bin/python3";
const script = fileURLToPath(new URL("../fixtures/read_checkpoint.py", import.meta.url));
const hasTorch = existsSync(python) && spawnSync(python, ["-c", "import torch"]).status === 0;
if (!hasTorch) {
  console.log("Left out: PyTorch reading what we write. To test it, install Debian's python3-torch.");
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "convbook-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const weight: TensorData = { dtype: "float32", shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, -0, 1e-40) };
const tensors = new Map<string, TensorData>([
  ["model.conv.weight", weight],
  ["model.bn.num_batches_tracked", { dtype: "int64", shape: [], data: BigInt64Array.of(2n ** 40n) }],
  ["model.tied", weight],
  ["double", { dtype: "float64", shape: [1], data: Float64Array.of(Math.PI) }],
  ["int32", { dtype: "int32", shape: [2], data: Int32Array.of(1, -1) }],
  ["int16", { dtype: "int16", shape: [1, 1], data: Int16Array.of(-3) }],
  ["int8", { dtype: "int8", shape: [1], data: Int8Array.of(-4) }],
  ["uint8", { dtype: "uint8", shape: [3], data: Uint8Array.of(1, 2, 255) }],
  ["bool", { dtype: "bool", shape: [2], data: Uint8Array.of(0, 1) }],
  ["empty", { dtype: "float32", shape: [0, 4], data: new Float32Array(0) }],
  ["ключ ☃", { dtype: "float32", shape: [1], data: Float32Array.of(7) }],
]);

/** What Lightning keeps, with everything that data may contain. */
const lightning = {
  epoch: 3,
  global_step: 1200,
  "pytorch-lightning_version": "1.0.2",
  state_dict: tensors,
  optimizer_states: [
    {
      state: new Map([[0, { momentum_buffer: { dtype: "float32", shape: [6], data: new Float32Array(6).fill(0.5) } }]]),
      param_groups: [{ lr: 0.1, momentum: 0.9, betas: Object.freeze([0.9, 0.999]), params: [0, 1] }],
    },
  ],
  lr_schedulers: [{ last_epoch: 3, milestones: [100, 150], base_lrs: [0.1] }],
  callbacks: {},
  hyper_parameters: { model_name: "ResNet", model_hparams: { num_classes: 10, act: null, flag: true } },
  numbers: [
    0,
    -1,
    255,
    256,
    65536,
    2 ** 31,
    -(2 ** 31),
    -(2 ** 31) - 1,
    2 ** 53 - 1,
    2n ** 64n,
    -(2n ** 70n),
    127n,
    -128n,
    0.1,
    1e300,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -0,
  ],
};

describe.runIf(hasTorch || process.env.CI !== undefined)("PyTorch", () => {
  /** What a value looks like to read_checkpoint.py. */
  const told = (value: unknown): unknown => {
    if (value === null) {
      return "None";
    }
    if (value === true) {
      return "True";
    }
    if (value === false) {
      return "False";
    }
    if (value instanceof Uint8Array) {
      return expect.stringMatching(/^b'/);
    }
    if (typeof value === "string") {
      return `str '${value}'`;
    }
    if (typeof value === "bigint") {
      return `int ${value}`;
    }
    if (typeof value === "number") {
      if (Number.isNaN(value)) {
        return "float nan";
      }
      if (!Number.isFinite(value)) {
        return "float inf";
      }
      if (Object.is(value, -0)) {
        return "float -0.0";
      }
      return `${Number.isSafeInteger(value) ? "int" : "float"} ${value}`;
    }
    if (value instanceof Map) {
      return { dict: Array.from(value, ([key, entry]) => [told(key), told(entry)]) };
    }
    if (Array.isArray(value)) {
      return { [Object.isFrozen(value) ? "tuple" : "list"]: value.map(told) };
    }
    const object = value as Record<string, unknown>;
    if ("dtype" in object) {
      const { dtype, shape, data } = object as unknown as TensorData;
      return { tensor: dtype, shape, sha256: createHash("sha256").update(bytesOf(data)).digest("hex") };
    }
    return { dict: Object.entries(object).map(([key, entry]) => [told(key), told(entry)]) };
  };
  const readBack = (path: string, ...more: string[]): unknown => {
    const { status, stdout, stderr } = spawnSync(python, [script, path, ...more], { encoding: "utf8" });
    if (status !== 0) {
      throw new Error(stderr);
    }
    return JSON.parse(stdout);
  };

  it("reads a checkpoint of Lightning's layout", async () => {
    const path = join(folder, "lightning.ckpt");
    await saveTorch(path, { ...lightning, bytes: Uint8Array.of(0, 255, 10) });
    expect(readBack(path)).toEqual(told({ ...lightning, bytes: Uint8Array.of(0) }));
  });

  it("reads weights in its safe mode", async () => {
    const path = join(folder, "weights.pt");
    await saveTorch(path, { epoch: 3, name: "ResNet", state_dict: tensors });
    expect(readBack(path, "weights_only")).toEqual(told({ epoch: 3, name: "ResNet", state_dict: tensors }));
  });

  it("sees tensors in our safetensors files, by hand", async () => {
    const path = join(folder, "weights.safetensors");
    await saveSafetensors(path, tensors, { metadata: { a: "é" } });
    const { dict } = readBack(path) as { dict: [string, unknown][] };
    const [metadata, ...entries] = dict;
    expect(metadata).toEqual(["str '__metadata__'", told({ a: "é" })]);
    const sort = (list: [unknown, unknown][]) => list.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
    expect(sort(entries)).toEqual(sort(Array.from(tensors, ([name, tensor]) => [told(name), told(tensor)])));
  });
});

describe("torch files of our own", () => {
  it("are read back", () => {
    const { format, data } = parseCheckpoint(encodeTorch(lightning));
    expect(format).toBe("torch");
    expect(data.state_dict).toEqual(tensors);
    expect(data.numbers).toEqual([...lightning.numbers.slice(0, 11), 127, -128, ...lightning.numbers.slice(13)]);
    expect(toPlain(data.hyper_parameters)).toEqual(lightning.hyper_parameters);
    const [optimizer] = data.optimizer_states as Map<string, unknown>[];
    expect(optimizer?.get("state")).toEqual(
      new Map([[0, new Map([["momentum_buffer", lightning.optimizer_states[0]?.state.get(0)?.momentum_buffer]])]]),
    );
  });

  it("store shared memory once", () => {
    const state = parseCheckpoint(encodeTorch({ tensors })).data.tensors as Map<string, TensorData>;
    expect(state.get("model.tied")?.data.buffer).toBe(state.get("model.conv.weight")?.data.buffer);
  });

  it("are the same each time", () => {
    expect(Buffer.compare(encodeTorch(lightning), encodeTorch(lightning))).toBe(0);
  });

  it("name what cannot be written", () => {
    expect(() => encodeTorch({ a: [{ b: () => 1 }] })).toThrow(
      "Cannot write a.0.b: a function has no counterpart in Python's data.",
    );
    expect(() => encodeTorch({ when: new Date() })).toThrow(
      "Cannot write when: an instance of Date is not plain data.",
    );
    const loop: unknown[] = [];
    loop.push(loop);
    expect(() => encodeTorch(loop)).toThrow("contains itself");
    expect(() => encodeTorch({ w: { ...weight, shape: [5] } })).toThrow("has shape [5] but 6 elements");
  });
});

describe("our own checkpoints", () => {
  const document = {
    ...lightning,
    stateDict: tensors,
    random: Uint8Array.of(1, 2, 3),
    $odd: { $tensor: "no", $$: 1 },
    __proto__x: 1,
    nested: {
      tensor: weight,
      again: weight,
      map: new Map<string | number, unknown>([
        ["a", 1],
        [2, weight],
      ]),
    },
  };

  it("are read back as they were", () => {
    const { format, data } = parseCheckpoint(encodeCheckpoint(document, { format: "safetensors" }));
    expect(format).toBe("convbook");
    const integers = document.numbers.slice(0, 11);
    expect(data).toEqual({ ...document, numbers: [...integers, 127n, -128n, ...document.numbers.slice(13)] });
    expect(Object.getPrototypeOf(data)).toBeNull();
    expect(Object.getPrototypeOf(data.hyper_parameters)).toBeNull();
  });

  it("keep the weights' own names and order", () => {
    const bytes = encodeCheckpoint(document, { format: "safetensors" });
    const names = [...parseSafetensors(bytes).tensors.keys()];
    expect(names).toContain("model.conv.weight");
    expect(names).toContain("@optimizer_states/0/state/0/momentum_buffer");
    expect(names.filter((name) => name === "@nested/tensor" || name === "@nested/again")).toEqual(["@nested/tensor"]);
    const { data } = parseCheckpoint(bytes);
    expect([...(data.stateDict as Map<string, unknown>).keys()]).toEqual([...tensors.keys()]);
  });

  it("are the same each time", () => {
    const encode = () => encodeCheckpoint(document, { format: "safetensors" });
    expect(Buffer.compare(encode(), encode())).toBe(0);
  });

  it("take any key as a key", () => {
    const hostile = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": 1}}');
    const { data } = parseCheckpoint(encodeCheckpoint(hostile, { format: "safetensors" }));
    expect(Object.keys(data)).toEqual(["__proto__", "constructor"]);
    expect("polluted" in {}).toBe(false);
  });

  it("name what cannot be written", () => {
    const encode = (data: Record<string, unknown>) => encodeCheckpoint(data, { format: "safetensors" });
    expect(() => encode({ a: { b: new Date() } })).toThrow("Cannot write a.b: an instance of Date is not plain data.");
    expect(() => encode({ a: new Map([[{}, 1]]) })).toThrow(
      "Cannot write a: a key of a Map is neither text nor a number.",
    );
    const loop: Record<string, unknown> = {};
    loop.loop = loop;
    expect(() => encode(loop)).toThrow("contains itself");
    const twice = { stateDict: new Map([["@x/0", weight]]), x: [weight] };
    expect(() => encode(twice)).toThrow('Cannot write x.0: another tensor is called "@x/0" as well.');
  });

  const forged = (data: unknown, version = 1) =>
    encodeSafetensors(new Map([["w", weight]]), {
      metadata: { "convbook.checkpoint": JSON.stringify({ version, data }) },
    });
  const bad: [string, Uint8Array, string][] = [
    ["no JSON", encodeSafetensors(new Map(), { metadata: { "convbook.checkpoint": "{" } }), "is not JSON"],
    ["another version", forged({}, 2), 'checkpoints of version "2" are not read here, only 1'],
    ["no object", forged([1]), "the checkpoint is not an object"],
    ["a tensor that is not there", forged({ a: { $tensor: "x" } }), 'tensor "x" is not in the file'],
    ["a marker that is not known", forged({ a: { $run: "x" } }), 'the marker "$run" is not known'],
    ["bytes that are none", forged({ a: { $bytes: "w" } }), "is not made of bytes"],
    ["a bad integer", forged({ a: { $bigint: "1e9" } }), "an integer is not written as one"],
    ["a huge integer", forged({ a: { $bigint: "9".repeat(2000) } }), "an integer is not written as one"],
    ["a bad number", forged({ a: { $number: "x" } }), "a number is not written as one"],
    ["a bad Map", forged({ a: { $map: [[1]] } }), "an entry of a Map is not a pair"],
    ["great depth", forged(JSON.parse(`${'{"a":'.repeat(200)}1${"}".repeat(200)}`)), "nested more than 128 deep"],
  ];
  it.each(bad)("with %s are refused", (_name, bytes, message) => {
    expect(() => parseCheckpoint(bytes, "x")).toThrow(CheckpointError);
    expect(() => parseCheckpoint(bytes, "x")).toThrow(message);
  });
});

describe("files", () => {
  it("are of the format that their name says, and recognised by their bytes", async () => {
    expect(checkpointFormatOf("a/last.CKPT")).toBe("torch");
    expect(() => checkpointFormatOf("model.h5")).toThrow(
      'A checkpoint\'s name ends with one of .safetensors, .ckpt, .pt, .pth; got "model.h5".',
    );
    for (const name of ["a.safetensors", "a.ckpt", "a.pth"]) {
      await saveCheckpoint(join(folder, name), { epoch: 1, stateDict: tensors });
      writeFileSync(join(folder, "anything"), readFileSync(join(folder, name)));
      const { data } = await loadCheckpoint(join(folder, "anything"));
      expect(data).toEqual({ epoch: 1, stateDict: tensors });
    }
    await saveSafetensors(join(folder, "plain.safetensors"), tensors);
    const { format, data } = await loadCheckpoint(join(folder, "plain.safetensors"));
    expect(format).toBe("safetensors");
    expect([...(data.stateDict as Map<string, unknown>).keys()].sort()).toEqual([...tensors.keys()].sort());
  });

  it("that cannot be written leave the old one and nothing else", async () => {
    const inside = join(folder, "keep");
    await saveCheckpoint(join(inside, "a.ckpt"), { epoch: 1 });
    const before = readFileSync(join(inside, "a.ckpt"));
    await expect(saveCheckpoint(join(inside, "a.ckpt"), { epoch: () => 1 })).rejects.toThrow(TypeError);
    expect(readdirSync(inside)).toEqual(["a.ckpt"]);
    expect(readFileSync(join(inside, "a.ckpt")).equals(before)).toBe(true);
    await expect(saveCheckpoint(join(inside, "a.ckpt", "b.ckpt"), { epoch: 1 })).rejects.toThrow(/ENOTDIR|EEXIST/);
  });
});
