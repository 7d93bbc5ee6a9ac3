import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { nn } from "convbook";
import { beforeAll, describe, expect, it } from "vitest";
import { expectSameOutputs } from "./equivalence.ts";
import { expectGradients, expectLossFalls, expectParameterCount } from "./model.ts";
import { expectSpeed } from "./speed.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

/** A block as a student writes it: with a dead part, and one that forgets the shortcut, where told to. */
class Block extends nn.Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly first = new nn.Conv2d(3, 3, { kernelSize: 3, padding: 1 });
  readonly norm = new nn.BatchNorm2d(3);
  readonly dead: nn.Linear | undefined;
  readonly #shortcut: boolean;

  constructor({ shortcut = true, dead = false } = {}) {
    super();
    this.#shortcut = shortcut;
    if (dead) {
      this.dead = new nn.Linear(2, 2);
    }
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const y = this.norm.forward(this.first.forward(x));
    return this.#shortcut ? tf.add(x, y) : y;
  }
}

/** The same with other names and without convbook. */
class Plain {
  readonly w: tf.Variable;
  readonly b: tf.Variable;
  constructor(kernel: tf.Tensor, bias: tf.Tensor) {
    this.w = tf.variable(kernel);
    this.b = tf.variable(bias);
  }
  parameters(): tf.Variable[] {
    return [this.w, this.b];
  }
  forward(x: tf.Tensor2D): tf.Tensor2D {
    return tf.add(tf.matMul(x, this.w as never), this.b);
  }
}

const mean = (block: Block) => () =>
  tf.mean(tf.square(block.forward(tf.randomNormal([2, 4, 4, 3], 0, 1, "float32", 1))));

describe("expectParameterCount", () => {
  it("counts as convbook does, shared parameters once", () => {
    const block = new Block();
    expectParameterCount(block, block.parameterCount());
    const weight = tf.variable(tf.zeros([3, 4]));
    expectParameterCount({ parameters: () => [weight, weight] }, 12);
  });

  it("lists the parameters where their number is another", () => {
    expect(() => expectParameterCount(new Block(), 100)).toThrow(
      "The model has another number of parameters; it has first.weight [3, 3, 3, 3], first.bias [3], norm.weight [3], norm.bias [3]",
    );
    expect(() => expectParameterCount({}, 1)).toThrow("This is no model");
    expect(() => expectParameterCount({ parameters: () => [tf.zeros([1])] }, 1)).toThrow(
      "parameter 1 of the model is no parameter",
    );
  });
});

describe("expectGradients", () => {
  it("passes where they reach every parameter, or all that they should", () => {
    const block = new Block();
    expectGradients(block, mean(block));
    const dead = new Block({ dead: true });
    expectGradients(dead, mean(dead), { except: ["dead.weight", "dead.bias"] });
  });

  it("names the first parameter that they do not reach", () => {
    const dead = new Block({ dead: true });
    expect(() => expectGradients(dead, mean(dead))).toThrow(
      "No gradient reaches dead.weight: the output does not depend on it",
    );
    const block = new Block();
    expect(() => expectGradients(block, () => tf.scalar(mean(block)().dataSync()[0] as number))).toThrow(
      "The loss depends on no parameter of the model: was a value read out of its tensor on the way?",
    );
    // Of what batch normalization makes, the mean is fixed: its input's bias cannot change it.
    expect(() => expectGradients(block, () => tf.mul(mean(block)(), 0))).toThrow(
      "The gradient of first.weight is zero everywhere",
    );
    block.requiresGrad_(false);
    expect(() => expectGradients(block, mean(block))).toThrow(
      "first.weight does not take part in training (requiresGrad is false)",
    );
  });

  it("leaves no tensor behind", () => {
    const block = new Block();
    expectGradients(block, mean(block));
    const before = tf.memory().numTensors;
    expectGradients(block, mean(block));
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("expectLossFalls", () => {
  it("judges the last tenth of the steps by the first loss", async () => {
    await expectLossFalls(20, (i) => tf.scalar(1 / (i + 1)));
    await expectLossFalls(2, async (i) => -i, { to: 0.5 });
    await expect(expectLossFalls(20, () => 2.5)).rejects.toMatchObject({
      message: "The loss does not fall enough in 20 steps",
      got: "2.5 at first, 2.5 at last",
      expected: "at most 2.25 at last",
    });
    await expect(expectLossFalls(5, (i) => (i === 2 ? Number.NaN : 1))).rejects.toThrow(
      "The loss of step 3 is no finite number",
    );
    await expect(expectLossFalls(5, () => tf.zeros([2]))).rejects.toMatchObject({ got: "a tensor of shape [2]" });
    await expect(expectLossFalls(1, () => 1)).rejects.toThrow("steps must be a whole number of at least 2, got 1");
  });
});

describe("expectSameOutputs", () => {
  const inputs = { inputs: (random: { normal(shape: number[]): tf.Tensor }) => [random.normal([2, 4, 4, 3])] };

  it("gives the reference's weights and buffers to the student's block", () => {
    const reference = new Block();
    // Statistics that a block of its own does not have.
    reference.forward(tf.randomUniform([4, 4, 4, 3], 5, 9, "float32", 1));
    expectSameOutputs(new Block().eval(), reference.eval(), inputs);
  });

  it("copies in order where the names are others", () => {
    const reference = new nn.Linear(2, 3);
    const student = new Plain(tf.zeros([2, 3]), tf.zeros([3]));
    expectSameOutputs(student, reference, { inputs: (random) => [random.normal([4, 2])] });
  });

  it("says what differs", () => {
    const block = new Block().eval();
    expect(() => expectSameOutputs(new Block({ shortcut: false }).eval(), block, inputs)).toThrow(
      /^The output for random inputs \(trial 1\) has \d\d of 96 values further from what is expected than the tolerance allows$/,
    );
    expect(() => expectSameOutputs(new Block({ dead: true }), block, inputs)).toThrow(
      "Your block has other parameters than the reference",
    );
    expect(() => expectSameOutputs(undefined as never, (x: tf.Tensor) => tf.relu(x), inputs)).toThrow(
      "What you wrote cannot be called",
    );
    const disposes = (x: tf.Tensor) => {
      const y = tf.relu(x);
      x.dispose();
      return y;
    };
    expect(() => expectSameOutputs(disposes, (x: tf.Tensor) => tf.relu(x), inputs)).toThrow(
      "Your code disposes of its input 1, which belongs to whoever called it",
    );
  });

  it("gives the same inputs at every run, others at each trial", () => {
    const seen: number[] = [];
    const note = (x: tf.Tensor) => {
      seen.push(x.dataSync()[0] as number);
      return x;
    };
    const same = (x: tf.Tensor) => x;
    expectSameOutputs(note, same, { ...inputs, trials: 2, seed: 5 });
    expectSameOutputs(note, same, { ...inputs, trials: 2, seed: 5 });
    expect(seen.slice(0, 2)).toEqual(seen.slice(2));
    expect(seen[0]).not.toBe(seen[1]);
  });
});

describe("expectSpeed", () => {
  it("takes options that make sense only", async () => {
    const nothing = () => undefined;
    await expect(expectSpeed(nothing, nothing, { atMost: 1 })).rejects.toThrow(
      "expectSpeed: atMost is above 1 and rounds at least 1, got 1 and 7",
    );
  });

  it("runs both in turns, and frees what they make", async () => {
    const order: string[] = [];
    const before = tf.memory().numTensors;
    const note = (who: string) => () => {
      order.push(who);
      return tf.ones([8]);
    };
    await expectSpeed(note("student"), note("reference"), { atMost: 1e9, rounds: 2 });
    expect(order.filter((who) => who === "student")).toHaveLength(3);
    expect(order.at(-1)).toBe("student");
    expect(tf.memory().numTensors).toBe(before);
  });

  it("fails what never comes near", async () => {
    const waits = () => new Promise((resolve) => setTimeout(resolve, 20));
    await expect(expectSpeed(waits, () => undefined, { rounds: 1 })).rejects.toMatchObject({
      message: expect.stringContaining("is there a loop over single values?"),
      expected: "at most 20 times",
    });
  });
});
