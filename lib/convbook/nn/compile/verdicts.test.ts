import { engine, valueAndGrads } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { manualSeed } from "../../random/index.ts";
import { BatchNorm2d, Conv2d, eagerly, Linear, Module, ReLU, Sequential } from "../index.ts";
import { pendingValue } from "./pending.ts";
import { decideWhatPays } from "./verdicts.ts";

if (!engine.available) {
  console.log("verdicts: left out without the native engine (npm rebuild @convbook/engine)");
}

/** Two layers of perceptrons, which no program knows. It says of each call whether it was written down. */
class Small extends Module {
  readonly first = new Linear(3, 5);
  readonly act = new ReLU();
  second = new Linear(5, 2);
  readonly last = new Linear(2, 2);
  isLonger = false;
  readonly written: boolean[] = [];

  forward(x: tf.Tensor): tf.Tensor {
    const y = this.act.forward(this.first.forward(x));
    this.written.push(pendingValue(y) !== undefined);
    const z = this.second.forward(y);
    return this.isLonger ? this.last.forward(z) : z;
  }
}

const small = () => tf.ones([4, 3]);

/** Whether a call was written down. */
function isWritten(module: Small, x: tf.Tensor = small()): boolean | undefined {
  tf.tidy(() => module.forward(x));
  return module.written.at(-1);
}

describe.runIf(engine.available)("calls that are not worth a graph", () => {
  beforeAll(() => tf.setBackend("native"));
  beforeEach(() => {
    tf.engine().startScope();
    manualSeed(1);
  });
  afterEach(() => {
    tf.engine().endScope();
    decideWhatPays(true);
  });

  it("are written down the first time, and run when they are called from then on", () => {
    const module = new Small();
    expect([1, 2, 3].map(() => isWritten(module))).toEqual([true, false, false]);
  });

  it("name a missing input, also when a call like it was remembered", () => {
    const module = new Linear(3, 2);
    for (const _ of [1, 2]) {
      tf.tidy(() => module.forward(small()));
      expect(() => module.forward(undefined as never)).toThrow("the input must be a tensor, got undefined.");
    }
    const network = new Small();
    isWritten(network);
    expect(() => network.forward(null as never)).toThrow("the input must be a tensor, got null.");
  });

  it("are all written down where nothing has to pay", () => {
    decideWhatPays(false);
    const module = new Small();
    expect([1, 2, 3].map(() => isWritten(module))).toEqual([true, true, true]);
  });

  it("are found out again for other shapes, and both are remembered", () => {
    const module = new Small();
    const shapes = [4, 5, 4, 5].map((rows) => tf.ones([rows, 3]));
    expect(shapes.map((x) => isWritten(module, x))).toEqual([true, true, false, false]);
    expect(isWritten(module, tf.ones([2, 2, 3]))).toBe(true);
  });

  it("are found out again when a gradient is recorded", () => {
    const module = new Small().eval();
    const x = small();
    const step = () => {
      const { value, grads } = valueAndGrads(
        () => tf.sum(module.forward(x)) as tf.Scalar,
        module.parameters().map(({ variable }) => variable),
      );
      tf.dispose([value, grads as tf.Tensor[]]);
      return module.written.at(-1);
    };
    expect([isWritten(module, x), isWritten(module, x), step(), step(), isWritten(module, x)]).toEqual([
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  it("are found out again when layers are called otherwise, in another mode, or are others", () => {
    const module = new Small();
    const settled = () => [isWritten(module), isWritten(module)].at(-1);
    expect(settled()).toBe(false);
    // It runs once more as it did, and says itself that it was not the same.
    module.isLonger = true;
    expect([isWritten(module), isWritten(module), isWritten(module)]).toEqual([false, true, false]);
    module.second.eval();
    expect([isWritten(module), isWritten(module), isWritten(module)]).toEqual([false, true, false]);
    module.second = new Linear(5, 2);
    expect([isWritten(module), isWritten(module)]).toEqual([true, false]);
  });

  it("are found out again when a hook is put on or taken off", () => {
    const module = new Small();
    expect([isWritten(module), isWritten(module)]).toEqual([true, false]);
    let calls = 0;
    const remove = module.first.registerForwardHook(() => {
      calls += 1;
      return undefined;
    });
    expect([isWritten(module), isWritten(module)]).toEqual([true, false]);
    remove();
    expect([isWritten(module), isWritten(module)]).toEqual([true, false]);
    expect(calls).toBe(2);
  });

  it("are found out again on another backend", async () => {
    const module = new Small();
    expect([isWritten(module), isWritten(module)]).toEqual([true, false]);
    await tf.setBackend("cpu");
    expect([isWritten(module), isWritten(module)]).toEqual([true, true]);
    await tf.setBackend("native");
  });

  it("do not outlast a forward pass that fails", () => {
    const module = new Small();
    expect([isWritten(module), isWritten(module)]).toEqual([true, false]);
    module.second.forward = () => {
      throw new Error("not now");
    };
    expect(() => module.forward(small())).toThrow("not now");
    const other = new Small();
    expect(isWritten(other)).toBe(true);
  });

  it.each(["training", "evaluation"])("give the same to the last bit, the first time and later, in %s", (mode) => {
    const layers = () => [new Conv2d(4, 4, { kernelSize: 3, padding: 1 }), new BatchNorm2d(4), new ReLU()];
    const module = new Sequential(...layers(), ...layers());
    module.train(mode === "training");
    const x = tf.randomNormal<tf.Rank.R4>([2, 5, 5, 4], 0, 1, "float32", 3);
    const call = () => tf.tidy(() => module.forward(x)).dataSync();
    const expected = eagerly(call);
    expect(call()).toEqual(expected);
    expect(call()).toEqual(expected);
  });

  it("are not those of a network that programs pay for", async () => {
    const layers = () => [new Conv2d(4, 4, { kernelSize: 3, padding: 1 }), new BatchNorm2d(4), new ReLU()];
    const module = new Sequential(...layers(), ...layers(), ...layers(), ...layers());
    const x = tf.ones<tf.Rank.R4>([2, 8, 8, 4]);
    const kernels = async () => {
      const step = () => {
        const variables = module.parameters().map(({ variable }) => variable);
        const { value, grads } = valueAndGrads(() => tf.sum(module.forward(x)) as tf.Scalar, variables);
        tf.dispose([value, grads as tf.Tensor[]]);
      };
      return (await engine.profile(step)).rows.map(({ kernel }) => kernel);
    };
    for (let step = 0; step < 3; step++) {
      expect(await kernels()).toContain("ProgramTraining");
    }
  });
});
