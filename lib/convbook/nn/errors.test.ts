import { describe, expect, it } from "vitest";
import { Activation, nearestNames, parseActivationName, StateDictError } from "./index.ts";

describe("nearestNames", () => {
  it("finds slips, other cases and parts, nearest first", () => {
    expect(nearestNames("Resnet", ["ResNet", "DenseNet", "GoogleNet"])[0]).toBe("ResNet");
    expect(nearestNames("dense_net", ["ResNet", "DenseNet"])).toEqual(["DenseNet"]);
    expect(nearestNames("tahn", ["tanh", "relu"])).toEqual(["tanh"]);
    expect(nearestNames("xyz", ["tanh", "relu"])).toEqual([]);
  });
});

describe("activation names", () => {
  it("are understood in the ways that people write them", () => {
    expect(["ReLU", "leaky_relu", "swish", "GELU", "linear"].map(parseActivationName)).toEqual([
      "relu",
      "leakyrelu",
      "silu",
      "gelu",
      "identity",
    ]);
  });

  it("give the nearest right name otherwise", () => {
    expect(() => new Activation("gellu")).toThrow('Unknown activation "gellu". Did you mean "gelu"');
    expect(() => new Activation("__proto__")).toThrow("Unknown activation");
    expect(() => new Activation("constructor")).toThrow("Unknown activation");
  });
});

describe("StateDictError", () => {
  it("stays readable, and quick to make, for a hostile number of names", () => {
    const names = (prefix: string) => Array.from({ length: 100_000 }, (_, i) => `${prefix}.${i}`);
    const problems = { missing: names("a"), unexpected: [...names("b"), "x".repeat(1e6)], misshapen: [] };
    const error = new StateDictError("Net", problems);
    expect(error.missing.length).toBe(100_000);
    expect(error.message).toContain("... and 98000 more");
    expect(error.message.length).toBeLessThan(200_000);
  });
});
