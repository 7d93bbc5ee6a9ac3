/**
 * Every gradient that is registered, tfjs's and ours, against differences in float64: first and second order, on tfjs's CPU
 * backend and on every instruction set of the native one. A gradient that is registered without a case here fails.
 * (https://github.com/tensorflow/tfjs/issues/3252: second derivatives that are silently wrong.)
 */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { instructionSets } from "../support.ts";
import { type DerivativeCase, expectDerivatives } from "./check.ts";
import { composedCases } from "./composed-cases.ts";
import { engineCases, gradientKernels } from "./engine-cases.ts";
import { tfjsCases } from "./tfjs-cases.ts";

/** The names of all kernels that have a gradient: tfjs keeps them in a global map, which it has no public list of. */
function registered(): string[] {
  const globals = (globalThis as unknown as { _tfGlobals: Map<string, Map<string, unknown>> })._tfGlobals;
  return [...(globals.get("gradRegistry") as Map<string, unknown>).keys()].sort();
}

/** The kernels that a function runs. */
async function kernelsOf({ f, inputs }: DerivativeCase): Promise<string[]> {
  const { kernelNames } = await tf.profile(() =>
    tf.tidy(() => f(...inputs.map((x) => tf.tensor([...x.values], [...x.shape])))),
  );
  return kernelNames;
}

describe("gradients", () => {
  it("are all differentiated below", () => {
    tf.grad((x) => tf.square(x))(tf.scalar(1)).dispose();
    const known = new Set([...Object.keys(tfjsCases), ...Object.keys(engineCases), ...gradientKernels]);
    expect(registered().filter((name) => !known.has(name))).toEqual([]);
    expect([...known].filter((name) => !registered().includes(name))).toEqual([]);
  });
});

it("a complex tensor's absolute value says that it has none", () => {
  const absolute = tf.grad((x) => tf.abs(tf.complex(x, tf.scalar(1))));
  expect(() => absolute(tf.scalar(2))).toThrow("ComplexAbs: TensorFlow.js has no gradients of complex tensors");
});

const places = [{ backend: "cpu", isa: undefined as string | undefined }];
if (engine.available) {
  for (const isa of instructionSets) {
    places.push({ backend: "native", isa });
  }
}

describe.each(places)("on $backend ($isa)", ({ backend, isa }) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
    if (isa !== undefined) {
      engine.setInstructionSet(isa);
    }
  });
  afterAll(() => {
    if (isa !== undefined) {
      engine.setInstructionSet(undefined);
    }
  });

  const own = backend === "native" ? engineCases : {};
  describe.each(Object.entries({ ...tfjsCases, ...own }))("%s", (name, cases) => {
    it.each(cases.map((each, i) => [i, each] as const))("is differentiated twice (%d)", async (_, each) => {
      expect(await kernelsOf(each)).toContain(name);
      expectDerivatives(each);
    });
  });

  describe.each(Object.entries(composedCases))("%s", (_, cases) => {
    it.each(cases.map((each, i) => [i, each] as const))("is differentiated twice (%d)", (_, each) => {
      expectDerivatives(each);
    });
  });
});
