/** Reproducible mode, operation by operation: bit-equal results and gradients on all numbers of threads and instruction sets. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allInstructionSets, Random } from "../support.ts";
import { type Operation, operations } from "./operations.ts";

/** The bits of what an operation gives, all tensors behind one another. */
function bitsOf(operation: Operation, seed: number): Buffer {
  return tf.tidy(() =>
    Buffer.concat(
      operation(new Random(seed)).map((result) => {
        const values = result.dataSync();
        return Buffer.from(values.buffer, values.byteOffset, values.byteLength).subarray();
      }),
    ),
  );
}

const sets = allInstructionSets.filter((isa) => isa !== "generic");
const [widest, narrowest] = [sets[0], sets.at(-1)];
const desks: readonly [isa: string | undefined, threads: number][] = [
  [narrowest, 1],
  [widest, 2],
  [narrowest, 3],
  [widest, 4],
];

describe.runIf(engine.available)("in reproducible mode the bits are the same on every desk", () => {
  beforeAll(async () => {
    await tf.setBackend("native");
    engine.setReproducible(true);
  });
  afterAll(() => {
    engine.setReproducible(false);
    engine.setThreads(0);
    engine.setInstructionSet(undefined);
  });

  it.each(Object.entries(operations))("%s", (name, operation) => {
    for (const seed of [1, 2]) {
      let wanted: Buffer | undefined;
      for (const [isa, threads] of desks) {
        engine.setInstructionSet(isa);
        engine.setThreads(threads);
        const got = bitsOf(operation, seed);
        wanted ??= got;
        expect(got.length).toBeGreaterThan(0);
        expect(got.equals(wanted), `${name}, seed ${seed}: ${isa}, ${threads} threads`).toBe(true);
      }
    }
  });
});
