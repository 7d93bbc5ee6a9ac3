/** Blocks that are small enough for the JavaScript around their operations to count, by the width of what goes in. */
import * as tf from "@tensorflow/tfjs";
import { nn } from "../../../lib/convbook/index.ts";
import { blockKinds } from "./own-networks.ts";

type Images = tf.Tensor4D;

const keeping = (kernelSize: number) => ({ kernelSize, padding: (kernelSize - 1) / 2, bias: false });

/** Squeeze and excitation: a residual block whose channels are weighed by what their means say. */
class GatedBlock extends nn.Module<[x: Images], Images> {
  readonly net: nn.AnyModule;
  readonly gate: nn.AnyModule;

  constructor(width: number) {
    super();
    const squeezed = Math.max(2, width / 4);
    this.net = new nn.Sequential(
      new nn.Conv2d(width, width, keeping(3)),
      new nn.BatchNorm2d(width),
      new nn.ReLU(),
      new nn.Conv2d(width, width, keeping(3)),
      new nn.BatchNorm2d(width),
    );
    this.gate = new nn.Sequential(
      new nn.AdaptiveAvgPool2d(1),
      new nn.Flatten(),
      new nn.Linear(width, squeezed),
      new nn.ReLU(),
      new nn.Linear(squeezed, width),
      new nn.Sigmoid(),
    );
  }

  forward(x: Images): Images {
    const y: Images = this.net.forward(x);
    const gate: Images = tf.reshape(this.gate.forward(y), [x.shape[0], 1, 1, x.shape[3]]);
    return tf.relu(tf.add(tf.mul(y, gate), x));
  }
}

/** An inverted residual: wider, each channel by itself, narrow again. */
class MobileBlock extends nn.Module<[x: Images], Images> {
  readonly net: nn.AnyModule;

  constructor(width: number) {
    super();
    const wide = 4 * width;
    this.net = new nn.Sequential(
      new nn.Conv2d(width, wide, keeping(1)),
      new nn.BatchNorm2d(wide),
      new nn.Activation("relu6"),
      new nn.Conv2d(wide, wide, { ...keeping(3), groups: wide }),
      new nn.BatchNorm2d(wide),
      new nn.Activation("relu6"),
      new nn.Conv2d(wide, width, keeping(1)),
      new nn.BatchNorm2d(width),
    );
  }

  forward(x: Images): Images {
    return tf.add(x, this.net.forward(x));
  }
}

/** Each channel by itself in a wide window, then a perceptron of every place. */
class ConvNextBlock extends nn.Module<[x: Images], Images> {
  readonly net: nn.AnyModule;

  constructor(width: number) {
    super();
    this.net = new nn.Sequential(
      new nn.Conv2d(width, width, { kernelSize: 7, padding: 3, groups: width }),
      new nn.GroupNorm(1, width),
      new nn.Conv2d(width, 4 * width, { kernelSize: 1 }),
      new nn.GELU(),
      new nn.Conv2d(4 * width, width, { kernelSize: 1 }),
    );
  }

  forward(x: Images): Images {
    return tf.add(x, this.net.forward(x));
  }
}

/** A residual block of sequences. */
class SequenceBlock extends nn.Module<[x: tf.Tensor3D], tf.Tensor3D> {
  readonly net: nn.AnyModule;

  constructor(width: number) {
    super();
    this.net = new nn.Sequential(
      new nn.Conv1d(width, width, { kernelSize: 3, padding: 1 }),
      new nn.BatchNorm1d(width),
      new nn.ReLU(),
      new nn.Conv1d(width, width, { kernelSize: 3, padding: 1 }),
      new nn.BatchNorm1d(width),
    );
  }

  forward(x: tf.Tensor3D): tf.Tensor3D {
    return tf.relu(tf.add(this.net.forward(x), x));
  }
}

/** Modules that are called one after the other, none of them within another's forward pass. */
class Row extends nn.Module {
  readonly list: nn.ModuleList;

  constructor(modules: readonly nn.AnyModule[]) {
    super();
    this.list = new nn.ModuleList(modules);
    // A field of the instance is nobody's class's, and so no graph's.
    this.forward = (x) => tf.tidy(() => modules.reduce<tf.Tensor>((y, module) => module.forward(y), x));
  }

  forward(x: tf.Tensor): tf.Tensor {
    return x;
  }
}

/** A network, and the shape of what it takes. */
export interface SmallNetwork {
  readonly module: nn.AnyModule;
  readonly shape: readonly number[];
}

const stemmed = (width: number, channels: number, layers: readonly nn.AnyModule[]): nn.AnyModule =>
  new nn.Sequential(
    new nn.Conv2d(3, width, { kernelSize: 1 }),
    ...layers,
    new nn.AdaptiveAvgPool2d(1),
    new nn.Flatten(),
    new nn.Linear(channels, 10),
  );

const ofImages =
  (create: (width: number) => { readonly layers: readonly nn.AnyModule[]; readonly channels: number }) =>
  (width: number, size: number, batch: number): SmallNetwork => {
    const { layers, channels } = create(width);
    return { module: stemmed(width, channels, layers), shape: [batch, size, size, 3] };
  };

const twice = (create: (width: number) => nn.AnyModule) =>
  ofImages((width) => ({ layers: [create(width), create(width)], channels: width }));

/** Kinds of small networks by width, pixels along an edge, and batch; all give logits of ten classes. */
export const smallNetworks: Readonly<Record<string, (width: number, size: number, batch: number) => SmallNetwork>> = {
  ...Object.fromEntries(Object.entries(blockKinds).map(([kind, create]) => [kind, ofImages(create)])),
  gated: twice((width) => new GatedBlock(width)),
  mobile: twice((width) => new MobileBlock(width)),
  convNext: twice((width) => new ConvNextBlock(width)),
  sequence: (width, size, batch) => ({
    module: new nn.Sequential(
      new nn.Conv1d(1, width, { kernelSize: 3, padding: 1 }),
      new SequenceBlock(width),
      new SequenceBlock(width),
      new nn.Flatten(),
      new nn.Linear(width * size, 10),
    ),
    shape: [batch, size, 1],
  }),
  /** Every block by itself. */
  apart: (width, size, batch) => ({
    module: new Row([
      new nn.Conv2d(3, width, { kernelSize: 1 }),
      ...[1, 2, 3].map(
        () => new nn.Sequential(new nn.Conv2d(width, width, keeping(3)), new nn.BatchNorm2d(width), new nn.ReLU()),
      ),
      new nn.Sequential(new nn.AdaptiveAvgPool2d(1), new nn.Flatten()),
      new nn.Sequential(new nn.Linear(width, 10)),
    ]),
    shape: [batch, size, size, 3],
  }),
  perceptron: (width, size, batch) => ({
    module: new nn.Sequential(
      new nn.Linear(size, width),
      new nn.ReLU(),
      new nn.Linear(width, width),
      new nn.ReLU(),
      new nn.Linear(width, 10),
    ),
    shape: [batch, size],
  }),
};
