import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, describe, expect, it } from "vitest";
import { nnRows } from "../arguments/testing/nn-rows.ts";
import { selectBackend } from "../backend/index.ts";
import { engineBackend } from "../backend/testing/engine-backend.ts";
import * as nn from "./index.ts";

const advice = '(tf.cast(x, "float32") makes one)';
const forwards = nnRows.filter(({ name, args }) => name.endsWith("#forward") && args[0]?.good instanceof tf.Tensor);
const typeOf = (name: string) => name.slice("nn.".length, -"#forward".length);

/** What takes any type, and gives it back. */
const moving = new Set(["Identity", "Flatten", "Unflatten", "ZeroPad2d"]);
/** What takes whole numbers, too. */
const whole = new Set(["ReLU", "ReLU6"]);

function ofType(x: tf.Tensor, type: "int32" | "bool" | "complex64" | "string"): tf.Tensor {
  if (type === "string") {
    return tf.fill(x.shape, "1", "string");
  }
  return type === "complex64" ? tf.complex(tf.onesLike(x), tf.zerosLike(x)) : tf.cast(tf.onesLike(x), type);
}

/** The error of a call. */
function errorOf(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  return new Error("nothing was thrown");
}

/** A module of one's own around a layer, so that the layer is part of a graph. */
class Around extends nn.Module {
  readonly inner: nn.AnyModule;

  constructor(inner: nn.AnyModule) {
    super();
    this.inner = inner;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return tf.add(this.inner.forward(x), 0);
  }
}

const backends = [...(engineBackend === undefined ? [] : [engineBackend]), "cpu"] as const;

describe.each(backends)("on %s", (backend) => {
  beforeAll(async () => {
    await selectBackend({ backend, announce: false });
  });

  it.each(forwards.map((row) => [typeOf(row.name), row] as const))("%s", (type, row) => {
    const [first, ...rest] = row.args.map(({ good }) => good as tf.Tensor);
    for (const dtype of ["int32", "bool", "complex64", "string"] as const) {
      const x = ofType(first as tf.Tensor, dtype);
      if (moving.has(type)) {
        if (dtype === "int32" || dtype === "bool") {
          const y = row.call(x) as tf.Tensor;
          const right = row.call(tf.cast(x, "float32")) as tf.Tensor;
          expect(y.dtype).toBe(dtype);
          expect([...y.dataSync()]).toEqual([...right.dataSync()]);
        }
        continue;
      }
      if (whole.has(type) && dtype === "int32") {
        const y = row.call(tf.tensor([-3, 0, 4], [3], "int32")) as tf.Tensor;
        expect([y.dtype, ...y.dataSync()]).toEqual(["int32", 0, 0, 4]);
        continue;
      }
      const { name, message } = errorOf(() => row.call(x, ...rest));
      expect(name).toBe("OptionError");
      expect(message).toMatch(type === "Sequential" ? /^Conv2d\(/ : new RegExp(`^${type}\\(|^GELU\\(`));
      expect(message).toContain(
        `must be a tensor of float32 ${advice}, got a tensor [${x.shape.join(", ")}] ${dtype}.`,
      );
    }
  });

  it.each([true, false])("names the layer within a graph, in training %s", (training) => {
    const inner = new nn.Sequential(new nn.Flatten(), new nn.Linear(4, 2));
    const model = new Around(inner).train(training);
    const { message } = errorOf(() => model.forward(tf.ones([1, 2, 2, 1], "int32")));
    expect(message).toBe(`Linear(4, 2): the input must be a tensor of float32 ${advice}, got a tensor [1, 4] int32.`);
    // Followed to the letter.
    const x = tf.ones([1, 2, 2, 1], "int32");
    expect(model.forward(tf.cast(x, "float32")).shape).toEqual([1, 2]);
  });

  it("lets dropout in evaluation pass what it does not touch, as PyTorch does", () => {
    for (const layer of [new nn.Dropout(0.5), new nn.DropPath(0.5)]) {
      const x = tf.tensor([1, 2], [2], "int32");
      expect(layer.eval().forward(x)).toBe(x);
      expect(errorOf(() => layer.train().forward(x)).message).toContain("got a tensor [2] int32");
    }
  });

  it("takes targets of any type of numbers, and refuses others by name", () => {
    for (const row of forwards.filter(({ args }) => args.length === 2)) {
      const [x, target] = row.args.map(({ good }) => good as tf.Tensor) as [tf.Tensor, tf.Tensor];
      const right = (row.call(x, target) as tf.Tensor).dataSync()[0];
      for (const dtype of ["int32", "bool", "float32"] as const) {
        expect((row.call(x, tf.cast(target, dtype)) as tf.Tensor).dataSync()[0]).toBe(right);
      }
      for (const dtype of ["complex64", "string"] as const) {
        const { message } = errorOf(() => row.call(x, ofType(target, dtype)));
        expect(message).toContain(`target must be a tensor of float32, int32 or bool, got a tensor`);
      }
    }
  });

  it("activation() by name", () => {
    const { message } = errorOf(() => nn.activation(tf.ones([2], "int32"), "gelu"));
    expect(message).toBe(`activation: x must be a tensor of float32 ${advice}, got a tensor [2] int32.`);
  });
});
