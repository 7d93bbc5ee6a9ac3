/** Remainders of division at the edges of float32, on every instruction set. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { instructionSets } from "./support.ts";

describe.runIf(engine.available).each(instructionSets)("tf.mod with %s", (isa) => {
  beforeAll(async () => {
    await tf.setBackend("native");
    engine.setInstructionSet(isa);
  });
  afterAll(() => engine.setInstructionSet(undefined));

  // What PyTorch's torch.remainder gives for float32, too.
  it.each([
    [-1, 1e8, 1e8],
    [-1, 1e10, 1e10],
    [-0.5, 16777217, 16777216],
    [-1e-8, 1, 1],
    [1, -1e8, -1e8],
    [-3, 3, 0],
    [-7, 3, 2],
    [7, -3, -2],
    [-7, -3, -1],
  ])("of %d by %d is %d", (a, b, wanted) => {
    expect(Math.fround(tf.mod(tf.scalar(a), tf.scalar(b)).dataSync()[0] as number)).toBeCloseTo(Math.fround(wanted), 6);
  });
});
