/**
 * NaN and infinities through layers and losses, values and gradients, as PyTorch has them: on TensorFlow.js's CPU backend and
 * on each instruction set of the native one.
 */
import { readFileSync } from "node:fs";
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { selectBackend } from "../backend/index.ts";
import { engineBackend } from "../backend/testing/engine-backend.ts";
import * as nn from "./index.ts";

type Printed = number | "NaN" | "Infinity" | "-Infinity";

interface Case {
  readonly name: string;
  readonly inputs: readonly { shape: number[]; values: Printed[] }[];
  readonly value: readonly Printed[];
  readonly gradients: readonly Printed[][];
  readonly layer: string;
  readonly arguments: readonly unknown[];
  readonly classes?: number[];
  readonly target?: number[] | number[][];
}

const cases: readonly Case[] = JSON.parse(
  readFileSync(new URL("fixtures/special-values.json", import.meta.url), "utf8"),
);

function expectNumbers(got: tf.Tensor, wanted: readonly Printed[], what: string): void {
  const numbers = wanted.map(Number);
  const scale = Math.max(1e-30, ...numbers.filter(Number.isFinite).map(Math.abs));
  for (const [i, value] of Array.from(got.dataSync()).entries()) {
    const right = numbers[i] as number;
    const same = Number.isFinite(right)
      ? Math.abs(value - right) <= 2e-6 * Math.max(scale, 1e-3)
      : Object.is(value, right);
    if (!same) {
      expect.fail(`${what}[${i}]: got ${value}, PyTorch gives ${right}`);
    }
  }
}

/** The layer or loss of a case as a function of its input. */
function functionOf({ layer, arguments: args, classes, target }: Case): (x: tf.Tensor) => tf.Tensor {
  const types = nn as unknown as Record<string, new (...args: unknown[]) => { forward(...xs: tf.Tensor[]): tf.Tensor }>;
  const module = new (types[layer] as (typeof types)[string])(...args);
  if (classes !== undefined) {
    return (x) => module.forward(x, tf.tensor1d(classes, "int32"));
  }
  return target === undefined ? (x) => module.forward(x) : (x) => module.forward(x, tf.tensor(target));
}

const places: { backend: "cpu" | "native" | "engine-wasm"; isa?: string }[] = [{ backend: "cpu" }];
if (engineBackend === "engine-wasm") {
  places.push({ backend: engineBackend });
} else if (engine.available) {
  for (const isa of ["avx512", "avx2", "generic"]) {
    places.push({ backend: "native", isa });
  }
} else {
  console.log("special values: left out on the native engine, which is not available");
}

describe.each(places)("on $backend ($isa)", ({ backend, isa }) => {
  beforeAll(async () => {
    await selectBackend({ backend, announce: false });
    if (isa !== undefined) {
      engine.setInstructionSet(isa);
    }
  });
  afterAll(async () => {
    if (isa !== undefined) {
      engine.setInstructionSet(undefined);
    }
    await selectBackend({ backend: "cpu", announce: false });
  });

  it.each(cases.map((each) => [each.name, each] as const))("%s", (_, each) => {
    tf.tidy(() => {
      const [input] = each.inputs as [Case["inputs"][number]];
      const x = tf.tensor(input.values.map(Number), input.shape);
      const f = functionOf(each);
      expectNumbers(f(x), each.value, "value without a gradient");
      const { value, grad } = tf.valueAndGrad((t: tf.Tensor) => f(t) as tf.Scalar)(x, tf.onesLike(f(x)) as tf.Scalar);
      expectNumbers(value, each.value, "value");
      expectNumbers(grad, each.gradients[0] as Printed[], "gradient");
    });
  });

  // PyTorch 1.13: BatchNorm2d(2) after one batch with a NaN in the first channel.
  it.each([true, false])(
    "running statistics of the channel with a NaN are NaN, others are not (recorded: %j)",
    (recorded) => {
      const norm = new nn.BatchNorm2d(2);
      const x = tf.tensor4d([1, 2, Number.NaN, 4, 5, 6, 7, 8], [1, 2, 2, 2]);
      if (recorded) {
        tf.dispose(tf.grad((t: tf.Tensor) => tf.sum(norm.forward(t)))(x));
      } else {
        tf.dispose(norm.forward(x));
      }
      expectNumbers(norm.runningMean?.variable as tf.Tensor, [Number.NaN, 0.5], "running mean");
      expectNumbers(norm.runningVar?.variable as tf.Tensor, [Number.NaN, 47 / 30], "running variance");
      norm.dispose();
      x.dispose();
    },
  );
});
