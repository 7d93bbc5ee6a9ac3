/** Programs as they are described, against the same operations of tfjs on its CPU backend: results, and gradients of all that goes in. */
import { engine, type Program, type ProgramNorm, type ProgramOperation } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { data, expectSame, instructionSets, Random, tensor, withGrads } from "./support.ts";

const side = 6;

function operation(
  kind: ProgramOperation["kind"],
  [source, sourceOffset, inChannels]: readonly [number, number, number],
  [target, targetOffset, outChannels]: readonly [number, number, number],
  more: Partial<ProgramOperation> = {},
): ProgramOperation {
  return {
    ...{ kind, source, sourceOffset, inChannels, norm: -1, target, targetOffset, outChannels, residual: -1 },
    ...{ filter: [1, 1], strides: [1, 1], pad: [0, 0], weight: -1, bias: -1, activation: "linear", fold: -1 },
    ...more,
  };
}

const norm = (buffer: number, offset: number, channels: number, gamma: number, more: Partial<ProgramNorm> = {}) => ({
  ...{ buffer, offset, channels, gamma, beta: gamma + 1, relu: false, mean: -1, variance: -1 },
  ...{ epsilon: 1e-5, share: 0.1, ...more },
});

/** Buffers of so many channels, all of one size. */
const buffers = (...channels: number[]) => channels.map((count) => ({ height: side, width: side, channels: count }));

const wide = { filter: [3, 3], pad: [1, 1] } as const;

/** Programs for training, by what is special about them. */
const programs: Record<string, Program> = {
  "a convolution that adds what it reads": {
    buffers: buffers(5, 4, 4),
    norms: [],
    operations: [
      operation("conv", [0, 0, 5], [1, 0, 4], { weight: 0 }),
      operation("conv", [1, 0, 4], [2, 0, 4], { ...wide, weight: 1, residual: 1 }),
    ],
    output: 2,
  },
  "a convolution that adds what it reads, the input": {
    buffers: buffers(4, 4, 3),
    norms: [],
    operations: [
      operation("conv", [0, 0, 4], [1, 0, 4], { ...wide, weight: 0, bias: 1, residual: 0 }),
      operation("conv", [1, 0, 4], [2, 0, 3], { weight: 2 }),
    ],
    output: 2,
  },
  "a convolution that adds what it reads normalized": {
    buffers: buffers(5, 4, 4),
    norms: [norm(1, 0, 4, 2, { relu: true })],
    operations: [
      operation("conv", [0, 0, 5], [1, 0, 4], { weight: 0 }),
      operation("conv", [1, 0, 4], [2, 0, 4], { ...wide, weight: 1, norm: 0, residual: 1 }),
    ],
    output: 2,
  },
  "a convolution that adds the whole of which it reads a part": {
    buffers: buffers(5, 6, 6),
    norms: [],
    operations: [
      operation("conv", [0, 0, 5], [1, 0, 6], { weight: 0 }),
      operation("conv", [1, 2, 3], [2, 0, 6], { ...wide, weight: 1, residual: 1 }),
    ],
    output: 2,
  },
  "a convolution that adds what it reads, and others read": {
    buffers: buffers(5, 4, 7, 4),
    norms: [],
    operations: [
      operation("conv", [0, 0, 5], [1, 0, 4], { weight: 0 }),
      operation("conv", [1, 0, 4], [3, 0, 4], { ...wide, weight: 1, residual: 1 }),
      operation("merge", [3, 0, 4], [2, 0, 4], { residual: 1 }),
      operation("conv", [1, 0, 4], [2, 4, 3], { weight: 2 }),
    ],
    output: 2,
  },
  "a sum of a value with itself": {
    buffers: buffers(5, 4, 4),
    norms: [norm(1, 0, 4, 1)],
    operations: [
      operation("conv", [0, 0, 5], [1, 0, 4], { weight: 0 }),
      operation("merge", [1, 0, 4], [2, 0, 4], { norm: 0, residual: 1, activation: "relu" }),
    ],
    output: 2,
  },
  "a normalized copy of what is given out itself": {
    buffers: buffers(5, 7, 4),
    norms: [norm(1, 0, 4, 1)],
    operations: [
      operation("conv", [0, 0, 5], [1, 0, 4], { weight: 0 }),
      operation("merge", [1, 0, 4], [2, 0, 4], { norm: 0, activation: "relu" }),
      operation("conv", [2, 0, 4], [1, 4, 3], { ...wide, weight: 3 }),
    ],
    output: 1,
  },
  "a normalized copy, with a residual, of what is given out itself": {
    buffers: buffers(5, 7, 4, 4),
    norms: [norm(1, 0, 4, 2)],
    operations: [
      operation("conv", [0, 0, 5], [3, 0, 4], { weight: 0 }),
      operation("conv", [3, 0, 4], [1, 0, 4], { ...wide, weight: 1 }),
      operation("merge", [1, 0, 4], [2, 0, 4], { norm: 0, residual: 3, activation: "relu" }),
      operation("conv", [2, 0, 4], [1, 4, 3], { weight: 4 }),
    ],
    output: 1,
  },
  "a normalized copy of what nobody else reads": {
    buffers: buffers(5, 4, 4),
    norms: [norm(1, 0, 4, 1)],
    operations: [
      operation("conv", [0, 0, 5], [1, 0, 4], { ...wide, weight: 0 }),
      operation("merge", [1, 0, 4], [2, 0, 4], { norm: 0, activation: "relu" }),
    ],
    output: 2,
  },
};

/** Sizes of a program's parameters, by their numbers. */
function parameterShapes({ norms, operations }: Program): number[][] {
  const shapes: number[][] = [];
  for (const { gamma, beta, channels } of norms) {
    shapes[gamma] = shapes[beta] = [channels];
  }
  for (const { kind, weight, bias, filter, inChannels, outChannels } of operations) {
    if (kind !== "conv") {
      continue;
    }
    shapes[weight] = [...filter, inChannels, outChannels];
    if (bias >= 0) {
      shapes[bias] = [outChannels];
    }
  }
  return shapes;
}

/** The same by operations of tfjs. */
function composed({ buffers: sizes, norms, operations, output }: Program, [x, ...parameters]: tf.Tensor[]): tf.Tensor {
  const batch = x?.shape[0] ?? 0;
  const values = sizes.map(({ height, width, channels }) => tf.zeros([batch, height, width, channels]));
  values[0] = x as tf.Tensor;
  const at = (buffer: number) => values[buffer] as tf.Tensor;
  const slice = (buffer: number, from: number, channels: number) =>
    tf.slice(at(buffer), [0, 0, 0, from], [-1, -1, -1, channels]);
  const parameter = (index: number) => parameters[index] as tf.Tensor;
  for (const op of operations) {
    let from = slice(op.source, op.sourceOffset, op.inChannels);
    const { gamma, beta, epsilon, relu } = norms[op.norm] ?? { gamma: -1, beta: -1, epsilon: 0, relu: false };
    if (op.norm >= 0) {
      const { mean, variance } = tf.moments(from, [0, 1, 2]);
      const centred = tf.div(tf.sub(from, mean), tf.sqrt(tf.add(variance, epsilon)));
      from = tf.add(tf.mul(centred, parameter(gamma)), parameter(beta));
      from = relu ? tf.relu(from) : from;
    }
    if (op.kind === "conv") {
      from = tf.conv2d(from as tf.Tensor4D, parameter(op.weight) as tf.Tensor4D, [1, 1], "same");
      from = op.bias < 0 ? from : tf.add(from, parameter(op.bias));
    }
    from = op.residual < 0 ? from : tf.add(from, at(op.residual));
    from = op.activation === "relu" ? tf.relu(from) : from;
    const { channels } = sizes[op.target] as { channels: number };
    const end = op.targetOffset + op.outChannels;
    const before = op.targetOffset > 0 ? [slice(op.target, 0, op.targetOffset)] : [];
    const behind = end < channels ? [slice(op.target, end, channels - end)] : [];
    values[op.target] = tf.concat([...before, from, ...behind], 3);
  }
  return at(output);
}

/** On the backend native as a program, on any other by operations of tfjs. */
function run(program: Program, inputs: tf.Tensor[]): tf.Tensor {
  if (tf.getBackend() !== "native") {
    return composed(program, inputs);
  }
  const attributes = { program, running: [] } as unknown as tf.NamedAttrMap;
  const named = inputs as unknown as tf.NamedTensorMap;
  const [y] = tf.engine().runKernel("ProgramTraining", named, attributes) as unknown as tf.Tensor[];
  return y as tf.Tensor;
}

describe.runIf(engine.available).each(instructionSets)("with %s", (isa) => {
  beforeAll(() => engine.setInstructionSet(isa));
  afterAll(() => engine.setInstructionSet(undefined));

  it.each(Object.keys(programs))("%s has its own gradients", (name) => {
    const program = programs[name] as Program;
    for (const batch of [1, 3, 20]) {
      const random = new Random(batch);
      const image = [batch, side, side, program.buffers[0]?.channels ?? 0];
      const inputs = [image, ...parameterShapes(program)].map((shape) => data(random, shape));
      expectSame(() => withGrads((...tensors) => run(program, tensors), inputs.map(tensor)), 2e-5, `batch ${batch}:`);
    }
  });

  it("a program that is none is refused", () => {
    const [good] = Object.values(programs);
    const program = { ...good, output: 9 } as Program;
    tf.setBackend("native");
    expect(() => run(program, [tf.ones([1, side, side, 5]), tf.ones([1, 1, 5, 4]), tf.ones([3, 3, 4, 4])])).toThrow(
      "Program: bad header",
    );
  });
});
