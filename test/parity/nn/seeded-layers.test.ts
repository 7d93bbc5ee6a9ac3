/** Layers from a seed have PyTorch's first weights, and load its file under its names. */
import { fileURLToPath } from "node:url";
import { engine } from "@convbook/engine";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { loadCheckpoint, stateDictOf } from "../../../lib/convbook/checkpoints/index.ts";
import * as nn from "../../../lib/convbook/nn/index.ts";
import { manualSeed } from "../../../lib/convbook/random/index.ts";

const file = fileURLToPath(new URL("fixtures/seeded-layers.pt", import.meta.url));

class Net extends nn.Module<[x: tf.Tensor4D], tf.Tensor> {
  depthwise = new nn.Conv2d(4, 8, { kernelSize: 3, groups: 4 });
  up = new nn.ConvTranspose2d(8, 6, { kernelSize: 3, stride: 2, padding: 1, outputPadding: 1, groups: 2 });
  norm = new nn.InstanceNorm2d(6, { affine: true, trackRunningStats: true });
  act = new nn.PReLU(6);

  forward(x: tf.Tensor4D): tf.Tensor {
    return this.act.forward(this.norm.forward(this.up.forward(this.depthwise.forward(x))));
  }
}

/** A tensor of the file with channels last. */
function imageOf(value: unknown): tf.Tensor4D {
  const { shape, data } = value as { readonly shape: [number, number, number, number]; readonly data: Float32Array };
  return tf.tidy(() => tf.transpose(tf.tensor4d(data, shape), [0, 2, 3, 1]));
}

describe.each(["cpu", ...(engine.available ? ["native"] : [])])("on the %s backend", (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it("a seed gives PyTorch's weights", async () => {
    const { data } = await loadCheckpoint(file);
    manualSeed(20);
    const net = new Net();
    const expected = stateDictOf(data.initial, file);
    expect([...net.stateDict().keys()]).toEqual([...expected.keys()]);
    for (const [name, value] of net.stateDict()) {
      const wanted = expected.get(name);
      expect(value.shape, name).toEqual(wanted?.shape);
      expect(value.data, name).toEqual(wanted?.data);
    }
    net.dispose();
  });

  it("the file's weights give PyTorch's output", async () => {
    const { data } = await loadCheckpoint(file);
    const net = new Net().eval();
    net.loadStateDict(stateDictOf(data.state_dict, file));
    const [x, wanted] = [imageOf(data.x), imageOf(data.y)];
    const y = tf.tidy(() => net.forward(x));
    expect(y.shape).toEqual(wanted.shape);
    expect(tf.tidy(() => tf.max(tf.abs(tf.sub(y, wanted))).dataSync()[0])).toBeLessThan(1e-5);
    tf.dispose([x, y, wanted]);
    net.dispose();
  });
});
