/** Every layer, block and loss against PyTorch: outputs, gradients of inputs and parameters, running statistics, in training and evaluation. */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultResnetConfig, type ModelOutput, ResnetClassifier } from "../../../lib/convbook/models/index.ts";
import * as blocks from "../../../lib/convbook/nn/blocks/index.ts";
import * as nn from "../../../lib/convbook/nn/index.ts";
import { manualSeed, rand } from "../../../lib/convbook/random/index.ts";
import {
  backends,
  entryOf,
  expectClose,
  expectTensorClose,
  fill,
  gradientInTorchLayout,
  type Packed,
  randomImages,
  readFixture,
  seedOf,
} from "./support.ts";

interface Expected {
  readonly output: Packed;
  readonly inputGradients: readonly Packed[];
  readonly gradients: Readonly<Record<string, Packed>>;
  readonly buffers: Readonly<Record<string, Packed>>;
}

interface Fixture {
  readonly layers: Readonly<
    Record<string, { readonly inputs: readonly number[][]; readonly train: Expected; readonly eval: Expected }>
  >;
  readonly losses: Readonly<
    Record<
      string,
      { readonly output: Packed; readonly inputGradient: Packed; readonly target: "classes" | "probabilities" }
    >
  >;
}

/** The input times a number, then an activation: reaches both ends of the bounded ones. */
class Scaled extends nn.Module {
  readonly #factor: number;
  readonly #act: nn.Activation;

  constructor(factor: number, name: string) {
    super();
    this.#factor = factor;
    this.#act = this.registerModule("act", new nn.Activation(name));
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.#act.forward(tf.mul(x, this.#factor));
  }
}

/** A layer behind numbers that are rounded, so that many are equal; their gradient is passed on. */
class Rounded extends nn.Module {
  readonly layer: nn.AnyModule;

  constructor(layer: nn.AnyModule) {
    super();
    this.layer = layer;
  }

  forward(x: tf.Tensor): tf.Tensor {
    const given = tf.tensor(x.dataSync(), x.shape);
    return this.layer.forward(tf.add(tf.round(tf.mul(given, 2)), tf.sub(x, given)));
  }
}

/** A module that returns several tensors, as one that returns them joined; its names are the module's own. */
class AsOne<Out> extends nn.Module {
  readonly #inner: nn.Module<[x: tf.Tensor], Out>;
  readonly #join: (output: Out) => tf.Tensor;

  constructor(inner: nn.AnyModule, join: (output: Out) => tf.Tensor) {
    super();
    this.#inner = inner;
    this.#join = join;
    for (const [name, child] of inner.namedChildren()) {
      this.registerModule(name, child);
    }
  }

  forward(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => this.#join(this.#inner.forward(x)));
  }
}

const shortcut = (channels: number, stride: number) =>
  new nn.Sequential(new nn.Conv2d(4, channels, { kernelSize: 1, stride, bias: false }), new nn.BatchNorm2d(channels));

/** The module of each case; `fixtures/make_layers.py` has PyTorch's under the same names. */
const cases: Readonly<Record<string, () => nn.AnyModule>> = {
  "conv2d 3x3 padding 1": () => new nn.Conv2d(4, 6, { kernelSize: 3, padding: 1 }),
  "conv2d 3x3 stride 2 padding 1": () => new nn.Conv2d(4, 6, { kernelSize: 3, stride: 2, padding: 1 }),
  "conv2d 3x3 stride 2 no padding even size": () => new nn.Conv2d(4, 3, { kernelSize: 3, stride: 2 }),
  "conv2d 5x5 padding 2 no bias": () => new nn.Conv2d(4, 5, { kernelSize: 5, padding: 2, bias: false }),
  "conv2d 1x1 stride 2": () => new nn.Conv2d(4, 5, { kernelSize: 1, stride: 2 }),
  "conv2d 3x5 stride 2x1 padding 1x2": () =>
    new nn.Conv2d(4, 5, { kernelSize: [3, 5], stride: [2, 1], padding: [1, 2] }),
  "conv2d dilation 2": () => new nn.Conv2d(4, 5, { kernelSize: 3, padding: 2, dilation: 2 }),
  "conv2d dilation 1x2 stride 2": () => new nn.Conv2d(4, 5, { kernelSize: 3, stride: 2, padding: 1, dilation: [1, 2] }),
  "conv2d groups 2": () => new nn.Conv2d(4, 6, { kernelSize: 3, padding: 1, groups: 2 }),
  "conv2d groups 2 dilation 2": () => new nn.Conv2d(4, 6, { kernelSize: 3, padding: 2, groups: 2, dilation: 2 }),
  "conv2d depthwise": () => new nn.Conv2d(4, 4, { kernelSize: 3, padding: 1, groups: 4 }),
  "conv2d depthwise multiplier 2 stride 2": () =>
    new nn.Conv2d(4, 8, { kernelSize: 3, padding: 1, stride: 2, groups: 4 }),
  "conv2d depthwise dilation 2 no bias": () =>
    new nn.Conv2d(4, 4, { kernelSize: 3, padding: 2, dilation: 2, groups: 4, bias: false }),
  "convtranspose2d 2 stride 2": () => new nn.ConvTranspose2d(4, 3, { kernelSize: 2, stride: 2 }),
  "convtranspose2d 3 stride 2 padding 1 output padding 1": () =>
    new nn.ConvTranspose2d(4, 3, { kernelSize: 3, stride: 2, padding: 1, outputPadding: 1 }),
  "convtranspose2d output padding beyond the padding": () =>
    new nn.ConvTranspose2d(4, 3, { kernelSize: 3, stride: [3, 2], padding: [1, 0], outputPadding: [2, 1] }),
  "convtranspose2d 4x3 stride 2x1 padding 1x2 no bias": () =>
    new nn.ConvTranspose2d(4, 5, { kernelSize: [4, 3], stride: [2, 1], padding: [1, 2], bias: false }),
  "convtranspose2d dilation 2 groups 2": () =>
    new nn.ConvTranspose2d(4, 6, { kernelSize: 3, stride: 2, padding: 1, dilation: 2, groups: 2, outputPadding: 1 }),
  "convtranspose2d depthwise": () => new nn.ConvTranspose2d(4, 4, { kernelSize: 3, stride: 2, padding: 1, groups: 4 }),
  "convtranspose2d padding beyond the kernel": () =>
    new nn.ConvTranspose2d(4, 3, { kernelSize: 1, stride: 2, padding: 1 }),
  "conv2d same even kernel": () => new nn.Conv2d(4, 5, { kernelSize: 4, padding: "same" }),
  "conv2d one channel one image": () => new nn.Conv2d(1, 1, { kernelSize: 3, padding: 1 }),
  "conv1d kernel 7 stride 4 padding 3": () => new nn.Conv1d(4, 6, { kernelSize: 7, stride: 4, padding: 3 }),
  "conv1d dilation 3 groups 2 no bias": () =>
    new nn.Conv1d(4, 6, { kernelSize: 3, dilation: 3, groups: 2, bias: false }),
  "conv1d same": () => new nn.Conv1d(4, 5, { kernelSize: 6, padding: "same" }),
  batchnorm2d: () => new nn.BatchNorm2d(4),
  "batchnorm2d eps momentum": () => new nn.BatchNorm2d(4, { eps: 1e-2, momentum: 0.003 }),
  "batchnorm2d cumulative": () => new nn.BatchNorm2d(4, { momentum: null }),
  "batchnorm2d not affine": () => new nn.BatchNorm2d(4, { affine: false }),
  "batchnorm2d without running statistics": () => new nn.BatchNorm2d(4, { trackRunningStats: false }),
  "batchnorm1d vectors": () => new nn.BatchNorm1d(5),
  "batchnorm1d sequences": () => new nn.BatchNorm1d(4),
  groupnorm: () => new nn.GroupNorm(2, 4),
  "groupnorm one group sequence": () => new nn.GroupNorm(1, 4, { eps: 1e-3 }),
  instancenorm2d: () => new nn.InstanceNorm2d(4),
  "instancenorm2d affine eps": () => new nn.InstanceNorm2d(4, { eps: 1e-2, affine: true }),
  "instancenorm2d tracking": () => new nn.InstanceNorm2d(4, { momentum: 0.3, affine: true, trackRunningStats: true }),
  instancenorm1d: () => new nn.InstanceNorm1d(4),
  "instancenorm1d tracking": () => new nn.InstanceNorm1d(4, { trackRunningStats: true }),
  "layernorm vectors": () => new nn.LayerNorm(11),
  "layernorm images": () => new nn.LayerNorm([4, 7, 9]),
  linear: () => new nn.Linear(7, 5),
  "linear no bias": () => new nn.Linear(7, 5, { bias: false }),
  "maxpool2d 3 stride 2 padding 1": () => new nn.MaxPool2d(3, { stride: 2, padding: 1 }),
  "maxpool2d 3 stride 1 padding 1": () => new nn.MaxPool2d(3, { stride: 1, padding: 1 }),
  "maxpool2d 2x3 ceil": () => new nn.MaxPool2d([2, 3], { ceilMode: true }),
  "maxpool2d 3 stride 2 no padding": () => new nn.MaxPool2d(3, { stride: 2 }),
  "maxpool1d 7": () => new nn.MaxPool1d(7),
  "maxpool1d 3 stride 2 padding 1": () => new nn.MaxPool1d(3, { stride: 2, padding: 1 }),
  "avgpool2d 2": () => new nn.AvgPool2d(2),
  "avgpool2d 3 stride 2 padding 1": () => new nn.AvgPool2d(3, { stride: 2, padding: 1 }),
  "avgpool2d without padding in the count": () =>
    new nn.AvgPool2d(3, { stride: 2, padding: 1, countIncludePad: false }),
  "avgpool2d ceil": () => new nn.AvgPool2d(2, { ceilMode: true }),
  "avgpool2d ceil padding": () => new nn.AvgPool2d(3, { stride: 2, padding: 1, ceilMode: true }),
  "avgpool1d 5": () => new nn.AvgPool1d(5, { stride: 2, padding: 1 }),
  "adaptiveavgpool2d 1": () => new nn.AdaptiveAvgPool2d(1),
  "adaptiveavgpool2d 2x4": () => new nn.AdaptiveAvgPool2d([2, 4]),
  "adaptiveavgpool2d 4 of 8": () => new nn.AdaptiveAvgPool2d(4),
  "adaptiveavgpool2d larger than the input": () => new nn.AdaptiveAvgPool2d(5),
  "adaptiveavgpool1d 1": () => new nn.AdaptiveAvgPool1d(1),
  "adaptiveavgpool1d 5": () => new nn.AdaptiveAvgPool1d(5),
  "adaptivemaxpool2d 1": () => new nn.AdaptiveMaxPool2d(1),
  "adaptivemaxpool2d 2x4": () => new nn.AdaptiveMaxPool2d([2, 4]),
  "adaptivemaxpool2d 4 of 8": () => new nn.AdaptiveMaxPool2d(4),
  "adaptivemaxpool2d larger than the input": () => new nn.AdaptiveMaxPool2d(5),
  "adaptivemaxpool2d own height": () => new nn.AdaptiveMaxPool2d([null, 3]),
  "adaptivemaxpool2d equal values": () => new Rounded(new nn.AdaptiveMaxPool2d([3, 4])),
  zeropad2d: () => new nn.ZeroPad2d(2),
  "zeropad2d four sides": () => new nn.ZeroPad2d([1, 0, 3, 2]),
  "zeropad2d negative": () => new nn.ZeroPad2d([-2, 1, 0, -3]),
  relu: () => new nn.ReLU(),
  relu6: () => new Scaled(20, "relu6"),
  leakyrelu: () => new nn.LeakyReLU(),
  "leakyrelu 0.2": () => new nn.LeakyReLU(0.2),
  "leakyrelu -1.5": () => new nn.LeakyReLU(-1.5),
  "relu6 layer": () => new nn.ReLU6(),
  "elu 0.5": () => new nn.ELU(0.5),
  "gelu tanh": () => new nn.GELU({ approximate: "tanh" }),
  tanh: () => new nn.Tanh(),
  sigmoid: () => new nn.Sigmoid(),
  gelu: () => new nn.GELU(),
  silu: () => new nn.SiLU(),
  elu: () => new nn.ELU(),
  softplus: () => new nn.Activation("softplus"),
  mish: () => new nn.Mish(),
  hardswish: () => new Scaled(8, "hardswish"),
  "hardswish layer": () => new nn.Hardswish(),
  hardsigmoid: () => new Scaled(8, "hardsigmoid"),
  "hardsigmoid layer": () => new nn.Hardsigmoid(),
  prelu: () => new nn.PReLU(),
  "prelu a slope a channel": () => new nn.PReLU(4),
  "prelu vectors": () => new nn.PReLU(7),
  "softmax vectors": () => new nn.Softmax(1),
  "softmax channels": () => new nn.Softmax(1),
  "softmax height": () => new nn.Softmax(2),
  "softmax last": () => new nn.Softmax(-1),
  "softmax batch": () => new nn.Softmax(0),
  "softmax sequences": () => new nn.Softmax(-1),
  "softmax without a dimension": () => new nn.Softmax(),
  "softmax of a sequence without a dimension": () => new nn.Softmax(),
  identity: () => new nn.Identity(),
  flatten: () => new nn.Flatten(),
  unflatten: () => new nn.Unflatten([3, 5, 4]),
  dropout: () => new nn.Dropout(0.3),
  "dropout images": () => new nn.Dropout(0.5),
  droppath: () => new nn.DropPath(0.4),
  "droppath unscaled": () => new nn.DropPath(0.5, { scaleByKeep: false }),
  "droppath everything": () => new nn.DropPath(1),
  "stochastic depth": () => new nn.StochasticDepth(0.4, "row"),
  "stochastic depth of a batch": () => new nn.StochasticDepth(0.4, "batch"),
  "stochastic depth everything": () => new nn.StochasticDepth(1, "row"),
  SqueezeExcitation: () => new blocks.SqueezeExcitation(4, 3),
  "SqueezeExcitation hard": () =>
    new blocks.SqueezeExcitation(4, 2, { activation: "silu", scaleActivation: "hardsigmoid" }),
  Conv2dNormActivation: () => new blocks.Conv2dNormActivation(4, 6, { stride: 2 }),
  "Conv2dNormActivation plain": () =>
    new blocks.Conv2dNormActivation(4, 4, { kernelSize: 5, groups: 2, bias: true, dilation: 2, activation: null }),
  "upsample nearest": () => new nn.Upsample({ scaleFactor: 2 }),
  "upsample bilinear": () => new nn.Upsample({ scaleFactor: 2, mode: "bilinear" }),
  "upsample bilinear align corners": () => new nn.Upsample({ scaleFactor: 2, mode: "bilinear", alignCorners: true }),
  "upsample bilinear 3x2": () => new nn.Upsample({ scaleFactor: [3, 2], mode: "bilinear" }),
  sequential: () =>
    new nn.Sequential(
      new nn.Conv2d(4, 6, { kernelSize: 3, padding: 1 }),
      new nn.BatchNorm2d(6),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(72, 3),
    ),
  "sequential norm without activation": () =>
    new nn.Sequential(
      new nn.Conv2d(4, 6, { kernelSize: 3, bias: false }),
      new nn.BatchNorm2d(6),
      new nn.Conv2d(6, 4, { kernelSize: 1 }),
      new nn.Tanh(),
    ),
  InceptionBlock: () =>
    new blocks.InceptionBlock(4, { cRed: { "3x3": 3, "5x5": 2 }, cOut: { "1x1": 5, "3x3": 4, "5x5": 3, max: 2 } }),
  ResNetBlock: () => new blocks.ResNetBlock(4),
  "ResNetBlock subsample": () => new blocks.ResNetBlock(4, { actFn: "tanh", subsample: true, cOut: 6 }),
  PreActResNetBlock: () => new blocks.PreActResNetBlock(4),
  "PreActResNetBlock subsample": () => new blocks.PreActResNetBlock(4, { actFn: "gelu", subsample: true, cOut: 6 }),
  DenseLayer: () => new blocks.DenseLayer(4, { bnSize: 2, growthRate: 3 }),
  DenseBlock: () => new blocks.DenseBlock(4, { numLayers: 3, bnSize: 2, growthRate: 3, actFn: "leakyrelu" }),
  BasicBlock: () => new blocks.BasicBlock(4, 4),
  "BasicBlock with shortcut": () => new blocks.BasicBlock(4, 6, { stride: 2, downsample: shortcut(6, 2) }),
  Bottleneck: () => new blocks.Bottleneck(8, 2, { baseWidth: 96 }),
  "Bottleneck groups dilation": () =>
    new blocks.Bottleneck(4, 4, { groups: 2, baseWidth: 32, dilation: 2, downsample: shortcut(16, 1) }),
  CNN1dLayer: () => new blocks.CNN1dLayer(4, 5, { kernelSize: 7, stride: 3, dropout: 0.2 }),
  CNN1dLayerNoAct: () => new blocks.CNN1dLayerNoAct(4, 5, { kernelSize: 4 }),
  Resnet1DBlock: () => new blocks.Resnet1DBlock(4, 4, { kernelSize: 5 }),
  "Resnet1DBlock stride": () => new blocks.Resnet1DBlock(4, 6, { kernelSize: 5, stride: 4 }),
  ResnetClassifier: () =>
    new AsOne(
      new ResnetClassifier({
        ...defaultResnetConfig,
        resDims: [3, 4],
        resKernel: [5, 3],
        resStride: [2, 3],
        numBlocks: [2, 1],
        outputDim: 5,
      }),
      ({ logits, unsupervisedLogits }: ModelOutput) => tf.concat([logits, tf.expandDims(unsupervisedLogits, 1)], 1),
    ),
  HiddenLayer: () => new blocks.HiddenLayer(7, 5),
  Detector: () =>
    new AsOne(new blocks.Detector(4, 64), ({ score, geometry }: blocks.Detection) => tf.concat([score, geometry], 3)),
  TransitionLayer: () => new blocks.TransitionLayer(4, { cOut: 3 }),
};

const losses: Readonly<Record<string, (x: tf.Tensor, target: tf.Tensor) => tf.Tensor>> = {
  "cross entropy": (x, t) => new nn.CrossEntropyLoss().forward(x, t),
  "cross entropy sum": (x, t) => new nn.CrossEntropyLoss({ reduction: "sum" }).forward(x, t),
  "cross entropy none": (x, t) => new nn.CrossEntropyLoss({ reduction: "none" }).forward(x, t),
  "cross entropy label smoothing": (x, t) => new nn.CrossEntropyLoss({ labelSmoothing: 0.1 }).forward(x, t),
  "cross entropy distributions": (x, t) => new nn.CrossEntropyLoss().forward(x, t),
  mse: (x, t) => new nn.MSELoss().forward(x, t),
  "mse sum": (x, t) => new nn.MSELoss({ reduction: "sum" }).forward(x, t),
  "bce with logits": (x, t) => new nn.BCEWithLogitsLoss().forward(x, t),
  bce: (x, t) => new nn.BCELoss().forward(tf.add(tf.mul(x, 0.5), 0.5), t),
};

const fixture = readFixture<Fixture>("layers.json");

describe.each(backends)("on the %s backend", (backend) => {
  beforeAll(async () => {
    expect(await tf.setBackend(backend)).toBe(true);
  });

  afterAll(() => tf.disposeVariables());

  describe.each(Object.keys(cases))("%s", (name) => {
    it.each(["train", "eval"] as const)("agrees with PyTorch in %s mode", (mode) => {
      const expected = entryOf("layers.json", fixture.layers, name);
      const wanted = expected[mode];
      const module = (cases[name] as () => nn.AnyModule)().train(mode === "train");
      manualSeed(seedOf(name));
      fill(module);
      const inputs = expected.inputs.map((shape) => randomImages(shape, 2, -1));
      const named = module.namedParameters();

      let output: tf.Tensor | undefined;
      const before = tf.memory().numTensors;
      const run = (...xs: tf.Tensor[]) => {
        const y: tf.Tensor = module.forward(...xs);
        output = tf.keep(tf.clone(y));
        const weights = randomImages(wanted.output.shape);
        return tf.sum(tf.mul(y, weights));
      };
      const { value: total, grads } = tf.tidy(() =>
        tf.engine().gradients(() => run(...inputs), [...inputs, ...named.map(([, parameter]) => parameter.variable)]),
      );

      expectTensorClose("output", output as tf.Tensor, wanted.output);
      if ("outputShape" in module) {
        const { outputShape } = nn.summary(module, { inputShape: inputs[0]?.shape ?? [] }).rows[0] ?? {};
        expect(outputShape, "shape in a summary").toEqual(output?.shape);
      }
      inputs.forEach((_, i) => {
        expectTensorClose(`gradient of input ${i}`, grads[i] as tf.Tensor, wanted.inputGradients[i] as Packed);
      });
      const scale = Math.max(...Object.values(wanted.gradients).map((packed) => packed.rms));
      named.forEach(([key], i) => {
        const value = gradientInTorchLayout(module, key, grads[inputs.length + i] as tf.Tensor);
        const packed = wanted.gradients[key] as Packed;
        expectClose(`gradient of ${key}`, value.shape, value.data as Float32Array, packed, { scale });
      });
      expect(named.map(([key]) => key).sort()).toEqual(Object.keys(wanted.gradients).sort());
      for (const [key, packed] of Object.entries(wanted.buffers)) {
        const value = module.stateDict().get(key);
        if (value === undefined) {
          throw new Error(`${module.typeName} has no buffer ${key}`);
        }
        expectClose(key, value.shape, Array.from(value.data as ArrayLike<number>, Number), packed);
      }

      if (mode === "eval") {
        const alone: tf.Tensor = tf.tidy(() => tf.clone(module.forward(...inputs)));
        expectTensorClose("output without a gradient", alone, wanted.output);
        alone.dispose();
      }
      tf.dispose([total, output as tf.Tensor, ...grads]);
      const parameters = named.length + module.buffers().filter((buffer) => buffer instanceof nn.Buffer).length;
      expect(tf.memory().numTensors - before, "tensors left over").toBeLessThanOrEqual(parameters);
      module.dispose();
      tf.dispose(inputs);
      expect(tf.memory().numTensors, "tensors left over").toBe(before - inputs.length);
    });
  });

  describe.each(Object.keys(losses))("%s", (name) => {
    it("agrees with PyTorch", () => {
      const expected = entryOf("layers.json", fixture.losses, name);
      tf.tidy(() => {
        manualSeed(seedOf(name));
        const logits = randomImages([6, 5], 2, -1);
        const random = rand([6, 5]);
        const probabilities = tf.tensor(random.data, [6, 5]);
        const target = expected.target === "classes" ? tf.cast(tf.argMax(probabilities, 1), "int32") : probabilities;
        const loss = losses[name] as (x: tf.Tensor, target: tf.Tensor) => tf.Tensor;
        const gradient = tf.grad((x) => loss(x, target))(logits);
        expectTensorClose("loss", loss(logits, target), expected.output);
        expectTensorClose("gradient", gradient, expected.inputGradient);
      });
    });
  });
});

describe("the cases", () => {
  it("are those of the fixture", () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(fixture.layers).sort());
    expect(Object.keys(losses).sort()).toEqual(Object.keys(fixture.losses).sort());
  });

  it("contain every layer and block that the library exports", () => {
    const isModule = (value: unknown): value is typeof nn.Module =>
      typeof value === "function" && value.prototype instanceof nn.Module;
    const exported = [...Object.values(nn), ...Object.values(blocks)].filter(isModule).map((type) => type.name);
    const types = Object.values(cases).flatMap((make) =>
      make()
        .modules()
        .map((module) => module.constructor.name),
    );
    const used = new Set([...types, ...Object.keys(cases)]);
    const elsewhere = new Set([
      "Module",
      "BatchNorm",
      "InstanceNorm",
      "ModuleList",
      // One process's is a BatchNorm; several processes are in test/mpi/training.test.ts.
      "SyncBatchNorm",
      ...exported.filter((name) => name.endsWith("Loss")),
    ]);
    expect(exported.filter((name) => !used.has(name) && !elsewhere.has(name))).toEqual([]);
  });
});
