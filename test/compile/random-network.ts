/** Networks that are drawn at random: branches, sums, concatenations, gates, shared modules, and what people write between them. */

import * as tf from "@tensorflow/tfjs-core";
import { nn } from "convbook";

/** Whole numbers from 0 to n - 1, the same for the same seed (mulberry32). */
export function draws(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

type Images = tf.Tensor4D;
type Layer = nn.Module<[x: Images], Images>;

/** What a step does with the values that are there so far. */
interface Step {
  readonly text: string;
  readonly channels: number;
  readonly side: number;
  run(values: readonly Images[]): Images;
}

const activations = ["relu", "relu", "relu6", "tanh", "silu", "leakyrelu", "identity"] as const;

/** A network of `count` steps whose forward pass is an early return, a loop over steps and a last sum or concatenation. */
export class RandomNetwork extends nn.Module<[x: Images], tf.Tensor[]> {
  readonly layers: nn.ModuleList;
  /** How often forward was called. */
  calls = 0;
  readonly #steps: readonly Step[];
  readonly #returned: readonly number[];

  constructor(seed: number, channels: number, side: number) {
    super();
    const draw = draws(seed);
    const layers: Layer[] = [];
    const steps: Step[] = [];
    const shapes = [{ channels, side }];
    const count = 3 + draw(9);
    for (let i = 0; i < count; i++) {
      const step = this.#draw(draw, shapes, layers);
      steps.push(step);
      shapes.push({ channels: step.channels, side: step.side });
    }
    this.layers = this.registerModule("layers", new nn.ModuleList(layers));
    this.#steps = steps;
    this.#returned = draw(3) === 0 ? [count, 1 + draw(count)] : [count];
  }

  /** The network as text. */
  get text(): string {
    return `${this.#steps.map(({ text }, i) => `${i + 1} = ${text}`).join("; ")}; return ${this.#returned}`;
  }

  #draw(draw: (n: number) => number, shapes: { channels: number; side: number }[], layers: Layer[]): Step {
    // Mostly what came last.
    const from = draw(3) === 0 ? draw(shapes.length) : shapes.length - 1;
    const { channels, side } = shapes[from] as { channels: number; side: number };
    const same = shapes.flatMap((shape, i) => (shape.side === side && shape.channels === channels ? [i] : []));
    const alike = shapes.flatMap((shape, i) => (shape.side === side ? [i] : []));
    const of = (values: readonly Images[], i: number) => values[i] as Images;
    const layer = (made: Layer, text: string, out = channels, size = side): Step => {
      layers.push(made);
      return { text: `${text}(${from})`, channels: out, side: size, run: (values) => made.forward(of(values, from)) };
    };
    const other = same[draw(same.length)] as number;
    switch (draw(14)) {
      case 0:
      case 1:
      case 2: {
        const kernelSize = 1 + 2 * draw(2);
        const stride = side > 3 && draw(4) === 0 ? 2 : 1;
        const out = 1 + draw(7);
        const conv = new nn.Conv2d(channels, out, {
          kernelSize,
          stride,
          padding: (kernelSize - 1) / 2,
          bias: draw(2) === 0,
        });
        return layer(conv, `conv${kernelSize}/${stride}`, out, Math.floor((side - 1) / stride) + 1);
      }
      case 3:
      case 4:
      case 5:
        return layer(new nn.BatchNorm2d(channels, draw(3) === 0 ? { momentum: null } : {}) as unknown as Layer, "norm");
      case 6:
        return layer(new nn.Activation(activations[draw(activations.length)] as string) as unknown as Layer, "act");
      case 7:
        if (side < 3) {
          return { text: `relu(${from})`, channels, side, run: (values) => tf.relu(of(values, from)) };
        }
        return draw(2) === 0
          ? layer(new nn.MaxPool2d(3, { stride: 2, padding: 1 }), "max", channels, Math.floor((side - 1) / 2) + 1)
          : layer(new nn.AvgPool2d(2, { stride: 1 }), "avg", channels, side - 1);
      case 8:
        return {
          text: `${from} + ${other}`,
          channels,
          side,
          run: (values) => tf.add(of(values, from), of(values, other)),
        };
      case 9:
        return {
          text: `relu(${from}.add(${other}))`,
          channels,
          side,
          run: (values) => tf.relu(of(values, from).add(of(values, other))) as Images,
        };
      case 10: {
        const parts = Array.from({ length: 2 + draw(2) }, () => alike[draw(alike.length)] as number);
        const width = parts.reduce((sum, i) => sum + (shapes[i]?.channels as number), 0);
        if (width > 24) {
          return { text: `relu(${from})`, channels, side, run: (values) => tf.relu(of(values, from)) };
        }
        return {
          text: `concat(${parts})`,
          channels: width,
          side,
          run: (values) =>
            tf.concat(
              parts.map((i) => of(values, i)),
              3,
            ),
        };
      }
      case 11:
        // A squeeze-and-excitation gate.
        return {
          text: `gate(${from})`,
          channels,
          side,
          run: (values) => tf.mul(of(values, from), tf.sigmoid(tf.mean(of(values, from), [1, 2], true))) as Images,
        };
      case 12: {
        const fitting = layers.filter((known) => known instanceof nn.BatchNorm2d && known.numFeatures === channels);
        const again = fitting[draw(Math.max(1, fitting.length))];
        if (again === undefined) {
          return { text: `square(${from})`, channels, side, run: (values) => tf.square(of(values, from)) };
        }
        return {
          text: `again ${layers.indexOf(again)}(${from})`,
          channels,
          side,
          run: (values) => again.forward(of(values, from)),
        };
      }
      default:
        return {
          text: `reshape(${from})`,
          channels,
          side,
          run: (values) => {
            const x = of(values, from);
            return tf.reshape(tf.mul(tf.reshape(x, [-1, channels]), 0.5), x.shape) as Images;
          },
        };
    }
  }

  forward(x: Images): tf.Tensor[] {
    this.calls += 1;
    return tf.tidy(() => {
      const values: Images[] = [x];
      for (const step of this.#steps) {
        values.push(step.run(values));
      }
      return this.#returned.map((i) => values[i] as Images);
    });
  }
}
