import "@tensorflow/tfjs-backend-cpu";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createModel, modelNames } from "../models/index.ts";
import { Linear, Module, StateDictError } from "../nn/index.ts";
import type { StateDict } from "../tensor-data.ts";
import { saveCheckpoint } from "./container/checkpoint.ts";
import { CheckpointError } from "./error.ts";
import { prefixOf, withoutWrappers } from "./find-weights.ts";
import { loadFromCheckpoint } from "./load-model.ts";
import { loadWeights } from "./load-weights.ts";
import { saveSafetensors } from "./safetensors/write.ts";

const tutorial = fileURLToPath(new URL("../../../../shared/data/uva-tutorial5/", import.meta.url));

const published = [
  ["GoogleNet", 260_650, 180],
  ["ResNet", 272_378, 162],
  ["ResNetPreAct", 272_250, 171],
  ["DenseNet", 239_146, 167],
] as const;

describe.runIf(existsSync(tutorial))("the tutorial's checkpoints", () => {
  it.each(published)("%s becomes a model", async (name, parameters, epoch) => {
    const loaded = await loadFromCheckpoint(join(tutorial, `${name}.ckpt`));
    expect(loaded.model.parameters().reduce((sum, { size }) => sum + size, 0)).toBe(parameters);
    expect(loaded.epoch).toBe(epoch);
    expect(loaded.globalStep).toBe(epoch * 351);
    expect(loaded.hyperParameters.optimizer_name).toBe(name === "GoogleNet" || name === "DenseNet" ? "Adam" : "SGD");
    loaded.model.dispose();
  });
});

describe("a checkpoint of a model", () => {
  let folder: string;
  let stateDict: StateDict;
  const hparams = { num_classes: 3, num_blocks: [1, 1], c_hidden: [4, 8] };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "convbook-"));
    const model = createModel("ResNet", { numClasses: 3, numBlocks: [1, 1], cHidden: [4, 8] });
    stateDict = model.stateDict();
    model.dispose();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const prefixed = (prefix: string) =>
    new Map(Array.from(stateDict, ([key, tensor]) => [prefix + key, tensor] as const));
  const save = async (name: string, data: Record<string, unknown>) => {
    await saveCheckpoint(join(folder, name), data);
    return join(folder, name);
  };
  const failure = async (path: string, options = {}) => {
    const error = await loadFromCheckpoint(path, options).catch((caught: unknown) => caught);
    if (!(error instanceof CheckpointError)) {
      throw new Error(`expected a CheckpointError, got ${error}`);
    }
    expect(error.file).toBe(path);
    return error;
  };

  it.each(["a.ckpt", "a.safetensors"])("is loaded from %s with either spelling", async (name) => {
    for (const data of [
      {
        epoch: 2,
        global_step: 10,
        state_dict: prefixed("model."),
        hyper_parameters: { model_name: "ResNet", model_hparams: hparams },
      },
      { epoch: 2, globalStep: 10, stateDict, hyperParameters: { modelName: "ResNet", modelHparams: { ...hparams } } },
    ]) {
      const { model, epoch, globalStep } = await loadFromCheckpoint(await save(name, data));
      expect(model.stateDict()).toEqual(stateDict);
      expect({ epoch, globalStep }).toEqual({ epoch: 2, globalStep: 10 });
      model.dispose();
    }
  });

  it("is loaded from weights alone when told which model it is", async () => {
    const path = join(folder, "weights.safetensors");
    await saveSafetensors(path, stateDict);
    expect((await failure(path)).message).toBe(
      `${path}: the checkpoint does not say which model it is (its hyper-parameters have no "model_name"); give the option ` +
        `modelName (${modelNames().join(", ")}), and modelHparams where they are not the model's defaults, as ` +
        'in loadFromCheckpoint(path, { modelName: "ResNet", modelHparams: { numClasses: 10 } })',
    );
    const { model, epoch } = await loadFromCheckpoint(path, { modelName: "ResNet", modelHparams: hparams });
    expect(epoch).toBeUndefined();
    model.dispose();
  });

  it("is refused under a name that is misspelt, by the type checker too", async () => {
    const path = join(folder, "misspelt.safetensors");
    await saveSafetensors(path, stateDict);
    // @ts-expect-error: no model is named "ResNett"; one of your own is declared in RegisteredModels
    await expect(loadFromCheckpoint(path, { modelName: "ResNett" })).rejects.toThrow(
      'Unknown model "ResNett". Did you mean "ResNet" or ',
    );
    const read: string = "ResNett";
    await expect(loadFromCheckpoint(path, { modelName: read })).rejects.toThrow(CheckpointError);
  });

  const named = { modelName: "ResNet", modelHparams: hparams };
  const wrap = (key: string): Record<string, unknown> => ({ epoch: 1, [key]: stateDict, optimizer: { lr: 0.1 } });

  it.each(["state_dict", "model_state_dict", "model", "net", "weights", "network", "module", "params"])(
    "is loaded from the key %s",
    async (key) => {
      const { model, epoch } = await loadFromCheckpoint(await save("key.pt", wrap(key)), named);
      expect(model.stateDict()).toEqual(stateDict);
      expect(epoch).toBe(1);
      model.dispose();
    },
  );

  it.each([
    ["state_dict", "state_dict_ema"],
    ["model", "model_ema"],
  ])(
    "is loaded from the averaged weights that timm keeps beside %s, unless the others are asked for",
    async (key, averaged) => {
      const other = createModel("ResNet", { numClasses: 3, numBlocks: [1, 1], cHidden: [4, 8] });
      const raw = other.stateDict();
      other.dispose();
      const path = await save("averaged.pt", { [key]: raw, [averaged]: stateDict });
      for (const [options, expected] of [
        [{}, stateDict],
        [{ weightsKey: key }, raw],
      ] as const) {
        const { model } = await loadFromCheckpoint(path, { ...named, ...options });
        expect(model.stateDict()).toEqual(expected);
        model.dispose();
      }
      expect(raw).not.toEqual(stateDict);
    },
  );

  it.each([
    ...["", "module.", "_orig_mod.", "model.", "net.", "module._orig_mod.", "_orig_mod.module.", "model.module."],
    ...["model._orig_mod.", "_forward_module.", "a.stranger.s."],
  ])("is loaded bare, with %j before its names", async (prefix) => {
    const bare = Object.fromEntries(prefixed(prefix));
    const { model } = await loadFromCheckpoint(await save("bare.pth", bare), named);
    expect(model.stateDict()).toEqual(stateDict);
    model.dispose();
  });

  it("is loaded with wrappers in the middle of its names, and with weights of others beside", async () => {
    const state_dict = new Map<string, unknown>([
      ["loss.weight", { dtype: "float32", shape: [1], data: Float32Array.of(1) }],
    ]);
    for (const [name, tensor] of stateDict) {
      state_dict.set(`model.${name.replace(".", "._orig_mod.")}`, tensor);
    }
    const { model } = await loadFromCheckpoint(await save("middle.pth", { state_dict }), named);
    expect(model.stateDict()).toEqual(stateDict);
    model.dispose();
  });

  it("is loaded from a key that is given, else the keys are listed", async () => {
    const path = await save("ema.pt", { epoch: 3, ema: stateDict, names: ["a", "b"], note: null });
    const { model } = await loadFromCheckpoint(path, { ...named, weightsKey: "ema" });
    model.dispose();
    const keys = `"epoch" (number), "ema" (a dict of ${stateDict.size} tensors), "names" (a list of 2), "note" (nothing)`;
    expect((await failure(path, named)).detail).toBe(
      `the checkpoint has no state dict where one is looked for; give the option weightsKey; it has ${keys}`,
    );
    expect((await failure(path, { ...named, weightsKey: "emma" })).detail).toBe(
      `the checkpoint has no key "emma"; it has ${keys}`,
    );
  });

  it("tells every entry that does not fit", async () => {
    const wrong: StateDict = new Map(prefixed("model."));
    wrong.delete("model.output_net.2.bias");
    wrong.set("model.output_net.2.bios", { dtype: "float32", shape: [3], data: new Float32Array(3) });
    wrong.set("model.input_net.1.weight", { dtype: "float32", shape: [5], data: new Float32Array(5) });
    const path = await save("wrong.ckpt", {
      state_dict: wrong,
      hyper_parameters: { model_name: "ResNet", model_hparams: hparams },
    });
    const error = await failure(path);
    expect(error.reason).toBe("mismatch");
    expect(error.cause).toBeInstanceOf(StateDictError);
    expect(error.message).toContain("output_net.2.bias (nearest: output_net.2.bios)");
    expect(error.message).toContain("input_net.1.weight: expected [4], got [5]");
    const { model } = await loadFromCheckpoint(path, { strict: false }).catch(() => ({ model: undefined }));
    expect(model).toBeUndefined();
  });

  it("of an unknown model tells the nearest", async () => {
    const path = await save("name.ckpt", {
      state_dict: stateDict,
      hyper_parameters: { model_name: "ResNett", model_hparams: {} },
    });
    expect((await failure(path)).message).toContain('Unknown model "ResNett". Did you mean "ResNet"');
  });

  it("of absurd size is refused before anything is built", async () => {
    const absurd = { ...hparams, c_hidden: [1e12, 8] };
    const path = await save("size.ckpt", {
      state_dict: stateDict,
      hyper_parameters: { model_name: "ResNet", model_hparams: absurd },
    });
    expect((await failure(path)).message).toContain("cHidden[0] must be a whole number");
  });

  it("without a state dict, or with one that holds something else, is refused", async () => {
    const hyper_parameters = { model_name: "ResNet", model_hparams: hparams };
    const none = await failure(await save("none.ckpt", { hyper_parameters }));
    expect(none.message).toContain("the checkpoint has no state dict where one is looked for");
    const other = await failure(await save("other.ckpt", { hyper_parameters, state_dict: new Map([["a", 1]]) }));
    expect(other.message).toContain('entry "a" of the state dict is not a tensor');
    const prefix = await failure(await save("prefix.ckpt", { hyper_parameters, state_dict: stateDict }), {
      prefix: "net.",
    });
    expect(prefix.message).toContain(
      'no entry of the state dict begins with "net."; the first is "input_net.0.weight"',
    );
  });
});

describe("weights for a module of one's own", () => {
  const folder = mkdtempSync(join(tmpdir(), "convbook-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  class Net extends Module<[x: tf.Tensor2D], tf.Tensor2D> {
    fc = new Linear(3, 2);
    forward(x: tf.Tensor2D): tf.Tensor2D {
      return this.fc.forward(x);
    }
  }

  it.each([
    ["bare.pt", "", undefined],
    ["wrapped.pt", "module._orig_mod.", "net"],
    ["lightning.ckpt", "model.", "state_dict"],
  ])("%s: they are found, and wrappers' prefixes are taken off", async (name, prefix, key) => {
    const [from, to] = [new Net(), new Net()];
    const state = new Map(Array.from(from.stateDict(), ([entry, tensor]) => [prefix + entry, tensor] as const));
    const path = join(folder, name);
    await saveCheckpoint(path, key === undefined ? Object.fromEntries(state) : { epoch: 1, [key]: state });
    expect(await loadWeights(to, path)).toEqual({ missing: [], unexpected: [] });
    expect(to.stateDict()).toEqual(from.stateDict());
  });

  it("that do not fit are told with the file's name, and nothing is loaded", async () => {
    const path = join(folder, "other.pt");
    const weight = { dtype: "float32" as const, shape: [2, 3], data: new Float32Array(6) };
    await saveCheckpoint(path, { net: new Map([["fc.weight", weight]]) });
    const net = new Net();
    const before = net.stateDict();
    await expect(loadWeights(net, path)).rejects.toThrow(/other\.pt.*fc\.bias/s);
    await expect(loadWeights(net, path)).rejects.toBeInstanceOf(CheckpointError);
    expect(net.stateDict()).toEqual(before);
    expect(await loadWeights(net, path, { strict: false })).toEqual({ missing: ["fc.bias"], unexpected: [] });
    expect(net.stateDict().get("fc.weight")?.data).toEqual(new Float32Array(6));
  });
});

describe("what stands before the names", () => {
  it("is left alone where the model has it itself", () => {
    const own = ["model.weight", "model.bias", "net.model.weight"];
    expect(prefixOf(own, own)).toBe("");
    expect(
      prefixOf(
        own.map((name) => `model.${name}`),
        own,
      ),
    ).toBe("model.");
    expect(prefixOf(["module.x", "module.y"], ["a", "b"])).toBe("module.");
    expect(prefixOf(["_orig_mod.x"], ["_orig_mod.x"])).toBe("");
  });

  it("and so are wrappers' names that are the model's own", () => {
    const tensor = { dtype: "float32" as const, shape: [1], data: Float32Array.of(1) };
    const weights: StateDict = new Map([["a._orig_mod.b", tensor]]);
    expect(withoutWrappers(weights, ["a._orig_mod.b"])).toEqual(weights);
    expect([...withoutWrappers(weights, ["a.b"]).keys()]).toEqual(["a.b"]);
  });
});
