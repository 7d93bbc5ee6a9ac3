import { readFileSync } from "node:fs";
import "@tensorflow/tfjs-backend-cpu";
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { conv2dLayout, Parameter } from "../../nn/parameter.ts";
import { createOptimizer, type Optimizer, SGD } from "./index.ts";

// Made by fixtures/make_optimizers.py with PyTorch.
const fixture = JSON.parse(readFileSync(new URL("../fixtures/optimizers.json", import.meta.url), "utf8")) as {
  start: [number[][], number[]];
  target: [number[][], number[]];
  optimizers: Record<string, { options: Record<string, unknown>; history: number[][] }>;
};

const targets = fixture.target.map((value) => value.flat());

function startVariables(): tf.Variable[] {
  return fixture.start.map((value) => tf.tidy(() => tf.variable(tf.tensor(value as number[]))));
}

/** The gradients of the problem in the fixture's script. */
function gradients(variables: readonly tf.Variable[], step: number): Map<tf.Variable, tf.Tensor> {
  return new Map(
    variables.map((variable, v) => {
      const values = Array.from(
        variable.dataSync(),
        (p, i) => (p - (targets[v]?.[i] as number)) * (1 + 0.5 * Math.sin(step * 0.7 + 0.1)) + 0.3 * Math.cos(3 * p),
      );
      return [variable, tf.tensor(values, variable.shape)];
    }),
  );
}

function takeStep(optimizer: Optimizer, variables: readonly tf.Variable[], step: number): void {
  const map = gradients(variables, step);
  optimizer.step(map);
  for (const gradient of map.values()) {
    gradient.dispose();
  }
}

const valuesOf = (variables: readonly tf.Variable[]) =>
  variables.flatMap((variable) => Array.from(variable.dataSync()));

function expectClose(got: readonly number[], wanted: readonly number[], where: string): void {
  for (const [i, value] of wanted.entries()) {
    const difference = Math.abs((got[i] as number) - value);
    if (!(difference <= 1e-5 * Math.max(1, Math.abs(value)))) {
      expect.fail(`${where}, value ${i}: got ${got[i]}, expected ${value}`);
    }
  }
}

if (!engine.available) {
  console.log(`Left out: optimizers on the native engine, which is missing (${engine.reason}).`);
}
const cases = ["cpu", ...(engine.available ? ["native"] : [])].flatMap((backend) =>
  Object.entries(fixture.optimizers).map(([title, each]) => ({ backend, title, ...each })),
);

describe.each(cases)("$title on the backend $backend", ({ backend, title, options, history }) => {
  beforeAll(() => tf.setBackend(backend));
  const make = (variables: tf.Variable[]) => createOptimizer(title.split(" ")[0] as string, variables, options);

  it("equals PyTorch over 50 steps and leaks nothing", () => {
    const before = tf.memory().numTensors;
    const variables = startVariables();
    const optimizer = make(variables);
    let afterFirst = 0;
    for (const [step, wanted] of history.entries()) {
      takeStep(optimizer, variables, step);
      expectClose(valuesOf(variables), wanted, `step ${step}`);
      if (step === 0) {
        afterFirst = tf.memory().numTensors;
      } else {
        expect(tf.memory().numTensors).toBe(afterFirst);
      }
    }
    optimizer.dispose();
    for (const variable of variables) {
      variable.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it("goes on from a saved state as if it had not been interrupted", () => {
    const variables = startVariables();
    const first = make(variables);
    for (let step = 0; step < 20; step++) {
      takeStep(first, variables, step);
    }
    const state = first.stateDict();
    first.dispose();
    const second = createOptimizer(title.split(" ")[0] as string, variables, {
      ...options,
      lr: 123,
    });
    second.loadStateDict(state);
    for (let step = 20; step < 50; step++) {
      takeStep(second, variables, step);
    }
    expectClose(valuesOf(variables), history[49] as number[], "step 49");
    second.dispose();
    for (const variable of variables) {
      variable.dispose();
    }
  });
});

describe("Optimizer", () => {
  beforeAll(() => tf.setBackend("cpu"));

  it("gives each group its own options and leaves parameters without gradient alone", () => {
    const [a, b] = startVariables() as [tf.Variable, tf.Variable];
    const before = valuesOf([a, b]);
    const optimizer = new SGD([{ params: [a], lr: 1 }, { params: [b] }], { lr: 0.5 });
    optimizer.step(new Map([[a, tf.onesLike(a)]]));
    optimizer.step(new Map([[b, tf.onesLike(b)]]));
    const after = valuesOf([a, b]);
    const moved = before.map((value, i) => Math.round((value - (after[i] as number)) * 100) / 100);
    expect(moved).toEqual([1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5]);
  });

  it("saves state in PyTorch's layout", () => {
    const parameter = new Parameter([2, 3, 1, 1], conv2dLayout);
    const optimizer = new SGD([parameter], { lr: 0.1, momentum: 0.9 });
    const memory = tf.tensor([0, 1, 2, 3, 4, 5], [1, 1, 3, 2]);
    optimizer.step(new Map([[parameter.variable, memory]]));
    const buffer = optimizer.stateDict().state.get(0)?.momentum_buffer;
    expect(buffer).toMatchObject({ shape: [2, 3, 1, 1], data: Float32Array.of(0, 2, 4, 1, 3, 5) });
    const other = new SGD([parameter], { lr: 0.1, momentum: 0.9 });
    other.loadStateDict(optimizer.stateDict());
    expect(other.stateDict()).toEqual(optimizer.stateDict());
  });

  it("says what is wrong with its options", () => {
    const variables = startVariables();
    expect(() => createOptimizer("sgd", variables)).toThrow('Unknown optimizer "sgd". Did you mean "SGD"?');
    expect(() => createOptimizer("SGD", variables, { momentun: 0.9 })).toThrow(
      'SGD has no option "momentun". Did you mean "momentum"',
    );
    expect(() => new SGD(variables, { lr: -1 })).toThrow("SGD.lr must be a number of at least 0, got -1.");
    expect(() => new SGD([], { lr: 1 })).toThrow("SGD.parameters must be a list of at least one parameter, got [].");
    const optimizer = new SGD(variables, { lr: 1 });
    const state = new SGD(variables.slice(1), { lr: 1 }).stateDict();
    expect(() => optimizer.loadStateDict(state)).toThrow(
      'The state for SGD must be for groups of 2 parameters, got "groups of 1 parameters".',
    );
  });
});
