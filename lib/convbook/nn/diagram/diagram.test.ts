import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { HiddenLayer } from "../blocks/index.ts";
import { BatchNorm2d, Conv2d, Dropout, diagram, Linear, Module, ModuleList, ReLU, Sequential, Tanh } from "../index.ts";

type Images = tf.Tensor4D;
const conv = (from: number, to: number) => new Conv2d(from, to, { kernelSize: 3, padding: 1 });

class Block extends Module<[x: Images], Images> {
  readonly net: Sequential;
  constructor(channels: number) {
    super();
    this.net = new Sequential(conv(channels, channels), new BatchNorm2d(channels), new ReLU());
  }
  forward(x: Images): Images {
    return tf.relu(tf.add(this.net.forward(x) as Images, x));
  }
}

class Dense extends Module<[x: Images], Images> {
  readonly conv: Conv2d;
  constructor(channels: number) {
    super();
    this.conv = conv(channels, 4);
  }
  forward(x: Images): Images {
    return tf.concat([this.conv.forward(x), x], 3);
  }
}

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("nn.diagram", () => {
  it("draws layers, what is called between them, who reads what, and shapes", () => {
    const chart = diagram(new Block(8), { inputShape: [2, 5, 6, 8] });
    expect(String(chart)).toBe("input\nnet: Conv2d 3×3, 8 → 8, BatchNorm2d, ReLU\n+\nReLU\noutput");
    const svg = chart.toSvg();
    expect(svg.match(/>5×6×8</g)).toHaveLength(4);
    // Into the net, from there into the sum, around it, into the ReLU, out.
    expect(svg.match(/stroke-width="1.4"/g)).toHaveLength(5);
    expect(chart.alt).toBe("Block: input; net: Conv2d 3×3, 8 → 8, BatchNorm2d, ReLU; +; ReLU; output");
  });

  it("draws blocks that are alike once, with their number", () => {
    const shape = { inputShape: [1, 4, 4, 8] };
    expect(String(diagram(new Sequential(new Block(8), new Block(8), new Block(8)), shape))).toBe(
      "input\n0–2: Block × 3\n  net: Conv2d 3×3, 8 → 8, BatchNorm2d, ReLU\n  +\n  ReLU\noutput",
    );
    expect(String(diagram(new Sequential(new Dense(8), new Dense(12), new Dense(16)), shape))).toBe(
      "input\n0–2: Dense × 3, other widths\n  Conv2d 3×3, 8 → 4\n  concat\noutput",
    );
    const wide = diagram(new Sequential(new Dense(8), new Dense(12), new Dense(16)), shape).toSvg();
    expect(wide).toContain(">4×4×20<");
    expect(String(diagram(new Sequential(new Block(8), new Block(8)), { ...shape, depth: 1 }))).toBe(
      "input\n0–1: Block × 2, 600 parameters each\noutput",
    );
    const other = new Sequential(new Block(8), conv(8, 16), new Block(16));
    expect(String(diagram(other, shape)).match(/Block/g)).toHaveLength(2);
  });

  it("says when the very same layers are called again, and folds what is between the calls along", () => {
    class Again extends Module<[x: Images], Images> {
      readonly net = new Sequential(conv(8, 8), new ReLU());
      forward(x: Images): Images {
        let y = x;
        for (let i = 0; i < 4; i++) {
          y = tf.relu(tf.add(this.net.forward(y) as Images, y));
        }
        return y;
      }
    }
    expect(String(diagram(new Again(), { inputShape: [1, 4, 4, 8] }))).toBe(
      "input\nrepeated × 4, the same weights\n  net: Conv2d 3×3, 8 → 8, ReLU\n  +\n  ReLU\noutput",
    );
  });

  it("folds long rows of layers, and only where one thing goes from one to the next", () => {
    const stack = Array.from({ length: 5 }, () => [new Linear(16, 16), new Tanh()]).flat();
    const chart = String(diagram(new Sequential(...stack), { inputShape: [1, 16] }));
    expect(chart).toBe("input\nrepeated × 5: Linear 16 → 16, Tanh\noutput");
    class Skips extends Module<[x: Images], Images> {
      readonly blocks = new ModuleList([new Block(8), new Block(8)]);
      forward(x: Images): Images {
        const [a, b] = [...this.blocks] as [Block, Block];
        const first = a.forward(x);
        return tf.add(b.forward(first), first);
      }
    }
    expect(String(diagram(new Skips(), { inputShape: [1, 4, 4, 8] })).match(/Block$/gm)).toHaveLength(2);
  });

  it("opens as many levels as fit onto a page, also where that takes no more lines", () => {
    class Layer extends Module<[x: Images], Images> {
      readonly conv = conv(8, 8);
      readonly norm = new BatchNorm2d(8);
      forward(x: Images): Images {
        return this.norm.forward(this.conv.forward(x));
      }
    }
    class Pair extends Module<[x: Images], Images> {
      readonly a = new Layer();
      readonly b = new Layer();
      forward(x: Images): Images {
        return tf.add(this.a.forward(x), this.b.forward(x));
      }
    }
    expect(String(diagram(new Pair(), { inputShape: [1, 4, 4, 8] }))).toBe(
      "input\na: Layer: Conv2d 3×3, 8 → 8, BatchNorm2d\nb: Layer: Conv2d 3×3, 8 → 8, BatchNorm2d\n+\noutput",
    );
  });

  it("draws any kernel, several inputs, named outputs and numbers that are added", () => {
    class Odd extends Module<[x: tf.Tensor2D], { sums: tf.Tensor; scaled: tf.Tensor }> {
      forward(x: tf.Tensor2D) {
        return { sums: tf.cumsum(x, 1), scaled: tf.mul(tf.sub(x, 0.5), 3) };
      }
    }
    expect(String(diagram(new Odd(), { inputShape: [1, 4] }))).toBe("input\ncumsum\n− 0.5, × 3\nsums\nscaled");
    class Turned extends Module<[x: tf.Tensor2D], tf.Tensor> {
      forward(x: tf.Tensor2D) {
        return tf.sub(1, tf.div(2, tf.add(3, x)));
      }
    }
    expect(String(diagram(new Turned(), { inputShape: [1, 4] }))).toBe("input\n+ 3, 2 ÷ x, 1 − x\noutput");
    const merging = new HiddenLayer(12, 4);
    const shapes = [
      [1, 8, 8, 8],
      [1, 8, 8, 4],
    ];
    expect(String(diagram(merging, { inputShape: shapes }))).toBe(
      "input 1\ninput 2\nconcat\nConv2d 1×1, 12 → 4, BatchNorm2d, ReLU, Conv2d 3×3, 4 → 4, BatchNorm2d, ReLU\noutput",
    );
  });

  it("draws a layer alone, and a module that gives back what it got", () => {
    expect(String(diagram(new Linear(2, 3), { inputShape: [1, 2] }))).toBe("input\nLinear 2 → 3\noutput");
    expect(String(diagram(new Sequential(), { inputShape: [1, 2] }))).toBe("input\noutput");
    expect(String(diagram(new Dropout(0.5), { inputShape: [1, 2] }))).toBe("input\nDropout\noutput");
  });

  it("leaves modes, state, tensors and TensorFlow.js as they were, also where the input does not fit", () => {
    const net = new Sequential(new Block(8), new Block(8));
    net.getSubmodule("1").eval();
    const engine = tf.engine() as unknown as { runKernelFunc: unknown };
    const { runKernelFunc } = engine;
    const state = () => JSON.stringify([...net.stateDict()].map(([name, { data }]) => [name, [...data].map(Number)]));
    const [before, tensors] = [state(), tf.memory().numTensors];
    diagram(net, { inputShape: [1, 4, 4, 8] });
    expect(() => diagram(net, { inputShape: [1, 4, 4, 7] })).toThrow("[1, 4, 4, 7]");
    expect(engine.runKernelFunc).toBe(runKernelFunc);
    expect(state()).toBe(before);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(
      net
        .modules()
        .map(({ training }) => training)
        .slice(0, 2),
    ).toEqual([true, true]);
    expect(net.getSubmodule("1").training).toBe(false);
    expect(Object.hasOwn(net, "forward")).toBe(false);
  });

  it("says what is wrong", () => {
    const net = new Linear(2, 3);
    expect(() => diagram(net, { inputShape: [1, 2], depth: 0 })).toThrow(
      "diagram: depth must be a whole number of levels, 1 for the module's own parts, got 0.",
    );
    // @ts-expect-error no shape
    expect(() => diagram(net, {})).toThrow(
      "diagram: inputShape must be positive whole numbers, the batch first, got undefined",
    );
  });
});
