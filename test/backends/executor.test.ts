/** Graphs are worked out on every backend: networks drawn at random give there what they give layer by layer on tfjs's CPU backend. */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { nn } from "convbook";
import { afterAll, describe, expect, it } from "vitest";
import { channels, expectAlike, numbersOf, outcome, side } from "../compile/outcome.ts";
import { RandomNetwork } from "../compile/random-network.ts";

const parts = 6;
const networks = 20;

describe.each(["cpu", "wasm"])("graphs on %s", (backend) => {
  afterAll(() => tf.setBackend("cpu"));

  it.each(Array.from({ length: parts }, (_, i) => i))(
    `are the same as layer by layer on cpu (${networks} of them, part %i)`,
    async (part) => {
      for (let seed = networks * part; seed < networks * (part + 1); seed++) {
        const frozen = seed % 5 === 4;
        await tf.setBackend("cpu");
        const expected = nn.eagerly(() => numbersOf(outcome(seed, frozen)));
        await tf.setBackend(backend);
        const before = tf.memory().numTensors;
        const got = numbersOf(outcome(seed, frozen));
        expect(tf.memory().numTensors, `tensors left behind by network ${seed}`).toBe(before);
        expectAlike(got, expected, `network ${seed}: ${new RandomNetwork(seed, channels, side).text}`);
      }
    },
  );
});
