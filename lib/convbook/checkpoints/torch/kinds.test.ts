/** What people keep beside their weights, as Python writes it: read, or refused with a sentence that is true. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { askPython, debianPython } from "../../../../test/debian-python.ts";
import type { TensorData } from "../../tensor-data.ts";
import { CheckpointError } from "../error.ts";
import { PythonName } from "../pickle/values.ts";
import { toPlain } from "../plain.ts";
import { loadTorch } from "./load.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "convbook-"));
afterAll(() => rmSync(folder, { recursive: true }));

const python = askPython(["files of all protocols", "python3-torch"], [join(fixtures, "make_kinds.py"), folder]);
const isMade = python !== undefined;
if (isMade && python.status !== 0) {
  throw new Error(`make_kinds.py failed: ${python.stderr}`);
}
const made = (pattern: RegExp) => (isMade ? readdirSync(folder).filter((name) => pattern.test(name)) : []);

type Tree = Map<string, unknown>;
const tensor = (dtype: TensorData["dtype"], shape: number[], data: TensorData["data"]) => ({ dtype, shape, data });
const six = [0, 1, 2, 3, 4, 5];

const files = ["kinds2.pt", "kinds5.pt"].map((name) => [name, join(fixtures, name)]);
files.push(...made(/^protocol\d-[a-z]+\.pt$/).map((name) => [name, join(folder, name)]));

describe.each(files)("%s", async (_name, path) => {
  const root = (await loadTorch(path as string)) as Tree;
  const at = (name: string) => root.get(name);

  it("gives Python's containers, whatever their factory", () => {
    expect(at("defaultdicts")).toEqual(Array(16).fill(new Map([["a", 1]])));
    expect([at("deque"), at("bounded deque")]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(toPlain(at("ordered"))).toEqual({ a: { b: { c: 1 } } });
    expect(at("namespace")).toEqual(new Map([["a", 1]]));
    expect(at("uuid")).toEqual(new Map([["int", 5]]));
  });

  it("gives types as names", () => {
    const names = (at("types") as PythonName[]).map((type) => {
      expect(type).toBeInstanceOf(PythonName);
      return String(type).replace(/^__builtin__\.(unicode|long)|^builtins\.(str|int)/, (name) =>
        /unicode|str/.test(name) ? "str" : "int",
      );
    });
    expect(names).toEqual(["int", "str", "types.NoneType", "numpy.float32", "numpy.float32", "torch.complex64"]);
  });

  it("gives small values of the standard library", () => {
    expect(toPlain([at("complex"), at("slice"), at("range")])).toEqual([
      { real: 1.5, imag: 2 },
      { start: 1, stop: null, step: 2 },
      { start: 0, stop: 10, step: 3 },
    ]);
    expect(at("paths")).toEqual(["/a/b", "a/b", ".", "c:\\a\\b"]);
    expect(at("moments")).toEqual([
      "2026-01-02T03:04:05.000678",
      "2026-12-31T00:00:00+00:00",
      "2026-01-02T00:00:00-05:30",
      "0999-01-02",
      "01:02:03.000040",
      -86394.5,
      "UTC+02:00",
    ]);
    expect(at("exact")).toEqual(["1.50", "1/3"]);
  });

  it("gives keys of every kind that Python lets be one", () => {
    const odd = at("odd keys") as Map<unknown, string>;
    expect([...odd]).toEqual([
      [[0, 1], "tuple"],
      [Uint8Array.of(97), "bytes"],
      [new Set([1]), "set"],
      [-1, "negative"],
      [0.5, "float"],
      [null, "none"],
      [2n ** 70n, "large"],
    ]);
    expect(Object.keys(toPlain(odd) as object)).toEqual(expect.arrayContaining(["(0, 1)", "97", "{1}"]));
  });

  it("gives NumPy's scalars", () => {
    expect(at("NumPy scalars")).toEqual([
      ...[0.1, 1.5, -2, 2n ** 62n, -5, 200, 2n ** 64n - 1n, true, "hé😀", Uint8Array.of(97, 98)],
    ]);
  });

  it("gives NumPy's arrays as tensors", () => {
    const big = BigInt64Array.from(six, BigInt);
    expect(Object.fromEntries(at("NumPy arrays") as Tree)).toEqual({
      f8: tensor("float64", [6], Float64Array.from(six)),
      f4: tensor("float32", [6], Float32Array.from(six)),
      f2: tensor("float32", [6], Float32Array.from(six)),
      i8: tensor("int64", [6], big),
      i4: tensor("int32", [6], Int32Array.from(six)),
      i2: tensor("int16", [6], Int16Array.from(six)),
      i1: tensor("int8", [6], Int8Array.from(six)),
      u1: tensor("uint8", [6], Uint8Array.from(six)),
      u2: tensor("int32", [6], Int32Array.from(six)),
      u4: tensor("int64", [6], big),
      u8: tensor("int64", [6], big),
      b1: tensor("bool", [2], Uint8Array.of(1, 0)),
    });
  });

  it("gives them in row-major order", () => {
    const transposed = Float64Array.from(
      { length: 24 },
      (_, i) => 12 * (i % 2) + 4 * (Math.floor(i / 2) % 3) + Math.floor(i / 6),
    );
    expect(Object.fromEntries(at("NumPy orders") as Tree)).toEqual({
      none: tensor("float64", [], Float64Array.of(3.5)),
      empty: tensor("float64", [0, 3], new Float64Array(0)),
      Fortran: tensor("float64", [2, 3], Float64Array.from(six)),
      transposed: tensor("float64", [4, 3, 2], transposed),
      "big-endian": tensor("float64", [3], Float64Array.of(0, 1, 2)),
      "big halves": tensor("float32", [3], Float32Array.of(0, 1, 2)),
      sliced: tensor("float64", [3], Float64Array.of(2, 4, 6)),
    });
  });

  it("gives a storage by itself as a tensor that shares its memory", () => {
    const storage = at("storage") as TensorData;
    expect(storage).toEqual(tensor("float32", [3], Float32Array.of(1.5, -2, 3)));
    expect((at("a tensor of it") as TensorData).data.buffer).toBe(storage.data.buffer);
    expect(at("storages")).toEqual([
      tensor("float64", [3], Float64Array.of(1.5, -2, 3)),
      tensor("float32", [3], Float32Array.of(1.5, -2, 3)),
      tensor("float32", [3], Float32Array.of(1.5, -2, 3)),
      tensor("int32", [3], Int32Array.of(1, -2, 3)),
      tensor("bool", [3], Uint8Array.of(1, 1, 1)),
    ]);
    expect(at("bytes of a storage")).toEqual(tensor("uint8", [4], Uint8Array.of(0, 0, 192, 63)));
  });

  it("gives what else PyTorch keeps", () => {
    expect(at("parameter")).toEqual(tensor("float32", [2], Float32Array.of(1, 1)));
    expect(at("named tuple of torch")).toEqual([
      tensor("float32", [1], Float32Array.of(3)),
      tensor("int64", [1], BigInt64Array.of(1n)),
    ]);
    expect(at("layout")).toBe("torch.strided");
    expect(toPlain(at("schedule"))).toMatchObject({ T_max: 5, last_epoch: 0, base_lrs: [0.5] });
  });
});

const refusals: Readonly<Record<string, RegExp>> = {
  complex: /"torch\.ComplexFloatStorage": a tensor of complex numbers, .* save torch\.view_as_real\(tensor\)$/,
  "complex storage": /"torch\.ComplexDoubleStorage": a tensor of complex numbers/,
  quantized: /a quantized tensor, which is not read here; in Python, save tensor\.dequantize\(\)$/,
  "quantized by channel": /a quantized tensor/,
  sparse: /a sparse tensor, which is not read here; in Python, save tensor\.to_dense\(\)$/,
  "sparse rows": /a sparse tensor/,
  meta: /a tensor on the device meta, which has no elements$/,
  model: /"torch\.nn\.modules\.linear\.Linear": an object with its code, .* save its state_dict\(\)$/,
  optimizer: /"torch\.optim\.sgd\.SGD": an object with its code/,
  scheduler: /"torch\.optim\.lr_scheduler\.StepLR": a schedule with its code/,
  enum: /refers to "stranger\.Colour", which is not among the names that a checkpoint may contain/,
  "named tuple": /refers to "stranger\.Pair"/,
  function: /refers to "torch\.nn\.functional\.relu"/,
  "NumPy text": /a NumPy array of type "U2" is not read here, .* in Python, keep its tolist\(\)$/,
  "NumPy objects": /a NumPy array of type "O8" is not read here/,
  "NumPy records": /a NumPy array of type "V4" is not read here/,
  "NumPy complex": /a NumPy array of type "c16" is not read here/,
  "NumPy dates": /a NumPy array of type "M8" is not read here/,
  "NumPy date": /a NumPy value of type "M8" is not read here/,
  "NumPy unsigned": /a NumPy array of uint64 holds a number that int64 cannot/,
  "NumPy generator": /refers to "numpy\.random\._pickle\.__generator_ctor"/,
};

describe.runIf(isMade)("made by PyTorch", () => {
  it.each(Object.entries(refusals))("%s is refused in every protocol", async (kind, message) => {
    const names = made(/^protocol/).filter((name) => name.endsWith(`.${kind}.pt`));
    expect(names).toHaveLength(8);
    for (const name of names) {
      const error = await loadTorch(join(folder, name)).catch((caught: unknown) => caught);
      expect(error, name).toBeInstanceOf(CheckpointError);
      expect((error as CheckpointError).detail, name).toMatch(message);
    }
  });

  it.each(["traced.pt", "scripted.pt"])("a program of TorchScript is called what it is (%s)", async (name) => {
    await expect(loadTorch(join(folder, name))).rejects.toMatchObject({
      reason: "unsupported",
      detail:
        "this is a TorchScript program (torch.jit.save), not a checkpoint; in Python, torch.save(torch.jit.load(path).state_dict(), other_path) keeps its weights",
    });
  });

  it("150,000 dicts are read, and a limit can be set", async () => {
    const path = join(folder, "dicts.pt");
    expect(await loadTorch(path)).toHaveLength(150_000);
    await expect(loadTorch(path, { maxContainers: 400_000 })).rejects.toMatchObject({
      reason: "limit",
      detail:
        "the pickle has more than 100000 dicts and sets; the option maxContainers, now 400000, allows one for every 4",
    });
  });
});

it.runIf(isMade)("says of what pickle.dump wrote that torch.save did not", async () => {
  const code =
    "import pickle, sys, torch\nfor p in range(6): pickle.dump(torch.nn.Linear(2, 1).state_dict(), open(f'{sys.argv[1]}/{p}.pickle', 'wb'), p)";
  const { status, stderr } = spawnSync(debianPython(), ["-c", code, folder], { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  for (let protocol = 0; protocol < 6; protocol++) {
    await expect(loadTorch(join(folder, `${protocol}.pickle`))).rejects.toThrow(
      "this is a pickle, but not a file of torch.save (its magic number is missing): pickle.dump writes such; in Python,",
    );
  }
});
