/** Networks drawn at random give as graphs what they give layer by layer: outputs, gradients of input and parameters, running statistics. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { nn } from "convbook";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decideWhatPays } from "../../lib/convbook/nn/compile/verdicts.ts";
import { expectAlike } from "./alike.ts";
import { channels, numbersOf, outcome, side } from "./outcome.ts";
import { RandomNetwork } from "./random-network.ts";

if (!engine.available) {
  console.log("random networks: left out without the native engine (npm rebuild @convbook/engine)");
}

describe.runIf(engine.available)("networks drawn at random", () => {
  beforeAll(() => tf.setBackend("native"));
  afterAll(() => decideWhatPays(true));

  it.each(Array.from({ length: 12 }, (_, i) => i))(
    "are the same as graphs and layer by layer (50 of them, part %i)",
    (part) => {
      for (let seed = 50 * part; seed < 50 * (part + 1); seed++) {
        const frozen = seed % 5 === 4;
        const title = new RandomNetwork(seed, channels, side).text;
        const before = tf.memory().numTensors;
        const expected = nn.eagerly(() => numbersOf(outcome(seed, frozen)));
        for (const decide of [false, true]) {
          decideWhatPays(decide);
          const got = numbersOf(outcome(seed, frozen));
          expect(tf.memory().numTensors, `tensors left behind by network ${seed}: ${title}`).toBe(before);
          expectAlike(got, expected, `network ${seed}, ${decide ? "where it pays" : "however small"}: ${title}`);
        }
      }
    },
  );
});
