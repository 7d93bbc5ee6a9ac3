import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fileSystem, ModelFileError } from "../index.ts";
import { makeModel, metadata } from "./fixtures/model.mjs";

const fixtures = fileURLToPath(new URL("fixtures", import.meta.url));

let folder: string;
beforeEach(async () => {
  await tf.ready();
  folder = await mkdtemp(join(tmpdir(), "engine-io-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function weightsOf(model: tf.LayersModel): Promise<number[][]> {
  return Promise.all(model.getWeights().map(async (weight) => [...(await weight.data())]));
}

/** Writes a model's JSON with one int32 vector, over a given manifest. */
async function writeModel(weightsManifest: unknown, name = "model.json"): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify({ modelTopology: {}, weightsManifest }));
  return path;
}

const vector = (name: string, size: number) => ({ name, shape: [size], dtype: "int32" });

describe("the same files as tfjs-node's", () => {
  test("what model.save writes is what it wrote, byte by byte", async () => {
    const result = await makeModel().save(`file://${folder}/deep/down`, { includeOptimizer: true });
    expect(result.modelArtifactsInfo.weightDataBytes).toBe(4 * (6 + 3 + 12 + 3 + 1 + 1));
    expect(await readdir(join(folder, "deep/down"))).toEqual(["model.json", "weights.bin"]);
    for (const name of ["model.json", "weights.bin"]) {
      expect(await readFile(join(folder, "deep/down", name))).toEqual(await readFile(join(fixtures, name)));
    }
  });

  test("what it wrote is loaded, weights, optimizer and metadata", async () => {
    const model = await tf.loadLayersModel(`file://${fixtures}/model.json`);
    expect(await weightsOf(model)).toEqual(await weightsOf(makeModel()));
    expect(model.getUserDefinedMetadata()).toEqual(metadata);
    expect(model.optimizer.getConfig()).toEqual({ learningRate: 0.25 });
  });
});

describe("file:// and handlers", () => {
  test("a path may be relative, as in tfjs-examples, and may be saved over", async () => {
    const before = process.cwd();
    process.chdir(folder);
    try {
      await makeModel().save("file://./dist/model");
      await makeModel().save("file://dist/model");
      const model = await tf.loadLayersModel("file://./dist/model/model.json");
      expect(await weightsOf(model)).toEqual(await weightsOf(makeModel()));
    } finally {
      process.chdir(before);
    }
  });

  test("fileSystem(path) saves and loads", async () => {
    await makeModel().save(fileSystem(folder));
    expect((await tf.loadLayersModel(fileSystem(join(folder, "model.json")))).name).toBe("small");
  });

  test("a graph model is loaded, sharded into files and groups, and quantized", async () => {
    const node = (name: string, op: string, attr: object, input: string[] = []) => ({ name, op, attr, input });
    const float = { dtype: { type: "DT_FLOAT" }, T: { type: "DT_FLOAT" } };
    const shape = { shape: { dim: [{ size: "2" }] } };
    const modelTopology = {
      versions: { producer: 1 },
      node: [
        node("x", "Placeholder", { ...float, shape }),
        node("a", "Const", { ...float, value: { tensor: { dtype: "DT_FLOAT", tensorShape: shape.shape } } }),
        node("b", "Const", { ...float, value: { tensor: { dtype: "DT_FLOAT", tensorShape: shape.shape } } }),
        node("xa", "AddV2", float, ["x", "a"]),
        node("y", "AddV2", float, ["xa", "b"]),
      ],
    };
    const a = new Uint8Array(Float32Array.of(10, 20).buffer);
    await mkdir(join(folder, "sub"));
    await writeFile(join(folder, "1of2"), a.subarray(0, 3));
    await writeFile(join(folder, "sub/2of2"), a.subarray(3));
    await writeFile(join(folder, "b"), Uint8Array.of(1, 3));
    const weightsManifest = [
      { paths: ["1of2", "./sub/2of2"], weights: [{ name: "a", shape: [2], dtype: "float32" }] },
      {
        paths: ["b"],
        weights: [{ name: "b", shape: [2], dtype: "float32", quantization: { dtype: "uint8", min: 100, scale: 50 } }],
      },
    ];
    await writeFile(join(folder, "model.json"), JSON.stringify({ modelTopology, weightsManifest }));
    const model = await tf.loadGraphModel(`file://${folder}/model.json`);
    const output = model.predict(tf.tensor1d([1, 2])) as tf.Tensor;
    expect([...(await output.data())]).toEqual([161, 272]);
  });

  test("weights that are strings have their lengths before them", async () => {
    const strings = await tf.io.encodeWeights([{ name: "words", tensor: tf.tensor1d(["é", "", "three"]) }]);
    const weightsManifest = [{ paths: ["words"], weights: strings.specs }];
    await writeFile(join(folder, "words"), new Uint8Array(strings.data));
    const { weightData } = await fileSystem(await writeModel(weightsManifest)).load();
    const { words } = tf.io.decodeWeights(weightData as ArrayBuffer, strings.specs);
    expect(await words?.data()).toEqual(["é", "", "three"]);
    await writeFile(join(folder, "words"), new Uint8Array(strings.data).subarray(0, -1));
    await expect(fileSystem(join(folder, "model.json")).load()).rejects.toThrow(
      `${join(folder, "words")} has 18 bytes, expected 19 for the weights that the manifest lists (1).`,
    );
  });

  test("all that a graph model's artifacts have comes back", async () => {
    const artifacts: tf.io.ModelArtifacts = {
      modelTopology: { node: [] },
      weightSpecs: [],
      weightData: [new ArrayBuffer(0)],
      format: "graph-model",
      generatedBy: "somebody",
      convertedBy: null,
      signature: { inputs: {} },
      userDefinedMetadata: { a: { b: 1 } },
      modelInitializer: { node: [] },
      initializerSignature: { outputs: {} },
    };
    await fileSystem(folder).save(artifacts);
    expect(await fileSystem(join(folder, "model.json")).load()).toEqual({
      ...artifacts,
      weightData: new ArrayBuffer(0),
    });
  });

  test("weights in several buffers are written one after the other", async () => {
    const weightSpecs = [vector("v", 2)] as tf.io.WeightsManifestEntry[];
    const weightData = [Int32Array.of(1).buffer, Int32Array.of(2).buffer];
    await fileSystem(folder).save({ modelTopology: {}, weightSpecs, weightData });
    expect(await readFile(join(folder, "weights.bin"))).toEqual(Buffer.from(Int32Array.of(1, 2).buffer));
  });

  test("a model without weights is written and read without them", async () => {
    await fileSystem(folder).save({ modelTopology: { a: 1 } });
    expect(await readdir(folder)).toEqual(["model.json"]);
    expect((await fileSystem(join(folder, "model.json")).load()).modelTopology).toEqual({ a: 1 });
  });
});

describe("another handler of file:// is left its place", () => {
  // In a process of its own, because tfjs has no way to take a router back.
  test.each(["before", "behind"])("registered %s the engine's", async (when) => {
    const { spawnSync } = await import("node:child_process");
    const theirs = `
      const router = (url) => (String(url).startsWith("file://") ? { save: async () => "theirs", load: async () => "theirs" } : null);
      tf.io.registerSaveRouter(router);
      tf.io.registerLoadRouter(router);`;
    const ours = 'await import("@convbook/engine");';
    const program = `
      import * as tf from "@tensorflow/tfjs-core";
      ${when === "before" ? theirs + ours : ours + theirs}
      const saving = tf.io.getSaveHandlers("file:///tmp/x");
      const loading = tf.io.getLoadHandlers("file:///tmp/x");
      console.log(saving.length, await saving[0].save(), loading.length, await loading[0].load());`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      cwd: fileURLToPath(new URL("../../..", import.meta.url)),
      encoding: "utf8",
    });
    expect(stdout.trim(), stderr).toBe("1 theirs 1 theirs");
  });

  test("every other URL is left alone, and lists of URLs", () => {
    expect(tf.io.getSaveHandlers("https://example.org/model").length).toBe(1);
    expect(tf.io.getLoadHandlers("s3://bucket/model.json")).toEqual([]);
    expect(tf.io.getLoadHandlers(["file://a", "file://b"])).toEqual([]);
  });
});

describe("what cannot be loaded is said", () => {
  const load = (path: string) => tf.loadLayersModel(`file://${path}`);
  const path = (name: string) => join(folder, name);

  test("no file, a folder, a file as a folder, no path", async () => {
    await expect(load(path("model.json"))).rejects.toThrow(
      `A model cannot be loaded from ${path("model.json")}: there is no such file.`,
    );
    await expect(load(folder)).rejects.toThrow(
      `it is a folder, expected the model's JSON file, as ${path("model.json")}.`,
    );
    await writeFile(path("file"), "");
    await expect(load(path("file/model.json"))).rejects.toThrow(`: ${path("file")} is no folder.`);
    expect(() => tf.io.getLoadHandlers("file://")).toThrow(
      `A model's path is "", expected one path: a folder, or a model's JSON file.`,
    );
  });

  test("what is not JSON, or not a model's", async () => {
    await writeFile(path("model.json"), "{");
    await expect(load(path("model.json"))).rejects.toThrow(
      `A model cannot be loaded from ${path("model.json")}: it is not JSON: `,
    );
    for (const text of ["[]", "3", "null", "{}", '{"weights": 1}']) {
      await writeFile(path("model.json"), text);
      await expect(load(path("model.json"))).rejects.toThrow(
        'it has neither "modelTopology" nor "weightsManifest", expected the JSON file of a TensorFlow.js model.',
      );
    }
  });

  test.each([
    [{}, 'its "weightsManifest" is a value of type object, expected a list of groups'],
    [[null], '"paths" of group 0 of its "weightsManifest" is missing, expected a list of file names'],
    [
      [{ paths: [1], weights: [] }],
      '"paths" of group 0 of its "weightsManifest" is a list of something else, expected',
    ],
    [[{ paths: [] }], '"weights" of group 0 of its "weightsManifest" is missing, expected a list'],
    [[{ paths: [], weights: [{}] }], `a weight's "name" is missing, expected a string`],
    [
      [{ paths: [], weights: [{ name: "v", shape: [-1] }] }],
      'the shape of its weight "v" is [-1], expected a list of sizes',
    ],
    [
      [{ paths: [], weights: [{ name: "v", shape: [1], dtype: "toString" }] }],
      'its weight "v" has the dtype "toString", expected one of float32, int32, bool, complex64, uint8, uint16, float16, string',
    ],
  ])("a manifest that is none: %j", async (manifest, message) => {
    const loading = load(await writeModel(manifest));
    await expect(loading).rejects.toThrow(`${path("model.json")} cannot be read: ${message}`);
    await expect(loading).rejects.toThrow(ModelFileError);
  });

  test("weights that are missing, too short or too long", async () => {
    const model = await writeModel([{ paths: ["a", "b"], weights: [vector("v", 3)] }]);
    await writeFile(path("a"), new Uint8Array(8));
    await expect(load(model)).rejects.toThrow(
      `${model} names the weights file "b", which is not there: ${path("b")} does not exist.`,
    );
    await mkdir(path("b"));
    await expect(load(model)).rejects.toThrow(`${model} names the weights file "b", but ${path("b")} is a folder.`);
    for (const length of [0, 3, 5]) {
      await rm(path("b"), { recursive: true });
      await writeFile(path("b"), new Uint8Array(length));
      await expect(load(model)).rejects.toThrow(
        `The 2 weights files ${path("a")}, ${path("b")} have ${8 + length} bytes, expected 12 for the weights`,
      );
    }
    const one = await writeModel([{ paths: ["a"], weights: [vector("v", 3)] }]);
    await expect(load(one)).rejects.toThrow(`${path("a")} has 8 bytes, expected 12 for the weights that the manifest`);
    const huge = await writeModel([{ paths: ["a"], weights: [vector("v", 2 ** 50)] }]);
    await expect(load(huge)).rejects.toThrow(`${path("a")} has 8 bytes, expected ${2 ** 52} for the weights`);
    const none = await writeModel([{ paths: [], weights: [vector("v", 1)] }]);
    await expect(load(none)).rejects.toThrow(
      `${none} names no weights file, which gives 0 bytes, expected 4 for the weights that the manifest lists (1).`,
    );
  });

  test("paths and links that lead out of the model's folder", async () => {
    await mkdir(path("model"));
    await writeFile(path("secret"), new Uint8Array(4));
    for (const name of ["../secret", "x/../../secret", path("secret"), "", ".", "a\0b"]) {
      const model = await writeModel([{ paths: [name], weights: [vector("v", 1)] }], "model/model.json");
      await expect(load(model)).rejects.toThrow(
        `${model} names the weights file ${JSON.stringify(name)}, expected a path within its own folder.`,
      );
    }
    const model = await writeModel([{ paths: ["weights.bin"], weights: [vector("v", 1)] }], "model/model.json");
    await symlink("../secret", path("model/weights.bin"));
    await expect(load(model)).rejects.toThrow(
      `${model} names the weights file "weights.bin", which is a link out of its folder.`,
    );
    await rm(path("model/weights.bin"));
    await writeFile(path("model/here"), new Uint8Array(4));
    await symlink("here", path("model/weights.bin"));
    expect((await fileSystem(model).load()).weightData).toEqual(new ArrayBuffer(4));
  });
});

describe("what cannot be saved is said, and what was there stays", () => {
  test("a file where the folder should be", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(makeModel().save(`file://${folder}/file`)).rejects.toThrow(
      `A model cannot be saved in ${folder}/file: it is a file, expected a folder or a free name.`,
    );
    await expect(makeModel().save(`file://${folder}/file/below`)).rejects.toThrow(
      `A model cannot be saved in ${folder}/file/below: a part of its path is a file, expected a folder or a free name.`,
    );
  });

  test("a binary topology, several paths", async () => {
    await expect(fileSystem(folder).save({ modelTopology: new ArrayBuffer(1) })).rejects.toThrow(
      `${folder}: the model's topology is binary, expected JSON, as models of tfjs have it.`,
    );
    expect(() => fileSystem(["a", "b"] as never)).toThrow("A model's path is 2 of them, expected one path");
  });

  test("a failure leaves the files of before, and nothing beside them", async () => {
    await fileSystem(folder).save({ modelTopology: { version: 1 }, weightSpecs: [], weightData: new ArrayBuffer(8) });
    const before = await Promise.all(["model.json", "weights.bin"].map((name) => readFile(join(folder, name))));
    const circle: { self?: object } = {};
    circle.self = circle;
    await expect(fileSystem(folder).save({ modelTopology: circle, weightData: new ArrayBuffer(4) })).rejects.toThrow(
      "circular",
    );
    const detached = new ArrayBuffer(4);
    structuredClone(detached, { transfer: [detached] });
    await expect(
      fileSystem(folder).save({ modelTopology: { version: 2 }, weightData: [new ArrayBuffer(4), detached] }),
    ).rejects.toThrow("detached");
    expect(await readdir(folder)).toEqual(["model.json", "weights.bin"]);
    const after = await Promise.all(["model.json", "weights.bin"].map((name) => readFile(join(folder, name))));
    expect(after).toEqual(before);
  });

  test("files are replaced and not written into: who has them open goes on reading what was there", async () => {
    await fileSystem(folder).save({ modelTopology: { version: 1 }, weightSpecs: [], weightData: new ArrayBuffer(8) });
    for (const name of ["model.json", "weights.bin"]) {
      await link(join(folder, name), join(folder, `old ${name}`));
    }
    await fileSystem(folder).save({ modelTopology: { version: 2 }, weightSpecs: [], weightData: new ArrayBuffer(4) });
    expect(await readFile(join(folder, "old model.json"), "utf8")).toContain('{"version":1}');
    expect((await readFile(join(folder, "old weights.bin"))).length).toBe(8);
    expect((await readFile(join(folder, "weights.bin"))).length).toBe(4);
  });
});
