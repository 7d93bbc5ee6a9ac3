/** What the type checker knows of models: what each takes and gives, by whatever way it was come by. `tsc` checks it. */
import "@tensorflow/tfjs-backend-cpu";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import { loadFromCheckpoint, saveCheckpoint } from "../checkpoints/index.ts";
import type { Detection } from "../nn/blocks/index.ts";
import type { AnyModule } from "../nn/index.ts";
import {
  type Cifar100ResNet,
  createModel,
  createModelFrom,
  type DenseNet,
  defaultResnetConfig,
  type Fots,
  type GoogleNet,
  hparam,
  type ImageNetResNet,
  type ModelOutput,
  type ResNet,
  type ResNet1d,
  ResnetClassifier,
  registerModel,
  type SomeModel,
} from "./index.ts";

const patterns = ({ numClasses = 3 }: { readonly numClasses?: number } = {}) =>
  new ResnetClassifier({
    ...defaultResnetConfig,
    resDims: [2],
    resKernel: [3],
    resStride: [2],
    numBlocks: [1],
    outputDim: numClasses,
  });

declare module "./registered-models.ts" {
  interface RegisteredModels {
    TypedPatterns: typeof patterns;
  }
}

const folder = mkdtempSync(join(tmpdir(), "convbook-model-types-"));
const path = join(folder, "patterns.ckpt");
const pattern = () => tf.ones<tf.Rank.R3>([2, 40, 1]);
const image = () => tf.ones<tf.Rank.R4>([1, 8, 8, 3]);

beforeAll(async () => {
  await tf.setBackend("cpu");
  registerModel("TypedPatterns", patterns, { numClasses: hparam.integer(1, 10) });
  await saveCheckpoint(path, {
    state_dict: patterns().stateDict(),
    hyper_parameters: { model_name: "TypedPatterns", model_hparams: {} },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("a model", () => {
  it("takes and gives what its class says", () => {
    type Images = (x: tf.Tensor4D) => tf.Tensor2D;
    expectTypeOf<ResNet["forward"]>().toEqualTypeOf<Images>();
    expectTypeOf<DenseNet["forward"]>().toEqualTypeOf<Images>();
    expectTypeOf<GoogleNet["forward"]>().toEqualTypeOf<Images>();
    expectTypeOf<Cifar100ResNet["forward"]>().toEqualTypeOf<Images>();
    expectTypeOf<ImageNetResNet["forward"]>().toEqualTypeOf<Images>();
    expectTypeOf<ResNet1d["forward"]>().toEqualTypeOf<(x: tf.Tensor3D) => tf.Tensor3D>();
    expectTypeOf<ResnetClassifier["forward"]>().toEqualTypeOf<(x: tf.Tensor3D, labels?: tf.Tensor1D) => ModelOutput>();
    expectTypeOf<Fots["forward"]>().toEqualTypeOf<(x: tf.Tensor4D) => Detection>();
  });

  it("whose name is said is of its class", () => {
    const model = createModel("TypedPatterns", { numClasses: 2 });
    expectTypeOf(model).toEqualTypeOf<ResnetClassifier>();
    expect(model.forward(pattern()).logits.shape).toEqual([2, 2]);
    // @ts-expect-error: an image is no pattern
    expect(() => model.forward(image())).toThrow("[N, L, C]");
    expectTypeOf(
      createModel("ResNet")
        .outputNet.at(-1)
        .forward(tf.zeros<tf.Rank.R2>([1, 64])),
    ).toEqualTypeOf<tf.Tensor2D>();
  });

  it("whose name only the program knows gives what the models give that take what it is given", () => {
    const network = createModelFrom("ResNet", { num_blocks: [1], c_hidden: [4] });
    expectTypeOf(network).toEqualTypeOf<SomeModel>();
    expectTypeOf(network).toExtend<AnyModule>();
    expectTypeOf(network.eval().forward(image())).toEqualTypeOf<tf.Tensor2D>();
    const other = createModelFrom("TypedPatterns", {});
    expectTypeOf(other.forward(pattern())).toEqualTypeOf<ModelOutput>();
    expectTypeOf(other.forward(pattern(), tf.tensor1d([0, 1], "int32"))).toEqualTypeOf<ModelOutput>();
    const weights = () => network.forward("text");
    expectTypeOf(weights).returns.toEqualTypeOf<unknown>();
  });
});

describe("loadFromCheckpoint", () => {
  it("knows the class where it is told the name", async () => {
    const { model } = await loadFromCheckpoint(path, { modelName: "TypedPatterns" });
    expectTypeOf(model).toEqualTypeOf<ResnetClassifier>();
    expect(model.forward(pattern()).logits.shape).toEqual([2, 3]);
  });

  it("gives what the models give that take what they are given, where only the file knows the name", async () => {
    const { model } = await loadFromCheckpoint(path);
    expectTypeOf(model).toEqualTypeOf<SomeModel>();
    const output = model.forward(pattern());
    expectTypeOf(output).toEqualTypeOf<ModelOutput>();
    expect(output.logits.shape).toEqual([2, 3]);
    const name: string = "TypedPatterns";
    const again = await loadFromCheckpoint(path, { modelName: name });
    expectTypeOf(again.model).toEqualTypeOf<SomeModel>();
  });
});
