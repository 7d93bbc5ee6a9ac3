import "@tensorflow/tfjs-backend-cpu";
import { describe, expect, it } from "vitest";
import { fillNormal, fillUniform, Generator } from "../random/index.ts";
import { Conv2d, init, Linear, Parameter, UnknownNameError } from "./index.ts";
import { conv2dLayout } from "./parameter.ts";

const values = (parameter: Parameter) => [...parameter.toTensorData().data].map(Number);
const moments = (numbers: readonly number[]) => {
  const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length;
  return { mean, std: Math.sqrt(numbers.reduce((sum, n) => sum + (n - mean) ** 2, 0) / numbers.length) };
};
const parameter = () => new Parameter([64, 32, 3, 3]);
const generator = () => new Generator(7);

describe("init", () => {
  it("counts fans as PyTorch does", () => {
    expect(init.calculateFanInAndFanOut({ shape: [64, 32, 3, 5] })).toEqual({ fanIn: 480, fanOut: 960 });
    expect(() => init.calculateFanInAndFanOut({ shape: [3] })).toThrow("at least two dimensions");
  });

  it("has PyTorch's gains, and a rectifier's for its smooth relatives", () => {
    expect(init.calculateGain("linear")).toBe(1);
    expect(init.calculateGain("tanh")).toBeCloseTo(5 / 3);
    expect(init.calculateGain("relu")).toBeCloseTo(Math.SQRT2);
    expect(init.calculateGain("leaky_relu")).toBeCloseTo(1.4141428569978354);
    expect(init.calculateGain("leakyrelu", 0.5)).toBeCloseTo(1.2649110640673518);
    expect(init.calculateGain("selu")).toBe(0.75);
    expect(init.calculateGain("gelu")).toBe(init.calculateGain("relu"));
  });

  it("names the nearest right name", () => {
    expect(() => init.calculateGain("rellu")).toThrow(UnknownNameError);
    expect(() => init.calculateGain("rellu")).toThrow('Unknown nonlinearity "rellu". Did you mean "relu"');
  });

  it.each([
    ["kaimingNormal_", () => init.kaimingNormal_(parameter(), { nonlinearity: "relu", generator: generator() }), 288],
    ["kaimingNormal_ fan out", () => init.kaimingNormal_(parameter(), { mode: "fanOut", generator: generator() }), 576],
    ["kaimingUniform_", () => init.kaimingUniform_(parameter(), { nonlinearity: "relu", generator: generator() }), 288],
    ["xavierNormal_", () => init.xavierNormal_(parameter(), 1, { generator: generator() }), 288 + 576],
    ["xavierUniform_", () => init.xavierUniform_(parameter(), 1, { generator: generator() }), 288 + 576],
  ] as const)("%s gives mean 0 and the standard deviation of its formula", (_, make, fan) => {
    const { mean, std } = moments(values(make()));
    expect(std / Math.sqrt(2 / fan)).toBeCloseTo(1, 1);
    expect(Math.abs(mean) / std).toBeLessThan(0.02);
  });

  it("draws a truncated normal distribution as PyTorch does for a seed", () => {
    // torch.manual_seed(7); torch.nn.init.trunc_normal_(torch.empty(5, 4), mean=0.5, std=2, a=-1, b=3), and torch.empty(6) with std=0.02
    const wide = [
      ...[0.9232867956161499, -0.22027164697647095, 1.3621774911880493, 1.3536577224731445, -0.10021501779556274],
      ...[0.5523974299430847, -0.1907649040222168, 1.2550957202911377, 0.3522619605064392, 2.148059844970703],
      ...[2.165395736694336, 0.9782692193984985, 0.08677536249160767, -0.19348955154418945, 0.6195081472396851],
      ...[0.33201301097869873, 1.593017339706421, -0.6930888891220093, 2.7935709953308105, -0.5568690299987793],
    ];
    const narrow = [
      ...[0.0017529985634610057, -0.01691807620227337, 0.008206252008676529],
      ...[0.008079815655946732, -0.014595650136470795, -0.003779234364628792],
    ];
    const drawn = init.truncNormal_(new Parameter([5, 4]), { mean: 0.5, std: 2, a: -1, b: 3, generator: generator() });
    for (const [i, value] of values(drawn).entries()) {
      expect(value).toBeCloseTo(wide[i] as number, 5);
    }
    const again = init.truncNormal_(new Parameter([6]), { std: 0.02, generator: generator() });
    for (const [i, value] of values(again).entries()) {
      expect(value).toBeCloseTo(narrow[i] as number, 7);
    }
    const many = values(init.truncNormal_(parameter(), { std: 3, a: -1, b: 4, generator: generator() }));
    expect(Math.min(...many)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...many)).toBeLessThanOrEqual(4);
  });

  it.each([
    ["uniform_", (p: Parameter, g: Generator) => init.uniform_(p, -2, 3, { generator: g }), fillUniform, [-2, 3]],
    ["normal_", (p: Parameter, g: Generator) => init.normal_(p, 1, 2, { generator: g }), fillNormal, [1, 2]],
  ] as const)("%s draws many numbers when they are read, as if it had been at once", (_, set, fill, [a, b]) => {
    for (const shape of [
      [64, 8, 3, 3],
      // The last row has fewer than sixteen numbers, and all of them are no multiple of sixteen.
      [1025, 7, 1, 1],
    ]) {
      const [later, atOnce] = [generator(), generator()];
      const parameter = set(new Parameter(shape, conv2dLayout), later);
      const expected = fill(new Float32Array(parameter.size), a, b, atOnce);
      expect(later.getState()).toEqual(atOnce.getState());
      later.manualSeed(0);
      expect(parameter.toTensorData().data).toEqual(expected);
    }
  });

  it("says at once what is wrong with what is drawn later", () => {
    const text = "fillUniform's range to - from must be at most 3.4028234663852886e+38; got [-3e+38, 3e+38).";
    expect(() => init.uniform_(new Parameter([64, 64]), -3e38, 3e38)).toThrow(text);
  });

  it("sets constants", () => {
    expect(values(init.constant_(new Parameter([2]), 3))).toEqual([3, 3]);
    expect(values(init.ones_(new Parameter([2])))).toEqual([1, 1]);
    expect(values(init.zeros_(init.ones_(new Parameter([2]))))).toEqual([0, 0]);
  });

  it("draws nothing while it is skipped", () => {
    const before = generator();
    const after = generator();
    const conv = init.skipInit(() => new Conv2d(2, 2, { kernelSize: 3, generator: after }));
    expect(values(conv.weight).every((n) => n === 0)).toBe(true);
    expect(after.random()).toBe(before.random());
    expect(values(new Linear(3, 3, { generator: after }).weight).some((n) => n !== 0)).toBe(true);
  });
});
