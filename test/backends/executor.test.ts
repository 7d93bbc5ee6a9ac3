/**
 * Graphs are worked out on every backend: networks drawn at random give there what they give layer by layer on tfjs's CPU backend. WebGPU is in
 * webgpu.test.ts; `tensorflow` is a stand-in.
 */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { nn } from "convbook";
import { afterAll, describe, expect, it } from "vitest";
import { expectAlike } from "../compile/alike.ts";
import { channels, numbersOf, outcome, side } from "../compile/outcome.ts";
import { RandomNetwork } from "../compile/random-network.ts";
import { registerStandIn } from "./stand-in.ts";

const parts = 6;
const networks = 20;

it("the stand-in for tensorflow refuses the paddings that tfjs-node does", async () => {
  registerStandIn();
  await tf.setBackend("tensorflow");
  const x = tf.ones<tf.Rank.R4>([1, 4, 4, 2]);
  const filter = tf.ones<tf.Rank.R4>([3, 3, 2, 3]);
  expect(() => tf.conv2d(x, filter, 1, 1)).toThrow("supports only 'valid' and 'same' padding while padding was 1");
  expect(tf.conv2d(x, filter, 1, "same").shape).toEqual([1, 4, 4, 3]);
  await tf.setBackend("cpu");
});

describe.each(["cpu", "wasm", "tensorflow"])("graphs on %s", (backend) => {
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
