/** What the type checker knows of layers and chains of them; `tsc` checks it, and running it calls each forward pass that is named here. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import * as nn from "./index.ts";

type Rank4 = tf.Rank.R4;
type Rank2or3 = tf.Rank.R2 | tf.Rank.R3;

const images = () => tf.zeros<Rank4>([2, 4, 4, 8]);
const sequences = () => tf.zeros<tf.Rank.R3>([2, 4, 8]);
const vectors = () => tf.zeros<tf.Rank.R2>([2, 8]);
/** Of a rank that the types do not know. */
const unknown = (): tf.Tensor => images();

const conv = (channels = 8) => new nn.Conv2d(8, channels, { kernelSize: 3, padding: 1 });

/** What a student writes. */
class Noise extends nn.Module {
  forward(x: tf.Tensor): tf.Tensor {
    return tf.add(x, 1);
  }
}
class Images extends nn.Module {
  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.relu(x);
  }
}
class Scale extends nn.Module {
  forward<T extends tf.Tensor>(x: T): T {
    return tf.mul(x, 2);
  }
}
class Pair extends nn.Module<[x: tf.Tensor4D, y: tf.Tensor4D], tf.Tensor4D> {
  forward(x: tf.Tensor4D, y: tf.Tensor4D): tf.Tensor4D {
    return tf.add(x, y);
  }
}
class Parts extends nn.Module<[x: tf.Tensor4D], { mean: tf.Tensor; all: tf.Tensor4D }> {
  forward(x: tf.Tensor4D) {
    return { mean: tf.mean(x), all: x };
  }
}

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("a layer", () => {
  it("that keeps the shape keeps the rank", () => {
    const layers = [
      new nn.ReLU(),
      new nn.Activation("gelu"),
      new nn.Identity(),
      new nn.Dropout(),
      new nn.DropPath(),
      new nn.Softmax(),
      new nn.PReLU(),
      new nn.GroupNorm(2, 8),
      new nn.LayerNorm(8),
      new nn.Linear(8, 8),
    ] as const;
    for (const layer of layers) {
      expectTypeOf(layer.forward(images())).toEqualTypeOf<tf.Tensor4D>();
      expectTypeOf(layer.forward(vectors())).toEqualTypeOf<tf.Tensor2D>();
      expectTypeOf(layer.forward(unknown())).toEqualTypeOf<tf.Tensor>();
      // A variable is not given back as one.
      expectTypeOf(layer.forward(tf.variable(images()))).toEqualTypeOf<tf.Tensor4D>();
    }
  });

  it("of batches of images or sequences takes those, and what may be those", () => {
    const [norm, instance] = [new nn.BatchNorm2d(8).eval(), new nn.InstanceNorm2d(8)];
    expectTypeOf(norm.forward(images())).toEqualTypeOf<tf.Tensor4D>();
    expectTypeOf(norm.forward(unknown())).toEqualTypeOf<tf.Tensor4D>();
    expectTypeOf(instance.forward(images())).toEqualTypeOf<tf.Tensor4D>();
    // @ts-expect-error: a sequence is no image
    expect(() => norm.forward(sequences())).toThrow(nn.ShapeError);
    // @ts-expect-error: a sequence is no image
    expect(() => instance.forward(sequences())).toThrow(nn.ShapeError);

    const norm1d = new nn.BatchNorm1d(8).eval();
    expectTypeOf(norm1d.forward(sequences())).toEqualTypeOf<tf.Tensor3D>();
    expectTypeOf(norm1d.forward(vectors())).toEqualTypeOf<tf.Tensor2D>();
    expectTypeOf(new nn.InstanceNorm1d(8).forward(sequences())).toEqualTypeOf<tf.Tensor3D>();
    // @ts-expect-error: an image is no sequence
    expect(() => norm1d.forward(images())).toThrow(nn.ShapeError);
  });

  it("that changes the rank says so", () => {
    expectTypeOf(new nn.Flatten().forward(images())).toEqualTypeOf<tf.Tensor2D>();
    expectTypeOf(new nn.Unflatten([4, 4, 8]).forward).returns.toEqualTypeOf<tf.Tensor>();
    expectTypeOf(conv().forward).toEqualTypeOf<(x: tf.Tensor4D) => tf.Tensor4D>();
    expectTypeOf(new nn.Conv1d(8, 8, { kernelSize: 1 }).forward).toEqualTypeOf<(x: tf.Tensor3D) => tf.Tensor3D>();
    expectTypeOf(new nn.MaxPool2d(2).forward).toEqualTypeOf<(x: tf.Tensor4D) => tf.Tensor4D>();
    expectTypeOf(new nn.MaxPool1d(2).forward).toEqualTypeOf<(x: tf.Tensor3D) => tf.Tensor3D>();
    expectTypeOf(new nn.Upsample({ scaleFactor: 2 }).forward).toEqualTypeOf<(x: tf.Tensor4D) => tf.Tensor4D>();
  });

  it("that may be one of several is called as each of them", () => {
    const pick = (norm: boolean) => (norm ? new nn.BatchNorm2d(8).eval() : new nn.Identity());
    expectTypeOf(pick(true).forward(images())).toEqualTypeOf<tf.Tensor4D>();
    const any = [new nn.ReLU(), new nn.GroupNorm(2, 8), conv(), new Images()];
    for (const layer of any) {
      expectTypeOf(layer.forward(images())).toEqualTypeOf<tf.Tensor4D>();
    }
  });
});

describe("Sequential", () => {
  it("takes what its first takes and gives what its last gives", () => {
    const net = new nn.Sequential(conv(), new nn.BatchNorm2d(8), new nn.ReLU());
    expectTypeOf(net).toEqualTypeOf<nn.Sequential<[nn.Conv2d, nn.BatchNorm2d, nn.ReLU]>>();
    expectTypeOf(net.forward(images())).toEqualTypeOf<tf.Tensor4D>();
    expectTypeOf(net.forward(unknown())).toEqualTypeOf<tf.Tensor4D>();
    // @ts-expect-error: a sequence is no image
    expect(() => net.forward(sequences())).toThrow(nn.ShapeError);

    const head = new nn.Sequential(new nn.AdaptiveAvgPool2d(1), new nn.Flatten(), new nn.Linear(8, 3));
    expectTypeOf(head.forward(images())).toEqualTypeOf<tf.Tensor2D>();
    // @ts-expect-error: a vector is no image
    expect(() => head.forward(vectors())).toThrow(nn.ShapeError);

    // What only layers before it keep is asked for by the first that does more.
    const behind = new nn.Sequential(new nn.ReLU(), new nn.Dropout(0), conv());
    expectTypeOf(behind.forward(images())).toEqualTypeOf<tf.Tensor4D>();
    // @ts-expect-error: a sequence is no image
    expect(() => behind.forward(sequences())).toThrow(nn.ShapeError);
  });

  it("keeps the rank where its layers do", () => {
    const kept = new nn.Sequential(new nn.Linear(8, 8), new nn.ReLU(), new nn.Dropout(), new Scale());
    expectTypeOf(kept.forward(vectors())).toEqualTypeOf<tf.Tensor2D>();
    expectTypeOf(kept.forward(images())).toEqualTypeOf<tf.Tensor4D>();
    expectTypeOf(kept.forward(unknown())).toEqualTypeOf<tf.Tensor>();
    expectTypeOf(new nn.Sequential().forward(sequences())).toEqualTypeOf<tf.Tensor3D>();

    const dense = new nn.Sequential(new nn.Linear(8, 8), new nn.BatchNorm1d(8), new nn.ReLU()).eval();
    expectTypeOf(dense.forward(vectors())).toEqualTypeOf<tf.Tensor2D>();
    expectTypeOf(dense.forward(sequences())).toEqualTypeOf<tf.Tensor3D>();
    const either: tf.Tensor<Rank2or3> = vectors();
    expectTypeOf(dense.forward(either)).toEqualTypeOf<tf.Tensor<Rank2or3>>();
    // @ts-expect-error: BatchNorm1d takes no images
    expect(() => dense.forward(images())).toThrow(nn.ShapeError);
  });

  it("refuses a layer that cannot take what it is given", () => {
    // @ts-expect-error: it takes Tensor4D, and is given Tensor2D
    new nn.Sequential(conv(), new nn.Flatten(), conv());
    // @ts-expect-error: it takes Tensor4D, and is given Tensor3D
    new nn.Sequential(new nn.Conv1d(8, 8, { kernelSize: 1 }), new nn.BatchNorm2d(8), new nn.ReLU());
    // @ts-expect-error: it takes Tensor2D or Tensor3D, and is given Tensor4D
    new nn.Sequential(conv(), new nn.ReLU(), new nn.Dropout(), new nn.BatchNorm1d(8));
    // @ts-expect-error: it takes Tensor4D, and is given Tensor2D
    new nn.Sequential(new nn.Flatten(), new nn.Sequential(new nn.ReLU(), conv()));
    // @ts-expect-error: it takes Tensor4D, and is given Tensor2D
    new nn.Sequential(new nn.Flatten(), new Images());
    // @ts-expect-error: it takes more than one input
    new nn.Sequential(conv(), new Pair());
    // @ts-expect-error: it takes Tensor4D, and is given what is no tensor
    new nn.Sequential(new Parts(), conv());
    // @ts-expect-error: layers are given one by one
    expect(() => new nn.Sequential([conv(), new nn.ReLU()])).toThrow(
      "Sequential: layers must be given one by one, as in new Sequential(a, b), a list as ...list, or by name in an object or a Map, got [an instance of Conv2d,an instance of ReLU].",
    );
    // @ts-expect-error: no module
    expect(() => new nn.Sequential(conv(), 5)).toThrow(nn.OptionError);
  });

  it("takes modules that tell nothing of ranks anywhere", () => {
    const net = new nn.Sequential(new Noise(), conv(), new Noise(), new Images(), new Scale());
    expectTypeOf(net.forward(images())).toEqualTypeOf<tf.Tensor4D>();
    expectTypeOf(new nn.Sequential(conv(), new Noise()).forward(images())).toEqualTypeOf<tf.Tensor>();
    const any: nn.AnyModule = conv();
    expectTypeOf(new nn.Sequential(any, conv()).forward(images())).toEqualTypeOf<tf.Tensor4D>();
    expectTypeOf(new nn.Sequential(...[any]).forward(images())).toEqualTypeOf<tf.Tensor>();
    const named = new nn.Sequential({ conv: conv(), act: new nn.ReLU() });
    expectTypeOf(named).toEqualTypeOf<nn.Sequential>();
    expectTypeOf(named.forward(images())).toEqualTypeOf<tf.Tensor>();
  });

  it("of a list is typed by what each of its modules does", () => {
    const block = () => [conv(), new nn.BatchNorm2d(8), new nn.ReLU()];
    const net = new nn.Sequential(...block(), ...block()).eval();
    expectTypeOf(net.forward(images())).toEqualTypeOf<tf.Tensor4D>();
    const layers = [new nn.Flatten(), new nn.Linear(128, 128)];
    const dense = new nn.Sequential(...layers);
    expectTypeOf(dense.forward(images())).toEqualTypeOf<tf.Tensor>();
    expectTypeOf(dense.forward(tf.zeros<tf.Rank.R2>([2, 128]))).toEqualTypeOf<tf.Tensor2D>();
  });

  it("keeps its layers' types", () => {
    const net = new nn.Sequential(conv(), new nn.BatchNorm2d(8), new nn.ReLU());
    expectTypeOf(net.at(0)).toEqualTypeOf<nn.Conv2d>();
    expectTypeOf(net.at(-1)).toEqualTypeOf<nn.ReLU>();
    expectTypeOf(net.at(-3)).toEqualTypeOf<nn.Conv2d>();
    expectTypeOf(net.at(3)).toEqualTypeOf<undefined>();
    expectTypeOf(net.at(-4)).toEqualTypeOf<undefined>();
    const place: number = 1;
    expectTypeOf(net.at(place)).toEqualTypeOf<nn.Conv2d | nn.BatchNorm2d | nn.ReLU | undefined>();
    for (const layer of net) {
      expectTypeOf(layer).toEqualTypeOf<nn.Conv2d | nn.BatchNorm2d | nn.ReLU>();
    }
    const [first, norm] = net.layers;
    expectTypeOf(first).toEqualTypeOf<nn.Conv2d>();
    expectTypeOf(norm).toEqualTypeOf<nn.BatchNorm2d>();
    expect([first, norm]).toEqual([net.at(0), net.at(1)]);
    const convs = [conv(), conv()];
    expectTypeOf(new nn.Sequential(...convs).at(0)).toEqualTypeOf<nn.Conv2d | undefined>();
  });

  it("stands where any Sequential or a module of its types is wanted", () => {
    const net = new nn.Sequential(conv(), new nn.ReLU());
    expectTypeOf(net).toExtend<nn.Sequential>();
    expectTypeOf(net).toExtend<nn.Module>();
    expectTypeOf(net).toExtend<nn.AnyModule>();
    expectTypeOf(net).toExtend<nn.Module<[x: tf.Tensor4D], tf.Tensor4D>>();
    expectTypeOf(conv()).toExtend<nn.Module>();
    const shortcut = (halves: boolean) => (halves ? new nn.Sequential(conv(), new nn.ReLU()) : new nn.Sequential());
    expectTypeOf(shortcut(false).forward(images())).toEqualTypeOf<tf.Tensor4D>();
    const branches = [net, new nn.Sequential(new nn.MaxPool2d(2), conv()), new nn.Identity()];
    expectTypeOf(branches.map((branch) => branch.forward(images()))).toExtend<tf.Tensor4D[]>();
  });
});
