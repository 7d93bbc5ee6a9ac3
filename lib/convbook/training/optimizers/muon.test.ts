/** Muon beside its public formulas in PyTorch, https://kellerjordan.github.io/posts/muon/ and https://github.com/KellerJordan/cifar10-airbench. */
import { readFileSync } from "node:fs";
import "@tensorflow/tfjs-backend-cpu";
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { symmetricEigen } from "../../nn/eigen.ts";
import { conv2dLayout, Parameter } from "../../nn/parameter.ts";
import { createOptimizer, Lookahead, Muon, orthogonalize } from "./index.ts";

type Nested = number | Nested[];

// Made by fixtures/make_optimizers.py with PyTorch.
const fixture = JSON.parse(readFileSync(new URL("../fixtures/optimizers.json", import.meta.url), "utf8")) as {
  muon: {
    start: Nested[][];
    targets: number[];
    runs: Record<string, { options: object; history: number[][][] }>;
  };
};
const { start, targets, runs } = fixture.muon;

const flat = (value: Nested): number[] => [value].flat(9) as number[];
const shapeOf = (value: Nested): number[] =>
  Array.isArray(value) ? [value.length, ...shapeOf(value[0] as Nested)] : [];

/** The fixture's matrices: filters in the layout that convolutions compute in, the square one as PyTorch has it. */
function parameters(): Parameter[] {
  return start.map((value) => {
    const shape = shapeOf(value);
    const data = Float32Array.from(flat(value));
    return new Parameter({ dtype: "float32", shape, data }, shape.length === 4 ? conv2dLayout : []);
  });
}

const valuesOf = (parameter: Parameter) => Array.from(parameter.toTensorData().data as Float32Array);

/** The gradients of the fixture's script. */
function gradients(all: readonly Parameter[], step: number): Map<tf.Variable, tf.Tensor> {
  return new Map(
    all.map((parameter, i) => {
      const size = 1 + 0.5 * Math.sin(step * 0.7 + 0.1);
      const slope = (p: number) => (p - (targets[i] as number)) * size + 0.3 * Math.cos(3 * p);
      const values = Array.from(parameter.variable.dataSync(), slope);
      return [parameter.variable, tf.tensor(values, parameter.variable.shape)];
    }),
  );
}

function takeStep(
  optimizer: { step(map: Map<tf.Variable, tf.Tensor>): void },
  all: readonly Parameter[],
  step: number,
) {
  const map = gradients(all, step);
  optimizer.step(map);
  tf.dispose([...map.values()]);
}

function expectClose(all: readonly Parameter[], wanted: readonly number[][], where: string): void {
  for (const [i, parameter] of all.entries()) {
    for (const [j, value] of valuesOf(parameter).entries()) {
      expect(value, `${where}, parameter ${i}, value ${j}`).toBeCloseTo(wanted[i]?.[j] as number, 4);
    }
  }
}

const cases = ["cpu", ...(engine.available ? ["native"] : [])].flatMap((backend) =>
  Object.entries(runs).map(([title, each]) => ({ backend, title, ...each })),
);

describe.each(cases)("$title on the backend $backend", ({ backend, options, history }) => {
  beforeAll(() => tf.setBackend(backend));

  it("equals the formula over 20 steps and leaks nothing", () => {
    const before = tf.memory().numTensors;
    const all = parameters();
    const optimizer = createOptimizer("Muon", all, { ...options });
    for (const [step, wanted] of history.entries()) {
      takeStep(optimizer, all, step);
      expectClose(all, wanted, `step ${step}`);
    }
    expect(tf.memory().numTensors - before).toBe(2 * all.length);
    optimizer.dispose();
    for (const parameter of all) {
      parameter.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it("goes on from a saved state as if it had not been interrupted, within Lookahead, too", () => {
    const all = parameters();
    const make = () => createOptimizer("Muon", all, { ...options, lookahead: { k: 100 } });
    const first = make();
    for (let step = 0; step < 8; step++) {
      takeStep(first, all, step);
    }
    const state = first.stateDict();
    expect(state.state.get(0)?.momentum_buffer).toMatchObject({ shape: [2, 3, 2, 2] });
    first.dispose();
    const second = make();
    expect(second).toBeInstanceOf(Lookahead);
    second.loadStateDict(state);
    for (let step = 8; step < 20; step++) {
      takeStep(second, all, step);
    }
    expectClose(all, history[19] as number[][], "step 19");
  });
});

describe("orthogonalize", () => {
  beforeAll(() => tf.setBackend("cpu"));

  it.each([
    [3, 8],
    [8, 3],
    [5, 5],
  ] as const)("brings the singular values of a matrix of %i by %i near 1", (rows, columns) => {
    const matrix: tf.Tensor2D = tf.randomNormal([rows, columns], 0, 20, "float32", 5);
    const result = orthogonalize(matrix);
    expect(result.shape).toEqual([rows, columns]);
    const n = Math.min(rows, columns);
    const squares = tf.tidy(() => tf.matMul(result, result, rows > columns, rows <= columns).dataSync());
    const singular = symmetricEigen(Float64Array.from(squares), n).values.map(Math.sqrt);
    for (const value of singular) {
      expect(value).toBeGreaterThan(0.65);
      expect(value).toBeLessThan(1.25);
    }
    tf.dispose([matrix, result]);
  });

  it.each([1e30, 1e-3])("gives the same for a matrix %f times as large", (factor) => {
    const matrix: tf.Tensor2D = tf.randomNormal([3, 4], 0, 1, "float32", 6);
    const wanted = orthogonalize(matrix).dataSync();
    const got = orthogonalize(tf.mul(matrix, factor)).dataSync();
    for (const [i, value] of wanted.entries()) {
      expect(got[i]).toBeCloseTo(value, 3);
    }
  });

  it("refuses other than floats by name", () => {
    expect(() => orthogonalize(tf.ones([2, 3], "int32"))).toThrow(
      "orthogonalize.matrix must be a tensor of float32, got a tensor [2, 3] int32.",
    );
    expect(() => orthogonalize(tf.complex([[1]], [[1]]) as tf.Tensor2D)).toThrow(
      "orthogonalize.matrix must be a tensor of float32, got a tensor [1, 1] complex64.",
    );
  });

  it("turns a matrix of zeros into zeros", () => {
    expect(Array.from(orthogonalize(tf.zeros([2, 3])).dataSync())).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe("Muon", () => {
  it("says what is wrong with its options", () => {
    const all = parameters();
    expect(() => new Muon([new Parameter([3])])).toThrow(
      'Muon.params must be of at least two dimensions, got "one of shape [3]". Biases and normalisations belong to another optimizer, such as SGD.',
    );
    expect(() => new Muon(all, { momentum: 1 })).toThrow("Muon.momentum must be below 1, got 1.");
    expect(() => new Muon(all, { momentum: 0 })).toThrow("Muon.nesterov must be false, unless momentum is above 0");
    expect(() => new Muon(all, { nsSteps: 1.5 })).toThrow(
      "Muon.nsSteps must be a whole number of at least 0, got 1.5.",
    );
    expect(() => new Muon(all, { nsCoefficients: [1, 2] as never })).toThrow(
      "Muon.nsCoefficients must be three numbers, got [1,2].",
    );
    expect(() => new Muon(all, { adjustLrFn: "rms" as never })).toThrow(
      'Muon.adjustLrFn must be "original", "match_rms_adamw" or "none", got "rms".',
    );
    expect(() => createOptimizer("Muon", all, { nsStep: 3 })).toThrow(
      'Muon has no option "nsStep". Did you mean "nsSteps"',
    );
  });
});
