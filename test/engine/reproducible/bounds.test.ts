/** Reproducible mode without instructions that multiply and add in one: results differ from those of AVX2 by rounding alone. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allInstructionSets, expectClose, Random } from "../support.ts";
import { type Operation, operations } from "./operations.ts";

/** Largest difference in parts of the largest value: what the README says. */
const bound = 1e-5;

function valuesOf(isa: string, operation: Operation): Float32Array[] {
  engine.setInstructionSet(isa);
  return tf.tidy(() => operation(new Random(1)).map((result) => Float32Array.from(result.dataSync())));
}

describe.runIf(allInstructionSets.includes("avx2"))("in reproducible mode generic code stays near AVX2", () => {
  beforeAll(async () => {
    await tf.setBackend("native");
    engine.setReproducible(true);
  });
  afterAll(() => {
    engine.setReproducible(false);
    engine.setInstructionSet(undefined);
  });

  it("says which of them promises what", () => {
    engine.setInstructionSet("generic");
    expect(engine.info().reproducible).toBe("bounded");
    engine.setInstructionSet("avx2");
    expect(engine.info().reproducible).toBe("exact");
  });

  it.each(Object.entries(operations))("%s", (name, operation) => {
    const [wanted, got] = [valuesOf("avx2", operation), valuesOf("generic", operation)];
    expect(got.length).toBe(wanted.length);
    for (const [i, values] of got.entries()) {
      expectClose(values, wanted[i] as Float32Array, bound, `${name} ${i}`);
    }
  });
});
