import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, it, vi } from "vitest";
import { summarize, Trainer } from "./index.ts";
import { BoringModule, randomBatches } from "./testing/boring.ts";
import { quiet } from "./testing/quiet.ts";
import { makeSmall } from "./testing/small.ts";

beforeAll(() => tf.setBackend("cpu"));

it("is printed before fitting, with the shapes that the example input brings about", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  const { module, train, val } = makeSmall();
  const trainer = new Trainer({ ...quiet, enableModelSummary: true, maxSteps: 1 });
  await trainer.fit(module, train as never, val as never);
  module.exampleInput = tf.zeros([1, 6]);
  await trainer.fit(module, train as never, val as never);
  const printed = log.mock.calls.map(([text]) => (text as string).split("\n").slice(0, 4));
  log.mockRestore();
  expect(printed).toEqual([
    [
      "  | Name  | Type             | Params | Mode",
      "-".repeat(45),
      "0 | model | Sequential       | 99     | train",
      "1 | loss  | CrossEntropyLoss | 0      | train",
    ],
    [
      "  | Name  | Type             | Params | Mode  | In sizes | Out sizes",
      "-".repeat(68),
      "0 | model | Sequential       | 99     | train | [1, 6]   | [1, 3]",
      "1 | loss  | CrossEntropyLoss | 0      | train | ?        | ?",
    ],
  ]);
  module.dispose();
});

it("goes as deep as asked, leaves the module alone, and says when the example does not fit", async () => {
  const { module } = makeSmall();
  const input = tf.zeros([2, 6]);
  module.getSubmodule("model.3").eval();
  summarize(module, { exampleInput: input });
  const before = tf.memory().numTensors;
  const { rows, total, trainable } = summarize(module, { maxDepth: -1, exampleInput: input });
  expect(rows.map(({ name, mode, inSizes, outSizes }) => [name, mode, inSizes, outSizes])).toEqual([
    ["model", "train", "[2, 6]", "[2, 3]"],
    ["model.0", "train", "[2, 6]", "[2, 8]"],
    ["model.1", "train", "[2, 8]", "[2, 8]"],
    ["model.2", "train", "[2, 8]", "[2, 8]"],
    ["model.3", "eval", "[2, 8]", "[2, 8]"],
    ["model.4", "train", "[2, 8]", "[2, 3]"],
    ["loss", "train", undefined, undefined],
  ]);
  expect([total, trainable]).toEqual([99, 99]);
  expect(tf.memory().numTensors).toBe(before);
  expect(module.modules().some(({ hasForwardHooks }) => hasForwardHooks)).toBe(false);
  input.dispose();
  const boring = new BoringModule();
  boring.exampleInput = tf.zeros([1, 31]);
  const trainer = new Trainer({ ...quiet, enableModelSummary: true, maxSteps: 1 });
  await expect(trainer.fit(boring, randomBatches(1))).rejects.toThrow(
    /^BoringModule\.exampleInput must be an input of its forward pass \(.*31.*\), got "a tensor of shape \[1, 31\]"/,
  );
  module.dispose();
  boring.dispose();
});
