/** What people write in forward, and change between two calls, comes out as it does layer by layer. */
import { adamStep, engine, rmspropStep, sgdStep, valueAndGrads } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { manualSeed, nn, optim } from "convbook";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decideWhatPays } from "../../lib/convbook/nn/compile/verdicts.ts";

if (!engine.available) {
  console.log("graphs: left out without the native engine (npm rebuild @convbook/engine)");
}

type Images = tf.Tensor4D;

const conv = (from: number, to: number) => new nn.Conv2d(from, to, { kernelSize: 3, padding: 1, bias: false });

function images(seed = 1, side = 6): Images {
  return tf.randomNormal([3, side, side, 4], 0, 1, "float32", seed);
}

function expectClose(got: tf.Tensor, expected: tf.Tensor): void {
  expect(got.shape).toEqual(expected.shape);
  const wanted = expected.dataSync();
  const most = Math.max(1e-3, ...Array.from(wanted, Math.abs));
  const worst = Math.max(...Array.from(got.dataSync(), (value, i) => Math.abs(value - (wanted[i] ?? Number.NaN))));
  expect(worst / most).toBeLessThan(1e-5);
}

/** conv, norm, ReLU with a residual, in fields. */
class Block extends nn.Module<[x: Images], Images> {
  conv = conv(4, 4);
  norm: nn.BatchNorm2d = new nn.BatchNorm2d(4);
  calls = 0;

  body(x: Images): tf.Tensor {
    return this.norm.forward(this.conv.forward(x));
  }

  forward(x: Images): Images {
    this.calls += 1;
    return tf.tidy(() => tf.relu(tf.add(this.body(x), x)));
  }
}

/** Two convolutions, so that there is something to keep in the cache between them. */
class TwoFold extends Block {
  first = conv(4, 4);
  between = new nn.BatchNorm2d(4);

  override body(x: Images): tf.Tensor {
    return super.body(tf.relu(this.between.forward(this.first.forward(x))));
  }
}

/** Both ways of a step in training: output and gradients must be those of layer by layer. */
function expectSame(module: nn.Module<[x: Images], Images>, x: Images): void {
  const state = module.stateDict();
  const variables = module.parameters().map(({ variable }) => variable);
  const step = () => {
    module.loadStateDict(state);
    const { value, grads } = valueAndGrads(() => tf.sum(tf.square(module.forward(x))) as tf.Scalar, variables);
    const gradients = grads.flatMap((gradient) => (gradient === null ? [] : [gradient]));
    const buffers = module.buffers().map((buffer) => tf.tensor(Array.from(buffer.toTensorData().data, Number)));
    return [value, ...gradients, ...buffers];
  };
  const expected = nn.eagerly(step);
  const got = step();
  expect(got.length).toBe(expected.length);
  for (const [i, tensor] of got.entries()) {
    expectClose(tensor, expected[i] as tf.Tensor);
  }
  tf.dispose([got, expected]);
}

async function kernelsOf(body: () => unknown): Promise<string[]> {
  return (await engine.profile(body)).rows.map(({ kernel }) => kernel);
}

const always = { what: "a graph, however small", decide: false };
const decided = { what: "a graph, or operations one by one where that pays more", decide: true };

describe.runIf(engine.available).each([always, decided])("$what", ({ decide }) => {
  beforeAll(async () => {
    await tf.setBackend("native");
    manualSeed(1);
    decideWhatPays(decide);
  });
  afterAll(() => decideWhatPays(true));

  it("of a block of somebody's own is one program, forwards and backwards", async () => {
    const block = new TwoFold();
    const x = images();
    const variables = block.parameters().map(({ variable }) => variable);
    const kernels = await kernelsOf(() => {
      const { value, grads } = valueAndGrads(() => tf.sum(block.forward(x)) as tf.Scalar, variables);
      tf.dispose([value, grads as tf.Tensor[]]);
    });
    expect(kernels).toContain("ProgramTraining");
    expect(kernels).toContain("ProgramTrainingGrad");
    expect(kernels.filter((name) => /^(Convolution|BatchNorm|Relu$|Add$)/.test(name))).toEqual([]);
    expectSame(block, x);
  });

  it("is made anew when shape, mode, children or parameters change", () => {
    const block = new Block();
    const check = (x: Images) => {
      expectSame(block, x);
      block.eval();
      const y = tf.tidy(() => block.forward(x));
      expectClose(
        y,
        nn.eagerly(() => tf.tidy(() => block.forward(x))),
      );
      block.train();
    };
    check(images(1));
    check(images(2, 8));
    block.norm = new nn.BatchNorm2d(4, { eps: 0.5, momentum: 0.7 });
    check(images(1));
    block.conv = new nn.Conv2d(4, 4, { kernelSize: 1, bias: false });
    check(images(1));
    block.conv.weight.variable.assign(tf.mul(block.conv.weight.variable, 3));
    check(images(1));
    block.norm.bias?.variable.assign(tf.ones([4]));
    check(images(1));
  });

  it("follows a class that another cell edits, and a method that is replaced", () => {
    const make = (factor: number) =>
      new (class Block2 extends Block {
        override body(x: Images) {
          return tf.mul(super.body(x), factor);
        }
      })();
    const x = images();
    const state = make(1).stateDict();
    const outputs = [1, 2].map((factor) => {
      const block = make(factor).eval();
      block.loadStateDict(state);
      return block.body(x);
    });
    expectClose(outputs[1] as tf.Tensor, tf.mul(outputs[0] as tf.Tensor, 2));
    const block = new Block().eval();
    const before = tf.tidy(() => block.forward(x));
    block.body = (input) => tf.mul(input, 0);
    expectClose(
      tf.tidy(() => block.forward(x)),
      tf.relu(x),
    );
    expect(before.shape).toEqual(x.shape);
  });

  it("calls the forward of a layer's subclass wherever it stands", () => {
    class Capped extends nn.ReLU {
      override forward<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
        return tf.clipByValue(super.forward(x), 0, 0.5);
      }
    }
    class Doubled extends nn.Conv2d {
      override forward(x: Images): Images {
        return tf.mul(super.forward(x), 2);
      }
    }
    const doubled = new Doubled(4, 4, { kernelSize: 1 });
    const layers = [doubled, new nn.BatchNorm2d(4), new Capped()] as const;
    const network = new nn.Sequential(...layers);
    const x = images();
    for (const mode of [true, false]) {
      network.train(mode);
      const y = tf.tidy(() => network.forward(x));
      const wanted = nn.eagerly(() =>
        tf.tidy(() => layers[2].forward(layers[1].train(mode).forward(doubled.forward(x)))),
      );
      expectClose(y, wanted);
      expect(Math.max(...y.dataSync())).toBe(0.5);
    }
  });

  it("runs JavaScript once a call: counters, random draws, decisions by numbers", () => {
    class Deciding extends Block {
      drawn: number[] = [];
      signs: boolean[] = [];
      override forward(x: Images): Images {
        this.drawn.push(Math.random());
        const y = super.forward(x);
        const isLarge = tf.mean(y).dataSync()[0] as number;
        this.signs.push(isLarge > 0.5);
        return isLarge > 0.5 ? tf.mul(y, -1) : y;
      }
    }
    const module = new Deciding();
    const x = images();
    for (const scale of [0.01, 10]) {
      const input = tf.mul(x, scale) as Images;
      module.eval();
      const got = tf.tidy(() => module.forward(input));
      const expected = nn.eagerly(() => tf.tidy(() => module.forward(input)));
      expectClose(got, expected);
    }
    expect([module.calls, module.drawn.length]).toEqual([4, 4]);
    expect(module.signs).toEqual([false, false, true, true]);
  });

  it("drops out what is dropped out layer by layer", () => {
    const net = new nn.Sequential(conv(4, 4), new nn.Dropout(0.5), new nn.BatchNorm2d(4), new nn.ReLU());
    const run = () => {
      manualSeed(5);
      return tf.tidy(() => net.forward(images()));
    };
    expectClose(run(), nn.eagerly(run));
  });

  it("shows hooks numbers, and takes what they give back", () => {
    const block = new Block().eval();
    const x = images();
    const seen: number[][] = [];
    const remove = block.norm.registerForwardHook((_, [input], y) => {
      seen.push([...(input as tf.Tensor).dataSync().slice(0, 2)], [...y.dataSync().slice(0, 2)]);
      return tf.mul(y, 2);
    });
    const got = tf.tidy(() => block.forward(x));
    const expected = nn.eagerly(() => tf.tidy(() => block.forward(x)));
    expectClose(got, expected);
    expect(seen.length).toBe(4);
    for (const i of [0, 1]) {
      for (const [j, value] of (seen[i] as number[]).entries()) {
        expect(value).toBeCloseTo(seen[i + 2]?.[j] as number, 5);
      }
    }
    remove();
  });

  it("gives what a field, tf.keep or a list outside holds", () => {
    const outside: tf.Tensor[] = [];
    class Keeping extends Block {
      feature: tf.Tensor | undefined;
      kept: tf.Tensor | undefined;
      override forward(x: Images): Images {
        const hidden = this.conv.forward(x);
        outside.push(hidden, tf.add(tf.mul(hidden, 2), 1));
        this.feature = this.norm.forward(hidden);
        this.kept = tf.keep(tf.relu(this.feature));
        return tf.add(this.kept, x) as Images;
      }
    }
    const module = new Keeping().eval();
    const x = images();
    const all = () => {
      outside.length = 0;
      const y = module.forward(x);
      return [y, module.feature, module.kept, ...outside].map((tensor) => tf.clone(tensor as tf.Tensor));
    };
    const expected = nn.eagerly(() => tf.tidy(all));
    for (const [i, tensor] of tf.tidy(all).entries()) {
      expectClose(tensor, expected[i] as tf.Tensor);
    }
  });

  it("keeps what a value held outside is made of for as long as it may be asked for", () => {
    const outside: tf.Tensor[] = [];
    class Holding extends Block {
      override forward(x: Images): Images {
        const doubled = tf.mul(this.conv.forward(x), 2);
        const [left, right] = tf.split(tf.add(doubled, 1), 2, 3) as [tf.Tensor, tf.Tensor];
        outside.push(doubled, left);
        return tf.concat([tf.sub(right, 3), right], 3) as Images;
      }
    }
    const module = new Holding().eval();
    const x = images();
    const ask = () =>
      tf.tidy(() => {
        const y = module.forward(tf.mul(x, 3));
        return [y, ...outside.splice(0).map((tensor) => tf.clone(tensor))];
      });
    const expected = nn.eagerly(ask);
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) {
      const got = ask();
      for (const [k, tensor] of got.entries()) {
        expectClose(tensor, expected[k] as tf.Tensor);
      }
      tf.dispose(got);
      // Nobody asks.
      tf.tidy(() => module.forward(tf.mul(x, 3))).dispose();
      outside.length = 0;
      expect(tf.memory().numTensors).toBe(before);
    }
  });

  it("changes running statistics when they are read within forward, and where an output goes unused or an error follows", () => {
    class Reading extends Block {
      means: number[][] = [];
      fails = false;
      override forward(x: Images): Images {
        tf.tidy(() => this.body(x));
        this.means.push([...(this.norm.runningMean?.variable.dataSync() ?? [])]);
        this.norm.forward(x);
        if (this.fails) {
          throw new Error("enough");
        }
        return x;
      }
    }
    const outcomes = [true, false].map((eager) => {
      manualSeed(2);
      const module = new Reading();
      const run = () => tf.tidy(() => module.forward(images()));
      const call = () => (eager ? nn.eagerly(run) : run());
      call();
      module.fails = true;
      expect(call).toThrow("enough");
      return [...module.means.flat(), ...(module.norm.runningVar?.variable.dataSync() ?? [])];
    });
    expect(outcomes[0]?.length).toBe(12);
    for (const [i, value] of (outcomes[0] ?? []).entries()) {
      expect(outcomes[1]?.[i]).toBeCloseTo(value, 5);
    }
  });

  it("reads weights as they are when a layer is called", () => {
    class Changing extends Block {
      override forward(x: Images): Images {
        return tf.tidy(() => {
          const first = this.conv.forward(x);
          this.conv.weight.variable.assign(tf.mul(this.conv.weight.variable, 2));
          return tf.add(first, this.conv.forward(x)) as Images;
        });
      }
    }
    const module = new Changing();
    const state = module.stateDict();
    const run = () => {
      module.loadStateDict(state);
      return tf.tidy(() => module.forward(images()));
    };
    expectClose(run(), nn.eagerly(run));
  });

  const weightOf = (block: Block) => block.conv.weight.variable;
  const ones = (variable: tf.Variable) => [tf.ones(variable.shape)];
  /** What changes a parameter or a running statistic of a block, in place or not. */
  const changes: Record<string, (block: Block) => void> = {
    "a step of SGD in place": (block) =>
      sgdStep([weightOf(block)], ones(weightOf(block)), undefined, { learningRate: 1, first: true }),
    "a step of Adam in place": (block) => {
      const [m, v] = [tf.variable(tf.zerosLike(weightOf(block))), tf.variable(tf.zerosLike(weightOf(block)))];
      adamStep([weightOf(block)], ones(weightOf(block)), [m], [v], undefined, { learningRate: 1, step: 1 });
      tf.dispose([m, v]);
    },
    "a step of RMSprop in place": (block) => {
      const squares = tf.variable(tf.zerosLike(weightOf(block)));
      rmspropStep([weightOf(block)], ones(weightOf(block)), [squares], undefined, undefined, { learningRate: 1 });
      squares.dispose();
    },
    "an optimizer of the library": (block) => {
      const optimizer = new optim.SGD([block.conv.weight], { lr: 1 });
      optimizer.step(new Map([[weightOf(block), tf.ones(weightOf(block).shape)]]));
      optimizer.dispose();
    },
    "an optimizer of TensorFlow.js": (block) =>
      tf.train.sgd(1).applyGradients({ [weightOf(block).name]: tf.ones(weightOf(block).shape) }),
    "an assignment": (block) => weightOf(block).assign(tf.mul(weightOf(block), 2)),
    "a state dict": (block) => {
      const other = new Block();
      block.loadStateDict(other.stateDict());
      other.dispose();
    },
    "a pass in training": (block) => {
      block.train();
      block.forward(tf.mul(images(9), 3));
    },
  };

  it.each(Object.keys(changes))("gives what is held as it was called, whatever changes behind it: %s", (name) => {
    const outside: tf.Tensor[] = [];
    class Holding extends Block {
      override body(x: Images): tf.Tensor {
        const hidden = this.conv.forward(x);
        // The constant is freed when the multiplication returns.
        const normalised = this.norm.forward(tf.mul(hidden, 2));
        outside.push(hidden, normalised);
        return normalised;
      }
      override forward(x: Images): Images {
        return tf.relu(tf.add(this.body(x), x)) as Images;
      }
    }
    manualSeed(5);
    const block = new Holding().eval();
    const input = images();
    tf.tidy(() => {
      const expected = nn.eagerly(() => {
        block.forward(input);
        return outside.splice(0);
      });
      block.forward(input);
      const held = outside.splice(0);
      changes[name]?.(block);
      const after = nn.eagerly(() => {
        block.eval().forward(input);
        return outside.splice(-2);
      });
      for (const [i, tensor] of held.entries()) {
        expectClose(tensor, expected[i] as tf.Tensor);
      }
      // It does change what comes behind it.
      expect(Array.from(after[1]?.dataSync() ?? [])).not.toEqual(Array.from(held[1]?.dataSync() ?? []));
    });
    block.dispose();
  });

  it("takes several inputs, and gives several outputs under names", () => {
    class Two extends nn.Module<[a: Images, b: Images], { sum: Images; parts: Images[] }> {
      left = conv(4, 4);
      right = conv(4, 2);
      forward(a: Images, b: Images) {
        const x = this.left.forward(a);
        const y = this.right.forward(tf.concat([b, x], 3).slice([0, 0, 0, 0], [-1, -1, -1, 4]) as Images);
        return { sum: x.add(b) as Images, parts: tf.split(y, 2, 3) as Images[] };
      }
    }
    const module = new Two();
    const run = () =>
      tf.tidy(() => {
        const { sum, parts } = module.forward(images(1), images(2));
        return [sum, ...parts];
      });
    const expected = nn.eagerly(run);
    for (const [i, tensor] of run().entries()) {
      expectClose(tensor, expected[i] as tf.Tensor);
    }
  });

  it("holds no memory over steps, evaluations and calls without a tidy", () => {
    const net = new nn.Sequential(new Block(), new Block());
    const x = images();
    const variables = net.parameters().map(({ variable }) => variable);
    const step = () => {
      net.train();
      const { value, grads } = valueAndGrads(() => tf.sum(net.forward(x)) as tf.Scalar, variables);
      tf.dispose([value, grads as tf.Tensor[]]);
      net.eval();
      net.forward(x).dispose();
    };
    step();
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    for (let i = 0; i < 5; i++) {
      step();
    }
    const after = tf.memory();
    expect([after.numTensors, after.numDataBuffers, after.numBytes]).toEqual([numTensors, numDataBuffers, numBytes]);
  });
});
