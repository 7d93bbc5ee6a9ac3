/** Models and blocks of the library's users, under names of their own. */
import "@tensorflow/tfjs-backend-cpu";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { loadFromCheckpoint, saveCheckpoint } from "../checkpoints/index.ts";
import { Conv2d, Module, OptionError, UnknownNameError } from "../nn/index.ts";
import { ClassificationModule } from "../training/index.ts";
import {
  createModel,
  createModelFrom,
  hparam,
  modelInputShape,
  modelNames,
  ResNet,
  type ResNetHparams,
  registerBlock,
  registerModel,
  residualBlockNames,
} from "./index.ts";

interface TinyHparams {
  readonly numClasses?: number;
  readonly slope?: number;
}

class Tiny extends Module<[x: tf.Tensor4D], tf.Tensor2D> {
  readonly slope: number;
  conv: Conv2d;

  constructor({ numClasses = 2, slope = 1 }: TinyHparams = {}) {
    super();
    this.slope = slope;
    this.conv = new Conv2d(3, numClasses, { kernelSize: 1 });
  }

  forward(x: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => tf.mul(tf.mean<tf.Tensor2D>(this.conv.forward(x), [1, 2]), this.slope));
  }
}

class Scaled extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly given: object;
  conv: Conv2d;

  constructor(cIn: number, { subsample = false, cOut = cIn, ...rest }: { subsample?: boolean; cOut?: number } = {}) {
    super();
    this.given = rest;
    this.conv = new Conv2d(cIn, subsample ? cOut : cIn, { kernelSize: 1, stride: subsample ? 2 : 1 });
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.conv.forward(x);
  }
}

// Where they are declared: what is declared of a file that passes them on would hide what users declare of "convbook".
declare module "./registered-models.ts" {
  interface RegisteredModels {
    Tiny: typeof Tiny;
    TinyByFunction: (hparams: TinyHparams) => Tiny;
    ScaledResNet: (hparams: ResNetHparams) => ResNet;
  }
}
declare module "./registered-blocks.ts" {
  interface RegisteredBlocks {
    Scaled: Scaled;
  }
}

const folder = mkdtempSync(join(tmpdir(), "convbook-models-"));
const notebook = Symbol.for("jupyter.notebook.io");

beforeAll(async () => {
  await tf.setBackend("cpu");
  registerModel("Tiny", Tiny, { numClasses: hparam.integer(1, 10), slope: hparam.number(0, 1) });
  registerModel(
    "TinyByFunction",
    (hparams: TinyHparams) => new Tiny(hparams),
    ({ numClasses }) => ({ numClasses: Number(numClasses) }),
    { inputShape: [8, 8, 3] },
  );
  registerBlock("Scaled", Scaled);
  registerModel("ScaledResNet", (hparams: ResNetHparams) => new ResNet({ ...hparams, blockName: "Scaled" }), {
    numClasses: hparam.integer(1, 10),
    numBlocks: hparam.integers(1, 10),
    cHidden: hparam.integers(1, 10),
    actFnName: hparam.activationName,
    blockName: hparam.choice("block", ["Scaled"]),
  });
  return () => rmSync(folder, { recursive: true });
});

afterEach(() => {
  Reflect.deleteProperty(globalThis, notebook);
});

describe("registerModel", () => {
  it("gives a model a name that is listed, with typed hyper-parameters", () => {
    expect(modelNames()).toContain("Tiny");
    expect(modelNames().indexOf("GoogleNet")).toBe(0);
    const model: Tiny = createModel("Tiny", { numClasses: 4 });
    expect(model.conv.outChannels).toBe(4);
    expect(createModel("TinyByFunction", { numClasses: 3 }).conv.outChannels).toBe(3);
    expect(modelInputShape("Tiny")).toEqual([32, 32, 3]);
    expect(modelInputShape("TinyByFunction")).toEqual([8, 8, 3]);
    // @ts-expect-error: a name that nobody declared
    expect(() => createModel("Tinny")).toThrow('Unknown model "Tinny". Did you mean "Tiny"');
    // @ts-expect-error: a hyper-parameter of another type
    expect(() => createModel("Tiny", { numClasses: "four" })).toThrow(OptionError);
  });

  it("checks what a file says, under Python's names or ours", () => {
    expect(createModelFrom("Tiny", new Map([["num_classes", 5n]])).parameterCount()).toBe(20);
    expect(() => createModelFrom("Tiny", { num_clases: 5 })).toThrow(
      'Unknown hyper-parameter of Tiny "num_clases". Did you mean "numClasses"',
    );
    expect(() => createModelFrom("Tiny", { num_classes: 11 })).toThrow(
      "Tiny: numClasses must be a whole number from 1 to 10, got 11.",
    );
    expect(() => createModelFrom("Tiny", { slope: 2 })).toThrow("Tiny: slope must be a number from 0 to 1, got 2.");
    expect(createModelFrom("TinyByFunction", { num_classes: 7 }).parameterCount()).toBe(28);
  });

  it("refuses a name that is taken, the library's own always", () => {
    const again = () => registerModel("Tiny", Tiny, { numClasses: hparam.integer(1, 10), slope: hparam.number(0, 1) });
    expect(again).toThrow(OptionError);
    expect(again).toThrow(
      "registerModel: name must be registered once (only in a notebook does a later definition replace an earlier one), " +
        'got "Tiny".',
    );
    Reflect.set(globalThis, notebook, {});
    const own = () => registerModel("ResNet", Tiny, {} as never);
    expect(own).toThrow('registerModel: name must be another than the library\'s own, got "ResNet".');
    expect(() => registerBlock("ResNetBlock", Scaled)).toThrow(
      "registerBlock: name must be another than the library's own",
    );
  });

  it("replaces an earlier definition in a notebook, where cells are run again", () => {
    registerModel("Again", (_: object) => new Tiny({ numClasses: 1 }), {});
    Reflect.set(globalThis, notebook, {});
    registerModel("Again", (_: object) => new Tiny({ numClasses: 9 }), {});
    expect(createModelFrom("Again", {}).parameterCount()).toBe(36);
    expect(modelNames().filter((name) => String(name) === "Again")).toHaveLength(1);
  });

  it.each([
    [() => registerModel("", Tiny, {} as never), 'registerModel: name must be a text, got "".'],
    [() => registerModel("A", 5 as never, {}), "registerModel: factory must be a function, got 5."],
    [
      () => registerModel("A", Tiny, undefined as never),
      "registerModel: parse must be a check for each hyper-parameter",
    ],
    [() => registerModel("A", Tiny, {} as never, { shape: [] } as never), 'registerModel has no option "shape".'],
    [() => registerBlock("A", null as never), "registerBlock: factory must be a function, got null."],
  ])("names the argument that is wrong (%#)", (register, message) => {
    expect(register).toThrow(message);
    expect(modelNames()).not.toContain("A");
  });

  it("says what a factory gives that is no module, and a parser that is no object", () => {
    registerModel("NoModule", () => 5 as never, {});
    expect(() => createModelFrom("NoModule", {})).toThrow(
      "The model NoModule: what its factory returns must be a Module, got 5.",
    );
    registerModel("NoObject", Tiny, () => 5 as never);
    expect(() => createModelFrom("NoObject", {})).toThrow("NoObject: what parse returns must be an object, got 5.");
  });

  it("keeps the bound on what a file may ask for", () => {
    registerModel("Wide", (_: object) => new Conv2d(1e5, 1e5, { kernelSize: 1 }), {});
    expect(() => createModelFrom("Wide", {})).toThrow("within the bound for files");
  });

  it("goes through a checkpoint and back, by loadFromCheckpoint and by the training module", async () => {
    const x = tf.randomUniform<tf.Rank.R4>([2, 4, 4, 3]);
    const module = new ClassificationModule({ modelName: "Tiny", modelHparams: { numClasses: 3, slope: 0.5 } });
    const path = join(folder, "tiny.ckpt");
    await saveCheckpoint(path, {
      state_dict: module.stateDict(),
      hyper_parameters: { model_name: "Tiny", model_hparams: { num_classes: 3, slope: 0.5 } },
    });
    const wanted = module.forward(x).dataSync();
    const { model } = await loadFromCheckpoint(path);
    expect(model).toBeInstanceOf(Tiny);
    expect(model.forward(x).dataSync()).toEqual(wanted);
    const again = await ClassificationModule.loadFromCheckpoint(path);
    expect(again.model).toBeInstanceOf(Tiny);
    expect(again.forward(x).dataSync()).toEqual(wanted);
  });

  it("says of a file with an unknown name what to do", async () => {
    const path = join(folder, "unknown.ckpt");
    await saveCheckpoint(path, { state_dict: new Tiny().stateDict(), hyper_parameters: { model_name: "Gone" } });
    await expect(loadFromCheckpoint(path)).rejects.toThrow(
      "A model of your own has its name from registerModel: run that first.",
    );
    expect(() => createModelFrom("Gone", {})).toThrow(UnknownNameError);
  });
});

describe("registerBlock", () => {
  it("gives ResNet another block, made as its own are", () => {
    expect(residualBlockNames().slice(0, 3)).toEqual(["ResNetBlock", "PreActResNetBlock", "Scaled"]);
    const model = createModel("ResNet", { blockName: "Scaled", numBlocks: [1, 1], cHidden: [2, 4], actFnName: "gelu" });
    const blocks = model.blocks.children();
    expect(blocks.map((block) => block.typeName)).toEqual(["Scaled", "Scaled"]);
    expect(blocks.map((block) => (block instanceof Scaled ? block.given : null))).toEqual([
      { actFn: "gelu" },
      { actFn: "gelu" },
    ]);
    expect(model.forward(tf.zeros([1, 8, 8, 3])).shape).toEqual([1, 10]);
    expect(model.inputNet.children()).toHaveLength(3);
    expect(createModel("ScaledResNet", { numClasses: 3 }).forward(tf.zeros([1, 8, 8, 3])).shape).toEqual([1, 3]);
    expect(() => createModelFrom("ResNet", { block_name: "Scale" })).toThrow(
      'Unknown residual block "Scale". Did you mean "Scaled"',
    );
  });

  it("leaves out the normalisation behind the first convolution for pre-activation blocks", () => {
    registerBlock("ScaledPreAct", (cIn, options) => new Scaled(cIn, options), { preActivation: true });
    const model = createModelFrom("ResNet", { block_name: "ScaledPreAct" });
    expect(model.getSubmodule("input_net").children()).toHaveLength(1);
    registerBlock("NoBlock", () => 5 as never);
    expect(() => createModelFrom("ResNet", { block_name: "NoBlock" })).toThrow(
      "The block NoBlock: what its factory returns must be a Module, got 5.",
    );
  });
});
