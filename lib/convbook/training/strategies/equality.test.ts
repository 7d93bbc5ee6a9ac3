import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import "@tensorflow/tfjs-backend-cpu";
import * as nn from "../../nn/index.ts";
import type { Strategy } from "../core/strategy.ts";
import { TrainingModule } from "../core/training-module.ts";
import { hashOf, requireSameParameters } from "./equality.ts";
import { SingleProcess } from "./single.ts";

beforeAll(() => tf.setBackend("cpu"));

class Net extends TrainingModule {
  constructor(layers: Readonly<Record<string, nn.AnyModule>>) {
    super();
    for (const [name, layer] of Object.entries(layers)) {
      this.registerModule(name, layer);
    }
  }
  forward(x: tf.Tensor): tf.Tensor {
    return x;
  }
  trainingStep(): undefined {}
  configureOptimizers(): never {
    throw new Error("It is not trained.");
  }
}

const [wide, tall] = [() => new nn.Linear(8, 4), () => new nn.Linear(4, 8)];

/** What ranks with these modules answer, each asked by rank 0's code. */
async function compare(...modules: readonly Net[]): Promise<unknown> {
  const asked: unknown[][] = [];
  const noting = (answers: unknown[]): Strategy =>
    Object.assign(new SingleProcess(), {
      gather: async <T>(value: T) => {
        answers.push(value);
        // Of another number than anybody else's, so that the second question comes.
        return [value, typeof value === "number" ? value + 1 : value] as T[];
      },
    });
  for (const module of modules) {
    const answers: unknown[] = [];
    await requireSameParameters(noting(answers), module).catch(() => {});
    asked.push(answers);
  }
  let question = 0;
  const together = Object.assign(new SingleProcess(), {
    gather: async <T>() => {
      const at = question++;
      return asked.map((answers) => answers[at]) as T[];
    },
  });
  return requireSameParameters(together, modules[0] as Net).then(
    () => "the same",
    (error: Error) => error.message,
  );
}

it("modules that are built alike are the same", async () => {
  expect(await compare(new Net({ first: wide() }), new Net({ first: wide() }))).toBe("the same");
});

it("layers in another order are named, though there are as many numbers", async () => {
  const [own, theirs] = [new Net({ first: wide(), second: tall() }), new Net({ second: tall(), first: wide() })];
  expect(await compare(own, own, theirs)).toBe(
    'Parameter or buffer 0 of Net must be first.weight [4, 8], as on rank 0, got "second.weight [8, 4] on rank 2". ' +
      "All ranks build the same module, with its layers in the same order.",
  );
});

it("a layer that only one rank has is named", async () => {
  const [own, theirs] = [new Net({ first: wide(), more: new nn.BatchNorm1d(4) }), new Net({ first: wide() })];
  expect(await compare(theirs, own)).toContain('must be none, as on rank 0, got "more.weight [4] on rank 1"');
  expect(await compare(own, theirs)).toContain('must be more.weight [4], as on rank 0, got "none on rank 1"');
});

it("a hash tells arrays apart that differ in a bit", () => {
  const values = Float32Array.of(1, 2, 3);
  expect(hashOf(values)).toBe(hashOf(values.slice()));
  expect(hashOf(values)).not.toBe(hashOf(Float32Array.of(1, 2, 3 + 2 ** -22)));
  expect(hashOf(values)).not.toBe(hashOf(Float32Array.of(2, 1, 3)));
});
