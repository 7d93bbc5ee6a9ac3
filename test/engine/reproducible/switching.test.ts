/** Reproducible mode is set at any time, and left again. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { createModel, manualSeed, valueAndGrads } from "convbook";
import { afterEach, beforeAll, describe, expect, it } from "vitest";

/** The bits of a DenseNet's gradients on 24 images, and of what it infers. */
function bits(threads: number, reproducible: boolean): string {
  engine.setThreads(threads);
  engine.setReproducible(reproducible);
  manualSeed(3);
  const model = createModel("DenseNet", { numLayers: [2, 2] });
  const x: tf.Tensor4D = tf.tidy(() => tf.reshape(tf.sin(tf.range(0, 24 * 16 * 16 * 3)), [24, 16, 16, 3]));
  const variables = model.parameters().map(({ variable }) => variable);
  const { value, gradients } = valueAndGrads(() => tf.mean(tf.square(model.forward(x))), variables);
  const all = [value, ...gradients.values()].map((t) => Buffer.from(Float32Array.from(t.dataSync()).buffer));
  tf.dispose([x, value, ...gradients.values()]);
  model.dispose();
  return Buffer.concat(all).toString("base64");
}

describe.runIf(engine.available)("reproducible mode", () => {
  beforeAll(async () => {
    await tf.setBackend("native");
  });
  afterEach(() => {
    engine.setReproducible(false);
    engine.setThreads(0);
  });

  it("is left and taken again, and programs are made anew for it", () => {
    const fixed = bits(1, true);
    const free = bits(1, false);
    expect(engine.info().reproducible).toBe("off");
    expect(bits(2, true)).toBe(fixed);
    expect(bits(1, false)).toBe(free);
    expect(bits(3, true)).toBe(fixed);
  });

  it("takes true and false alone", () => {
    expect(() => engine.setReproducible("yes" as unknown as boolean)).toThrow(
      new TypeError('setReproducible: expected true or false, got "yes"'),
    );
  });

  it("keeps inference in float32, and says why where it must not", () => {
    engine.setReproducible(true);
    expect(engine.info().hasBf16).toBe(false);
    expect(() => engine.setPrecision("bf16", { strict: true })).toThrow(
      "The precision bf16 is not there while results are to be reproducible",
    );
  });
});
