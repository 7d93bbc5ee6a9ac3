/** Fields that hold layers, as PyTorch registers attributes; what cannot be found is refused by name. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { evaluate } from "../evaluation/evaluate.ts";
import { Trainer, TrainingModule } from "../training/index.ts";
import { SGD } from "../training/optimizers/sgd.ts";
import {
  BatchNorm2d,
  Buffer,
  Conv2d,
  Dropout,
  Linear,
  Module,
  ModuleList,
  Parameter,
  ReLU,
  summary,
  UnregisteredModuleError,
} from "./index.ts";

const names = (module: Module) => [...module.stateDict().keys()];

/** A module that passes its input on through what `parts` returns. */
abstract class Through extends Module {
  forward(x: tf.Tensor): tf.Tensor {
    return x;
  }
}

class Plain extends Module {
  conv = new Conv2d(1, 2, { kernelSize: 3, padding: 1 });
  norm: BatchNorm2d | null = new BatchNorm2d(2);
  scale = new Parameter([1]);
  mean = new Buffer([2]);
  act = new ReLU();

  forward(x: tf.Tensor): tf.Tensor {
    return this.act.forward(this.conv.forward(x as tf.Tensor4D));
  }
}

describe("fields", () => {
  it("are registered under their names, in the order of assignment", () => {
    const model = new Plain();
    // As torch.nn.Module.__setattr__: parameters and buffers of the module itself first, then its children's.
    expect(names(model)).toEqual([
      "scale",
      "mean",
      "conv.weight",
      "conv.bias",
      "norm.weight",
      "norm.bias",
      "norm.running_mean",
      "norm.running_var",
      "norm.num_batches_tracked",
    ]);
    expect(model.namedChildren().map(([name]) => name)).toEqual(["conv", "norm", "act"]);
    expect(model.parameterCount()).toBe(1 + 20 + 4);
    model.eval();
    expect(model.norm?.training).toBe(false);
    expect(`${model}`).toContain("(conv): Conv2d(1, 2, kernelSize=3, padding=1)");
  });

  it("take their place before what is registered later, and keep it when they are given another module", () => {
    class Mixed extends Through {
      first = new Linear(1, 1);
      second = this.registerModule("2nd", new Linear(1, 1));
      third = new Linear(1, 1);
    }
    const model = new Mixed();
    const children = () => model.namedChildren().map(([name]) => name);
    expect(children()).toEqual(["first", "2nd", "third"]);
    model.first = new Linear(3, 2);
    model.second = new Linear(4, 2);
    expect(children()).toEqual(["first", "2nd", "third"]);
    expect(model.stateShapes().get("first.weight")).toEqual([2, 3]);
    expect(model.stateShapes().get("2nd.weight")).toEqual([2, 4]);
  });

  it("are gone when they hold null, or are deleted", () => {
    const model = new Plain();
    expect(model.parameterCount()).toBe(25);
    model.norm = null;
    expect(model.parameterCount()).toBe(21);
    delete (model as { scale?: Parameter }).scale;
    expect(model.parameterCount()).toBe(20);
    expect(names(model)).toEqual(["mean", "conv.weight", "conv.bias"]);
  });

  it("share a module under both of their names, as attributes do", () => {
    class Shared extends Through {
      a = new Linear(1, 1);
      b = this.a;
    }
    const model = new Shared();
    expect(names(model)).toEqual(["a.weight", "a.bias", "b.weight", "b.bias"]);
    expect(model.parameters().length).toBe(2);
    model.b = new Linear(1, 1);
    expect(model.parameters().length).toBe(4);
  });

  it("do not name again what was registered under another name, nor what a list holds of it", () => {
    class Named extends Through {
      layer = this.registerModule("conv1", new Conv2d(1, 1, { kernelSize: 1 }));
      all = [this.layer];
      blocks = new ModuleList([new Linear(1, 1)]);
      last = [this.blocks.at(-1)];
      parameterOfLayer = [this.layer.weight];
    }
    expect(names(new Named())).toEqual(["conv1.weight", "conv1.bias", "blocks.0.weight", "blocks.0.bias"]);
  });

  it("may not lead back to a module that contains this one", () => {
    class Child extends Through {
      parent: Module | undefined;
    }
    class Parent extends Through {
      child = new Child();
    }
    const model = new Parent();
    model.child.parent = model;
    const message =
      'Parent: the module "child.parent" must be a module that does not contain this one ' +
      '(a reference back belongs into a #private field), got "Parent".';
    for (const look of [() => model.parameters(), () => model.stateDict(), () => `${model}`, () => model.eval()]) {
      expect(look).toThrow(message);
    }
  });

  it("train: the optimizer changes a field's layer", async () => {
    const module = new Fields();
    const before = module.layer.weight.toTensorData().data.slice();
    await new Trainer(quiet).fit(module, batches());
    expect(module.layer.weight.toTensorData().data).not.toEqual(before);
    expect([...module.stateDict().keys()]).toEqual(["layer.weight", "layer.bias"]);
    module.dispose();
  });
});

describe("layers that nobody would find", () => {
  class Listed extends Through {
    layers: unknown;
    constructor(layers: unknown) {
      super();
      this.layers = layers;
    }
  }

  it.each([
    ["an array", () => [new ReLU(), new Linear(1, 1)], "layers[0], ReLU()"],
    ["an array in an array", () => [[], [new Linear(1, 2)]], "layers[1][0], Linear(1, 2)"],
    ["a Map", () => new Map([["a", new Linear(1, 1)]]), 'layers.get("a"), Linear(1, 1)'],
    ["a Set", () => new Set([new Linear(1, 1)]), "layers (a Set), Linear(1, 1)"],
    ["an object", () => ({ head: { conv: new Linear(1, 1) } }), "layers.head.conv, Linear(1, 1)"],
    ["an array of parameters", () => [new Parameter([2, 3])], "layers[0], a Parameter [2, 3]"],
  ])("in %s are refused", (_name, make, what) => {
    const model = new Listed(make());
    const looks = [
      () => model.parameters(),
      () => model.stateDict(),
      () => model.eval(),
      () => summary(model, { inputShape: [1, 1] }),
    ];
    for (const look of looks) {
      expect(look).toThrow(UnregisteredModuleError);
      expect(look).toThrow(`Listed uses what is no part of it: ${what}. Keep each layer in a field of its own`);
    }
  });

  it("are left alone in an array when they are frozen, as a teacher is", () => {
    const teacher = new Linear(1, 1).requiresGrad_(false);
    expect(new Listed([teacher]).parameters()).toEqual([]);
  });

  class Hidden extends Module {
    readonly #conv = new Conv2d(1, 2, { kernelSize: 1 });
    readonly #dropout = new Dropout(0.5);
    head = new Linear(2, 2);
    forward(x: tf.Tensor): tf.Tensor {
      return this.head.forward(tf.mean(this.#dropout.forward(this.#conv.forward(x as tf.Tensor4D)), [1, 2]));
    }
  }
  const hidden =
    "Hidden uses what is no part of it: Conv2d(1, 2, kernelSize=1); Dropout(p=0.5). Keep each layer in a field of its own";

  it("in #private fields are refused by summary and evaluate", async () => {
    const model = new Hidden();
    expect(() => summary(model, { inputShape: [1, 2, 2, 1] })).toThrow("Conv2d(1, 2, kernelSize=1)");
    async function* loader() {
      yield [tf.ones([1, 2, 2, 1]) as tf.Tensor4D, tf.tensor1d([0], "int32")] as const;
    }
    await expect(evaluate(model, loader())).rejects.toThrow(hidden);
  });

  it("are named where forward makes them, kept or not: optimizers have looked by then", async () => {
    class Anew extends Module {
      forward(x: tf.Tensor): tf.Tensor {
        return new Linear(3, 2).forward(x);
      }
    }
    class Lazy extends Fields {
      late?: Linear;
      override forward(x: tf.Tensor): tf.Tensor {
        this.late ??= new Linear(2, 1);
        return this.late.forward(super.forward(x));
      }
    }
    class Registering extends Module {
      forward(x: tf.Tensor): tf.Tensor {
        return this.registerModule("late", new Linear(3, 1)).forward(x);
      }
    }
    const advice =
      "Keep each layer in a field of its own, in a Sequential or in a ModuleList, or register it with registerModule; in an array, a Map, " +
      "a #private field or a variable outside nobody finds it, and one that forward makes comes too late.";
    const summarize = (model: Module) => () => summary(model, { inputShape: [1, 3] });
    expect(summarize(new Anew())).toThrow(`Anew uses what is no part of it: Linear(3, 2). ${advice}`);
    expect(summarize(new Lazy())).toThrow(`Lazy uses what is no part of it: Linear(2, 1). ${advice}`);
    expect(summarize(new Registering())).toThrow(`Registering uses what is no part of it: Linear(3, 1). ${advice}`);
    await expect(new Trainer(quiet).fit(new Lazy(), batches())).rejects.toThrow(
      `Lazy uses what is no part of it: Linear(2, 1). ${advice}`,
    );
  });

  it("leave the optimizer without parameters, which says where layers belong", async () => {
    class Private extends TrainingModule {
      readonly #layer = new Linear(3, 2);
      forward(x: tf.Tensor): tf.Tensor {
        return this.#layer.forward(x);
      }
      trainingStep(batch: tf.Tensor) {
        return tf.mean(this.forward(batch));
      }
      configureOptimizers() {
        return new SGD(this.parameters(), { lr: 0.1 });
      }
    }
    await expect(new Trainer(quiet).fit(new Private(), batches())).rejects.toThrow(
      "SGD.parameters must be a list of at least one parameter, got []. A module's parameters() are those of the layers that belong to it. " +
        "Keep each layer in a field of its own, in a Sequential or in a ModuleList, or register it with registerModule; in an array, a Map, " +
        "a #private field or a variable outside nobody finds it, and one that forward makes comes too late.",
    );
    expect(() => new SGD([{ params: new Private().parameters() }], { lr: 0.1 })).toThrow(
      "SGD.params must be a list of parameters, got []. A module's parameters() are those of the layers that belong to it. Keep each layer",
    );
    expect(() => new SGD(5 as never, { lr: 0.1 })).toThrow(
      /SGD\.parameters must be a list of at least one parameter, got 5\.$/,
    );
  });

  it("are refused by the Trainer, in the first batch of each loop, and nothing is lost", async () => {
    const outside = new Linear(2, 1);
    class Outside extends Fields {
      override forward(x: tf.Tensor): tf.Tensor {
        return outside.forward(super.forward(x));
      }
    }
    const module = new Outside();
    const message = "Outside uses what is no part of it: Linear(2, 1). Keep each layer in a field of its own";
    await expect(new Trainer(quiet).fit(module, batches())).rejects.toThrow(message);
    await expect(new Trainer(quiet).validate(module, batches())).rejects.toThrow(message);
    await expect(new Trainer(quiet).predict(module, batches())).rejects.toThrow(message);
    outside.requiresGrad_(false);
    expect((await new Trainer(quiet).fit(module, batches())).status).toBe("completed");
    module.dispose();
    outside.dispose();
  });
});

const quiet = {
  maxEpochs: 1,
  logger: false,
  enableCheckpointing: false,
  enableProgressBar: false,
  enableModelSummary: false,
} as const;

function batches(): AsyncIterable<tf.Tensor> {
  return {
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < 2; i++) {
        yield tf.ones([4, 3]);
      }
    },
  };
}

class Fields extends TrainingModule {
  layer = new Linear(3, 2);
  forward(x: tf.Tensor): tf.Tensor {
    return this.layer.forward(x);
  }
  trainingStep(batch: tf.Tensor) {
    return tf.mean(tf.square(this.forward(batch)));
  }
  override validationStep(batch: tf.Tensor) {
    this.log("val_loss", tf.mean(this.forward(batch)));
  }
  configureOptimizers() {
    return new SGD(this.parameters(), { lr: 0.1 });
  }
}
