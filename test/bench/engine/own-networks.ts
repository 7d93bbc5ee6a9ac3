/** The networks of {@link ./networks.ts} as a student builds them: from blocks that are written as notebook 01 writes them, with nothing but the layers of nn. */
import * as tf from "@tensorflow/tfjs";
import { nn } from "../../../lib/convbook/index.ts";

type Images = tf.Tensor4D;

const conv3x3 = { kernelSize: 3, padding: 1, bias: false };

/** A convolution that keeps the size, with what follows it. */
const conv = (from: number, to: number, kernelSize: number) => [
  new nn.Conv2d(from, to, { kernelSize, padding: (kernelSize - 1) / 2 }),
  new nn.BatchNorm2d(to),
  new nn.ReLU(),
];

/** The same behind a 1x1 convolution to fewer channels. */
const squeezed = (from: number, reduced: number, to: number, size: number) => [
  ...conv(from, reduced, 1),
  ...conv(reduced, to, size),
];

/** Channels of an Inception block: 1x1, reduced and 3x3, reduced and 5x5, pool. */
type Widths = readonly [one: number, red3: number, three: number, red5: number, five: number, pool: number];

class InceptionBlock extends nn.Module<[x: Images], Images> {
  readonly branches: nn.Sequential[];

  constructor(cIn: number, [one, red3, three, red5, five, pool]: Widths) {
    super();
    const branches = {
      conv_1x1: conv(cIn, one, 1),
      conv_3x3: squeezed(cIn, red3, three, 3),
      conv_5x5: squeezed(cIn, red5, five, 5),
      max_pool: [new nn.MaxPool2d(3, { stride: 1, padding: 1 }), ...conv(cIn, pool, 1)],
    };
    this.branches = Object.entries(branches).map(([name, layers]) =>
      this.registerModule(name, new nn.Sequential(...layers)),
    );
  }

  forward(x: Images): Images {
    const outputs = this.branches.map((branch) => branch.forward(x) as Images);
    return tf.concat(outputs, 3);
  }
}

class ResNetBlock extends nn.Module<[x: Images], Images> {
  readonly net: nn.Sequential;
  readonly downsample: nn.Conv2d | undefined;

  constructor(cIn: number, cOut: number, subsample = false) {
    super();
    this.net = new nn.Sequential(
      new nn.Conv2d(cIn, cOut, { ...conv3x3, stride: subsample ? 2 : 1 }),
      new nn.BatchNorm2d(cOut),
      new nn.ReLU(),
      new nn.Conv2d(cOut, cOut, conv3x3),
      new nn.BatchNorm2d(cOut),
    );
    if (subsample) {
      this.downsample = new nn.Conv2d(cIn, cOut, { kernelSize: 1, stride: 2 });
    }
  }

  forward(x: Images): Images {
    const shortcut = this.downsample?.forward(x) ?? x;
    return tf.relu(tf.add(this.net.forward(x), shortcut));
  }
}

class PreActResNetBlock extends nn.Module<[x: Images], Images> {
  readonly net: nn.Sequential;
  readonly downsample: nn.Sequential | undefined;

  constructor(cIn: number, cOut: number, subsample = false) {
    super();
    this.net = new nn.Sequential(
      new nn.BatchNorm2d(cIn),
      new nn.ReLU(),
      new nn.Conv2d(cIn, cOut, { ...conv3x3, stride: subsample ? 2 : 1 }),
      new nn.BatchNorm2d(cOut),
      new nn.ReLU(),
      new nn.Conv2d(cOut, cOut, conv3x3),
    );
    if (subsample) {
      const halve = new nn.Conv2d(cIn, cOut, { kernelSize: 1, stride: 2, bias: false });
      this.downsample = new nn.Sequential(new nn.BatchNorm2d(cIn), new nn.ReLU(), halve);
    }
  }

  forward(x: Images): Images {
    return tf.add(this.net.forward(x), this.downsample?.forward(x) ?? x);
  }
}

class DenseLayer extends nn.Module<[x: Images], Images> {
  readonly net: nn.Sequential;

  constructor(cIn: number, growthRate = 16) {
    super();
    const bottleneck = 2 * growthRate;
    this.net = new nn.Sequential(
      new nn.BatchNorm2d(cIn),
      new nn.ReLU(),
      new nn.Conv2d(cIn, bottleneck, { kernelSize: 1, bias: false }),
      new nn.BatchNorm2d(bottleneck),
      new nn.ReLU(),
      new nn.Conv2d(bottleneck, growthRate, conv3x3),
    );
  }

  forward(x: Images): Images {
    return tf.concat([this.net.forward(x) as Images, x], 3);
  }
}

const head = (channels: number) => [new nn.AdaptiveAvgPool2d(1), new nn.Flatten(), new nn.Linear(channels, 10)];

function resNet(numBlocks: readonly number[], widths: readonly number[]): nn.AnyModule {
  const [first = 16] = widths;
  const blocks = numBlocks.flatMap((count, group) =>
    Array.from({ length: count }, (_, i) => {
      const subsample = i === 0 && group > 0;
      const width = widths[group] as number;
      return new ResNetBlock(subsample ? (widths[group - 1] as number) : width, width, subsample);
    }),
  );
  return new nn.Sequential(
    new nn.Conv2d(3, first, conv3x3),
    new nn.BatchNorm2d(first),
    new nn.ReLU(),
    ...blocks,
    ...head(widths.at(-1) as number),
  );
}

function preActResNet(): nn.AnyModule {
  const widths = [16, 32, 64];
  const blocks = widths.flatMap((width, group) =>
    [0, 1, 2].map((i) => {
      const subsample = i === 0 && group > 0;
      return new PreActResNetBlock(subsample ? width / 2 : width, width, subsample);
    }),
  );
  return new nn.Sequential(new nn.Conv2d(3, 16, conv3x3), ...blocks, ...head(64));
}

/** The tutorial's widths; a number stands for a max pool between blocks. */
const inceptions: readonly (Widths | "pool")[] = [
  [16, 32, 32, 16, 8, 8],
  [24, 32, 48, 16, 12, 12],
  "pool",
  [24, 32, 48, 16, 12, 12],
  [16, 32, 48, 16, 16, 16],
  [16, 32, 48, 16, 16, 16],
  [32, 32, 48, 16, 24, 24],
  "pool",
  [32, 48, 64, 16, 16, 16],
  [32, 48, 64, 16, 16, 16],
];

function googleNet(): nn.AnyModule {
  let channels = 64;
  const blocks = inceptions.map((widths) => {
    if (widths === "pool") {
      return new nn.MaxPool2d(3, { stride: 2, padding: 1 });
    }
    const block = new InceptionBlock(channels, widths);
    channels = widths[0] + widths[2] + widths[4] + widths[5];
    return block;
  });
  return new nn.Sequential(...conv(3, 64, 3), ...blocks, ...head(channels));
}

function denseNet(): nn.AnyModule {
  let channels = 32;
  const blocks = [0, 1, 2, 3].flatMap((group) => {
    const layers: nn.AnyModule[] = Array.from({ length: 6 }, (_, i) => new DenseLayer(channels + 16 * i));
    channels += 6 * 16;
    if (group < 3) {
      layers.push(
        new nn.BatchNorm2d(channels),
        new nn.ReLU(),
        new nn.Conv2d(channels, channels / 2, { kernelSize: 1, bias: false }),
        new nn.AvgPool2d(2, { stride: 2 }),
      );
      channels /= 2;
    }
    return layers;
  });
  const transition = [new nn.BatchNorm2d(channels), new nn.ReLU()];
  return new nn.Sequential(
    new nn.Conv2d(3, 32, { kernelSize: 3, padding: 1 }),
    ...blocks,
    ...transition,
    ...head(channels),
  );
}

/** A student's networks by the names that the library's have. */
export const ownNetworks: Readonly<Record<string, () => nn.AnyModule>> = {
  ResNet: () => resNet([3, 3, 3], [16, 32, 64]),
  PreActResNet: preActResNet,
  GoogleNet: googleNet,
  DenseNet: denseNet,
  WideResNet: () => resNet([2, 2, 2, 2], [64, 128, 256, 512]),
};

/** Two blocks one behind the other, and the channels that come out of them. */
export interface Blocks {
  readonly layers: readonly nn.AnyModule[];
  readonly channels: number;
}

const twice = (channels: number, create: () => nn.AnyModule): Blocks => ({ layers: [create(), create()], channels });

/** Kinds of blocks by the width of what goes in. */
export const blockKinds: Readonly<Record<string, (width: number) => Blocks>> = {
  residual: (width) => twice(width, () => new ResNetBlock(width, width)),
  preActivation: (width) => twice(width, () => new PreActResNetBlock(width, width)),
  inception: (width) => {
    const [quarter, eighth] = [width / 4, Math.max(1, width / 8)];
    const widths = [quarter, quarter, width - quarter - 2 * eighth, eighth, eighth, eighth] as const;
    return twice(width, () => new InceptionBlock(width, widths));
  },
  dense: (width) => {
    const growthRate = Math.max(8, width / 4);
    const layers = [new DenseLayer(width, growthRate), new DenseLayer(width + growthRate, growthRate)];
    return { layers, channels: width + 2 * growthRate };
  },
};
