import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { TensorData } from "../../tensor-data.ts";
import { CheckpointError } from "../error.ts";
import { PythonName } from "../pickle/values.ts";
import { toPlain } from "../plain.ts";
import { loadTorch, parseTorch } from "./load.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const tutorial = fileURLToPath(new URL("../../../../../shared/data/uva-tutorial5/", import.meta.url));
const hasTutorial = existsSync(tutorial);
if (!hasTutorial) {
  console.log(`Left out: the tutorial's real checkpoints. To test with them, download them to ${tutorial}.`);
}

type Tree = Map<string, unknown>;

function digest({ data }: TensorData): string {
  return createHash("sha256")
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest("hex");
}

describe.each(["legacy.pt", "zip.pt", "deflated.pt", "protocol3.pt", "protocol4.pt", "protocol5.pt"])(
  "%s, made by PyTorch",
  async (file) => {
    const root = (await loadTorch(join(fixtures, file))) as Tree;
    const expected = JSON.parse(readFileSync(join(fixtures, "expected.json"), "utf8"));

    it("gives every tensor's type, shape and elements", () => {
      const tensors = root.get("tensors") as Map<string, TensorData>;
      const found = Object.create(null);
      for (const [name, tensor] of tensors) {
        found[name] = { dtype: tensor.dtype, shape: tensor.shape, sha256: digest(tensor) };
      }
      expect(Object.entries(found)).toEqual(Object.entries(expected.tensors));
    });

    it("keeps storages shared where tensors are simple slices", () => {
      const tensors = root.get("tensors") as Map<string, TensorData>;
      const whole = tensors.get("float32") as TensorData;
      expect(tensors.get("contiguous part")?.data.buffer).toBe(whole.data.buffer);
      expect(tensors.get("transposed")?.data.buffer).not.toBe(whole.data.buffer);
    });

    it("gives plain data", () => {
      const plain = root.get("plain") as Tree;
      const large = plain.get("large") as unknown[];
      plain.set("large", large.map(String));
      expect(JSON.parse(JSON.stringify(toPlain(plain)))).toEqual(expected.plain);
      expect(large).toEqual([2n ** 53n, -(2n ** 53n), 2n ** 63n, -(2n ** 70n), 2n ** 200n]);
      expect([...(plain.get("int keys") as Map<number, unknown>).keys()]).toEqual([0, 1]);
      const tuple = (plain.get("nested") as Tree).get("tuple");
      expect(Object.isFrozen(tuple)).toBe(true);
    });

    it("gives Python's containers as Maps, Sets and bytes", () => {
      const extras = root.get("extras") as Tree;
      expect(extras.get("namespace")).toEqual(
        new Map<string, unknown>([
          ["lr", 0.1],
          ["name", "x"],
        ]),
      );
      expect(extras.get("counter")).toEqual(
        new Map([
          [30, 1],
          [80, 2],
        ]),
      );
      expect(extras.get("default")).toEqual(new Map([["a", new Map()]]));
      expect(extras.get("set")).toEqual(new Set([1, 2, 3]));
      expect(extras.get("frozenset")).toEqual(new Set(["x"]));
      expect(extras.get("bytes")).toEqual(Uint8Array.of(0, 255, 97, 98, 99));
      expect(extras.get("no bytes")).toEqual(new Uint8Array(0));
      expect(extras.get("bytearray")).toEqual(Uint8Array.of(1, 2));
      expect(extras.get("size")).toEqual([2, 3]);
      expect(extras.get("device")).toBe("cpu");
      expect(extras.get("cuda")).toBe("cuda:1");
      expect(extras.get("dtype")).toEqual(new PythonName("torch", "float32"));
      expect((extras.get("keys") as string[])[0]).toBe("0.weight");
    });

    it("leaves prototypes alone", () => {
      const tensors = root.get("tensors") as Tree;
      expect(tensors.has("__proto__")).toBe(true);
      const plain = toPlain(tensors) as object;
      expect(Object.getPrototypeOf(plain)).toBeNull();
      expect(Object.keys(plain)).toContain("__proto__");
      expect(Object.keys(Object.prototype)).toEqual([]);
    });
  },
);

it("reads a legacy file whose pickles are of protocol 4", async () => {
  const root = (await loadTorch(join(fixtures, "legacy4.pt"))) as Tree;
  expect((root.get("a") as TensorData).data).toEqual(Float32Array.of(0, 1, 2));
});

describe.runIf(hasTutorial)("the tutorial's checkpoints", () => {
  const expected = JSON.parse(readFileSync(join(fixtures, "tutorial5.json"), "utf8"));

  it.each(["GoogleNet", "ResNet", "ResNetPreAct", "DenseNet"])("reads %s as PyTorch does", async (name) => {
    const root = (await loadTorch(join(tutorial, `${name}.ckpt`))) as Tree;
    const tensors = root.get("state_dict") as Map<string, TensorData>;
    root.delete("state_dict");
    expect(JSON.parse(JSON.stringify(toPlain(root)))).toEqual(expected[name].rest);
    const digests = Array.from(tensors, ([key, tensor]) => [key, digest(tensor).slice(0, 24)]);
    expect(digests).toEqual(Object.entries(expected[name].tensors));
  });
});

/** Every length up to 4 KB, then every 997th. */
function* lengthsOf(size: number): Generator<number> {
  for (let length = 0; length < Math.min(size, 4096); length++) {
    yield length;
  }
  for (let length = 4096; length < size; length += 997) {
    yield length;
  }
}

const truncated: [string, string][] = ["legacy.pt", "zip.pt", "protocol4.pt"].map((name) => [
  name,
  join(fixtures, name),
]);
if (hasTutorial) {
  truncated.push(["ResNet.ckpt", join(tutorial, "ResNet.ckpt")]);
}

describe("a file that is cut off", () => {
  it.each(truncated)("%s is refused at every length", (name, path) => {
    const bytes = new Uint8Array(readFileSync(path));
    let cuts = 0;
    for (const length of lengthsOf(bytes.length)) {
      let error: unknown;
      try {
        parseTorch(bytes.subarray(0, length), { file: name });
      } catch (caught) {
        error = caught;
      }
      if (!(error instanceof CheckpointError)) {
        throw new Error(`${name} cut to ${length} bytes gives ${error}`);
      }
      if (error.reason !== "truncated" || error.file !== name || error.offset === null || error.offset > length) {
        throw new Error(`${name} cut to ${length} bytes gives ${error.reason} at ${error.offset}: ${error.message}`);
      }
      cuts++;
    }
    expect(cuts).toBeGreaterThan(4000);
  });

  it("is explained", () => {
    const bytes = new Uint8Array(readFileSync(join(fixtures, "legacy.pt")));
    expect(() => parseTorch(bytes.subarray(0, bytes.length - 1), { file: "model.ckpt" })).toThrow(
      /^model\.ckpt, byte \d+: the file ends within storage "\d+": \d+ bytes expected, \d+ left$/,
    );
    const zip = new Uint8Array(readFileSync(join(fixtures, "zip.pt")));
    expect(() => parseTorch(zip.subarray(0, 3000), { file: "model.pt" })).toThrow(
      "model.pt, byte 2978: the archive's end record is not at the end of the file: the file is cut off, or something follows the archive",
    );
  });

  it("is refused with bytes after its end, too", () => {
    for (const name of ["legacy.pt", "zip.pt"]) {
      const bytes = readFileSync(join(fixtures, name));
      expect(() => parseTorch(Buffer.concat([bytes, Buffer.from([0])]))).toThrow(CheckpointError);
    }
  });
});

describe("damaged files", () => {
  /** A small generator of our own, so that a failure can be repeated. */
  function* numbers(seed: number): Generator<number, never> {
    let state = seed;
    for (;;) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      yield state >>> 8;
    }
  }

  it.each(["legacy.pt", "zip.pt", "protocol4.pt"])(
    "%s with random bytes changed never gives an untyped error",
    (name) => {
      const original = new Uint8Array(readFileSync(join(fixtures, name)));
      const random = numbers(name.length);
      let refused = 0;
      for (let i = 0; i < 4000; i++) {
        const bytes = original.slice();
        const flips = 1 + (random.next().value % 3);
        for (let k = 0; k < flips; k++) {
          bytes[random.next().value % bytes.length] = random.next().value & 255;
        }
        try {
          parseTorch(bytes);
        } catch (error) {
          if (!(error instanceof CheckpointError)) {
            throw error;
          }
          refused++;
        }
      }
      expect(refused).toBeGreaterThan(1000);
      expect(Object.keys(Object.prototype)).toEqual([]);
    },
  );
});

describe("other files", () => {
  const cases: [string, string | Buffer, string][] = [
    ["nothing", "", "the file is empty"],
    ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"],
    ["a web page", "<!DOCTYPE html><html>404</html>", "this is a web page"],
    ["HDF5", "\x89HDF\r\n\x1a\n0000000", "HDF5"],
    ["gzip", "\x1f\x8b\x08000000000", "gzip"],
    ["safetensors", '\x08\0\0\0\0\0\0\0{"a":1  }', "loadSafetensors"],
    ["the tar format", Buffer.alloc(512).fill("storages", 0, 8).fill("ustar", 257, 262), "tar format"],
    ["a bare pickle", "\x80\x02}.", "not a file of torch.save"],
    ["text", "hello", 'it begins with "hello"'],
  ];
  it.each(cases)("%s is recognised", (_name, content, message) => {
    const bytes = typeof content === "string" ? Buffer.from(content, "latin1") : content;
    expect(() => parseTorch(bytes)).toThrow(message);
    expect(() => parseTorch(bytes)).toThrow(CheckpointError);
  });

  it("that cannot be opened give the typed error", async () => {
    const folder = mkdtempSync(join(tmpdir(), "convbook-"));
    try {
      await expect(loadTorch(join(folder, "none.ckpt"))).rejects.toMatchObject({
        name: "CheckpointError",
        reason: "io",
        file: join(folder, "none.ckpt"),
        message: `${join(folder, "none.ckpt")}: there is no such file`,
      });
      await expect(loadTorch(folder)).rejects.toMatchObject({ name: "CheckpointError", reason: "io" });
      writeFileSync(join(folder, "x.ckpt"), "x");
      await expect(loadTorch(join(folder, "x.ckpt"))).rejects.toMatchObject({ reason: "malformed", offset: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** As torch writes them since 2.3; see fixtures/make_v3.py. */
describe("tensors of the types that came with _rebuild_tensor_v3", () => {
  it.each(["v3.pt", "v3-legacy.pt"])("%s: are read, widened to the next type that there is", async (file) => {
    const root = (await loadTorch(join(fixtures, file))) as Tree;
    expect([...root]).toEqual([
      ["uint16", { dtype: "int32", shape: [2, 3], data: Int32Array.of(65530, 65531, 65532, 65533, 65534, 65535) }],
      ["a part of it, transposed", { dtype: "int32", shape: [2, 2], data: Int32Array.of(65532, 65534, 65533, 65535) }],
      ["uint32", { dtype: "int64", shape: [3], data: BigInt64Array.of(0n, 1n, 2n ** 32n - 1n) }],
      ["uint64", { dtype: "int64", shape: [3], data: BigInt64Array.of(0n, 2n ** 53n + 1n, 2n ** 63n - 1n) }],
      ["a scalar", { dtype: "int64", shape: [], data: BigInt64Array.of(7n) }],
    ]);
  });

  it("are refused by name where no type can hold them", async () => {
    await expect(loadTorch(join(fixtures, "v3-large.pt"))).rejects.toThrow(
      "a tensor of uint64 holds a number that int64 cannot; in Python, save tensor.view(torch.int64)",
    );
    await expect(loadTorch(join(fixtures, "v3-float8.pt"))).rejects.toThrow(
      "tensors of torch.float8_e4m3fn are not read here; in Python, save tensor.float()",
    );
  });
});

describe("files of Python's pickle.dump", () => {
  const told =
    /this is a pickle, but not a file of torch\.save \(its magic number is missing\): pickle\.dump writes such; in Python,/;

  it.each([
    ["a state dict", "\x80\x02ccollections\nOrderedDict\n)R."],
    ["plain data", "\x80\x04}."],
    ["tensors", "\x80\x04\x8c\x0ctorch._utils\x8c\x12_rebuild_tensor_v2\x93)R."],
    ["protocol 0", "ccollections\nOrderedDict\np0\n(lp1\n."],
  ])("%s", (_what, pickle) => {
    expect(() => parseTorch(Buffer.from(pickle, "latin1"))).toThrow(told);
  });
});
