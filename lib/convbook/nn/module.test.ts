import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import type { StateDict } from "../tensor-data.ts";
import {
  type AnyModule,
  BatchNorm2d,
  Buffer,
  Conv2d,
  Flatten,
  Linear,
  Module,
  ModuleList,
  Parameter,
  ReLU,
  Sequential,
  ShapeError,
  StateDictError,
} from "./index.ts";

class Shared extends Module {
  readonly block = this.registerModule("first", new Linear(2, 2));
  readonly again = this.registerModule("second", this.block);
  readonly scale = this.registerParameter("scale", new Parameter([1]));
  readonly scratch = this.registerBuffer("scratch", new Buffer([3], { persistent: false }));

  forward(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => tf.mul(this.again.forward(this.block.forward(x)), this.scale.variable));
  }
}

const net = () => new Sequential(new Conv2d(2, 3, { kernelSize: 1 }), new BatchNorm2d(3), new ReLU());

function thrownBy(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("Module", () => {
  it("iterates a shared module once and saves it under each of its names", () => {
    const model = new Shared();
    expect(model.namedParameters().map(([name]) => name)).toEqual(["scale", "first.weight", "first.bias"]);
    expect([...model.stateDict().keys()]).toEqual([
      "scale",
      "first.weight",
      "first.bias",
      "second.weight",
      "second.bias",
    ]);
    expect(model.modules().length).toBe(2);
    expect(model.parameterCount()).toBe(7);
    expect(model.namedChildren().map(([name]) => name)).toEqual(["first"]);
  });

  it("keeps buffers that are not persistent out of the state dict, but iterates them", () => {
    const model = new Shared();
    expect(model.stateDict().has("scratch")).toBe(false);
    expect(model.namedBuffers().map(([name]) => name)).toEqual(["scratch"]);
  });

  it("names a Sequential's layers by place, those without parameters counted", () => {
    const model = new Sequential(new ReLU(), new Flatten(), new Linear(2, 1), new Sequential(new Linear(1, 1)));
    expect([...model.stateDict().keys()]).toEqual(["2.weight", "2.bias", "3.0.weight", "3.0.bias"]);
    const named = new Sequential({ conv: new Conv2d(1, 1, { kernelSize: 1 }), act: new ReLU() });
    expect([...named.stateDict().keys()]).toEqual(["conv.weight", "conv.bias"]);
    expect(named.at(-1)).toBeInstanceOf(ReLU);
  });

  it("gives back what it loaded, in PyTorch's layout", () => {
    const conv = new Conv2d(2, 3, { kernelSize: [1, 2] });
    const data = Float32Array.from({ length: 12 }, (_, i) => i);
    const state: StateDict = new Map([
      ["weight", { dtype: "float32", shape: [3, 2, 1, 2], data }],
      ["bias", { dtype: "float64", shape: [3], data: Float64Array.of(0.5, 1, 2) }],
    ]);
    conv.loadStateDict(state);
    expect(conv.weight.variable.shape).toEqual([1, 2, 2, 3]);
    expect([...conv.weight.variable.dataSync()].slice(0, 4)).toEqual([0, 4, 8, 2]);
    expect([...(conv.stateDict().get("weight")?.data ?? [])]).toEqual([...data]);
    expect([...(conv.stateDict().get("bias")?.data ?? [])]).toEqual([0.5, 1, 2]);
    conv.dispose();
  });

  it("lists every missing, unexpected and misshapen entry at once and loads nothing", () => {
    const model = net();
    const state = model.stateDict();
    const before = [...(state.get("0.weight")?.data ?? [])];
    const value = state.get("0.bias");
    state.set("0.weight", { dtype: "float32", shape: [3, 2], data: new Float32Array(6) });
    state.delete("0.bias");
    state.set("0.biass", value as NonNullable<typeof value>);
    state.delete("1.running_var");
    const error = thrownBy(() => model.loadStateDict(state)) as StateDictError;
    expect(error).toBeInstanceOf(StateDictError);
    expect(error.missing).toEqual(["0.bias", "1.running_var"]);
    expect(error.unexpected).toEqual(["0.biass"]);
    expect(error.misshapen).toEqual([{ name: "0.weight", expected: [3, 2, 1, 1], got: [3, 2] }]);
    expect(error.message).toBe(
      [
        "The state dict does not fit Sequential:",
        "  missing (2):",
        "    0.bias (nearest: 0.biass)",
        "    1.running_var",
        "  unexpected (1):",
        "    0.biass (nearest: 0.bias)",
        "  misshapen (1):",
        "    0.weight: expected [3, 2, 1, 1], got [3, 2]",
      ].join("\n"),
    );
    expect([...(model.stateDict().get("0.weight")?.data ?? [])]).toEqual(before);
  });

  it("loads what fits when it is not strict, and says what did not", () => {
    const model = net();
    const state = model.stateDict();
    state.delete("0.bias");
    state.set("head", { dtype: "float32", shape: [], data: Float32Array.of(1) });
    expect(model.loadStateDict(state, { strict: false })).toEqual({ missing: ["0.bias"], unexpected: ["head"] });
    state.set("0.weight", { dtype: "float32", shape: [6], data: new Float32Array(6) });
    expect(() => model.loadStateDict(state, { strict: false })).toThrow("0.weight: expected [3, 2, 1, 1], got [6]");
  });

  it("misses no num_batches_tracked in a file that has none at all", () => {
    const model = net();
    const state = model.stateDict();
    state.delete("1.num_batches_tracked");
    expect(model.loadStateDict(state).missing).toEqual([]);
    const two = new Sequential(new BatchNorm2d(1), new BatchNorm2d(1));
    const partial = two.stateDict();
    partial.delete("1.num_batches_tracked");
    expect(() => two.loadStateDict(partial)).toThrow("1.num_batches_tracked");
  });

  it("applies a function to children first, and sets modes below", () => {
    const model = new Sequential(new Sequential(new ReLU()), new Flatten());
    const seen: string[] = [];
    model.apply((module) => seen.push(module.typeName)).eval();
    expect(seen).toEqual(["ReLU", "Sequential", "Flatten", "Sequential"]);
    expect(model.modules().map((module) => module.training)).toEqual([false, false, false, false]);
    expect(
      model
        .train()
        .modules()
        .every((module) => module.training),
    ).toBe(true);
  });

  it("freezes parameters, before and after they reach the backend", () => {
    const model = new Linear(2, 2);
    model.requiresGrad_(false);
    expect(model.weight.variable.trainable).toBe(false);
    model.requiresGrad_();
    expect(model.weight.variable.trainable).toBe(true);
    model.dispose();
  });

  it("calls forward hooks, whoever calls the module, and lets them replace the output", () => {
    const model = net().eval();
    const x = tf.ones([1, 2, 2, 2]);
    const plain = tf.tidy(() => model.forward(x).dataSync());
    const seen: number[][] = [];
    const remove = (model.at(1) as AnyModule).registerForwardHook((_, inputs, output) => {
      seen.push(inputs[0].shape, output.shape);
      return undefined;
    });
    const watched = tf.tidy(() => model.forward(x).dataSync());
    expect(seen).toEqual([
      [1, 2, 2, 3],
      [1, 2, 2, 3],
    ]);
    plain.forEach((value, i) => {
      expect(watched[i]).toBeCloseTo(value, 5);
    });
    remove();
    tf.tidy(() => {
      model.forward(x);
    });
    expect(seen.length).toBe(2);
    expect(model.hasForwardHooks).toBe(false);
    const undo = model.registerForwardHook(() => tf.zeros([1, 1, 1, 1]));
    const replaced = model.forward(x);
    expect(replaced.shape).toEqual([1, 1, 1, 1]);
    replaced.dispose();
    undo();
    model.dispose();
    class Field extends Module {
      override forward = (y: tf.Tensor): tf.Tensor => tf.mul(y, 2);
    }
    const field = new Field();
    expect(field.hasForwardHooks).toBe(false);
    field.registerForwardHook(() => tf.zeros([1]))();
    const doubled = field.forward(x);
    expect(doubled.dataSync()[0]).toBeCloseTo(2 * (x.dataSync()[0] ?? Number.NaN));
    doubled.dispose();
    x.dispose();
  });

  it("finds modules by path and says what there is otherwise", () => {
    const model = new Sequential(new Sequential(new Linear(1, 2)));
    expect(model.getSubmodule("0.0")).toBeInstanceOf(Linear);
    expect(() => model.getSubmodule("0.1")).toThrow("Sequential has: 0");
  });

  it("refuses names that PyTorch refuses", () => {
    class Bad extends Module {
      constructor(name: string, twice = false) {
        super();
        this.registerModule(name, new ReLU());
        if (twice) {
          this.registerParameter(name, new Parameter([1]));
        }
      }
      forward(x: tf.Tensor): tf.Tensor {
        return x;
      }
    }
    expect(() => new Bad("a.b")).toThrow('Bad: a registered name must be not empty and without dots, got "a.b".');
    expect(() => new Bad("a", true)).toThrow("unique within its module");
  });

  it("holds no memory of the backend before it is used, and none after it is disposed of", () => {
    const before = tf.memory().numTensors;
    const model = net();
    expect(tf.memory().numTensors).toBe(before);
    tf.tidy(() => {
      model.forward(tf.ones([1, 2, 2, 2]));
    });
    expect(tf.memory().numTensors).toBe(before + 6);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect(() => model.forward(tf.ones([1, 2, 2, 2]))).toThrow("disposed");
  });

  it("prints as PyTorch does, also in a notebook", () => {
    const text = "Sequential(\n  (0): Conv2d(2, 3, kernelSize=1)\n  (1): BatchNorm2d(3)\n  (2): ReLU()\n)";
    const model = net();
    expect(`${model}`).toBe(text);
    const display = (model as unknown as Record<symbol, () => unknown>)[Symbol.for("Jupyter.display")];
    expect(display?.call(model)).toEqual({ "text/plain": text });
  });

  it("says which layer was given what", () => {
    const conv = new Conv2d(3, 4, { kernelSize: 3 });
    const error = thrownBy(() => conv.forward(tf.zeros([1, 3, 8, 8]))) as ShapeError;
    expect(error).toBeInstanceOf(ShapeError);
    expect(error.message).toBe(
      "Conv2d(3, 4, kernelSize=3) was given an input of shape [1, 3, 8, 8], but expects [N, H, W, C] with C = 3 " +
        "(channels come last here; this looks like PyTorch's order).",
    );
    expect(() => conv.forward(tf.zeros([1, 2, 8, 3]))).toThrow("at least [3, 3]");
    expect(() => new Linear(3, 2).forward(tf.zeros([1, 4]))).toThrow("expects [..., 3]");
    expect(() => new BatchNorm2d(3).forward(tf.zeros([1, 1, 1, 3]))).toThrow("more than one value a channel");
    expect(() => new Conv2d(3, 4, { kernelSize: 3, groups: 2 })).toThrow("Conv2d: groups must be a divisor");
    expect(() => new Conv2d(3, 4, { kernelSize: 0 })).toThrow(
      "Conv2d: kernelSize must be a whole number of at least 1",
    );
  });
});

describe("ModuleList", () => {
  it("registers modules by place and has no forward pass", () => {
    const list = new ModuleList([new Linear(1, 1), new ReLU(), new Linear(1, 1)]);
    expect([...list.stateDict().keys()]).toEqual(["0.weight", "0.bias", "2.weight", "2.bias"]);
    expect([...list].length).toBe(3);
    expect(() => list.forward()).toThrow("call its modules one by one");
  });
});
