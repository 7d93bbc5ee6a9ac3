import "@tensorflow/tfjs-backend-cpu";
import { describe, expect, it } from "vitest";
import { Cifar100ResNet, ImageNetResNet, imageNetResNet } from "./index.ts";

describe("Cifar100ResNet", () => {
  it("saves a shared identity block once, and counts it once", () => {
    const shared = new Cifar100ResNet({ width: 4 });
    const unshared = new Cifar100ResNet({ width: 4, shared: false });
    expect(shared.stateShapes().has("ident2.0.weight")).toBe(true);
    expect(unshared.stateShapes().has("ident2.2.0.weight")).toBe(true);
    const identity = (stage: string) => shared.getSubmodule(stage).parameterCount();
    const more = 2 * identity("ident2") + 3 * identity("ident3") + identity("ident4");
    expect(unshared.parameterCount() - shared.parameterCount()).toBe(more);
  });
});

describe("ImageNetResNet", () => {
  const tiny = { layers: [1, 1, 1, 1], widthPerGroup: 8, numClasses: 2 } as const;

  it("starts every block as the identity where asked to", () => {
    const model = new ImageNetResNet({ ...tiny, zeroInitResidual: true });
    const state = model.stateDict();
    expect([...(state.get("layer2.0.bn3.weight")?.data ?? [])].every((value) => value === 0)).toBe(true);
    expect([...(state.get("layer2.0.bn2.weight")?.data ?? [])].every((value) => value === 1)).toBe(true);
  });

  it("says what is wrong with its hyper-parameters", () => {
    expect(() => imageNetResNet("resnet5" as "resnet50")).toThrow('Unknown model "resnet5". Did you mean "resnet50"');
    expect(() => new ImageNetResNet({ ...tiny, layers: [1, 1] })).toThrow(
      "layers must be the number of blocks of each",
    );
    expect(() => new ImageNetResNet({ ...tiny, replaceStrideWithDilation: [true] })).toThrow("three truth values");
    expect(() => imageNetResNet("resnet18", { widthPerGroup: 32 })).toThrow("use a Bottleneck");
    expect(() => new ImageNetResNet({ ...tiny, normLayer: "BatchNorm" as "GroupNorm" })).toThrow(
      "Unknown normalisation",
    );
  });
});
