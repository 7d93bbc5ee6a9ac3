/** The four published checkpoints on real images: logits against PyTorch's. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadFromCheckpoint } from "../../../lib/convbook/checkpoints/index.ts";
import { cifar10, type FloatData, type LabelledSample, transforms } from "../../../lib/convbook/data/index.ts";
import type { AnyModule } from "../../../lib/convbook/nn/index.ts";
import { readFixture } from "./support.ts";

interface Fixture {
  readonly count: number;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  readonly logits: Readonly<Record<string, string>>;
}

const fixture = readFixture<Fixture>("checkpoint-logits.json");
const folder = fileURLToPath(new URL("../../../../shared/data/uva-tutorial5/", import.meta.url));
const isThere = existsSync(folder);
if (!isThere) {
  console.log(
    `Left out: logits of the published checkpoints. Put the files of UvA Deep Learning Tutorial 5 into ${folder}`,
  );
}

describe.runIf(isThere)("the published checkpoints", () => {
  let images: tf.Tensor4D;

  beforeAll(async () => {
    expect(await tf.setBackend("wasm")).toBe(true);
    const { ToTensor, Normalize, Compose } = transforms;
    const transform = new Compose([new ToTensor(), new Normalize([...fixture.mean], [...fixture.std])]);
    const test = await cifar10({ train: false, transform });
    const all = new Float32Array(fixture.count * 32 * 32 * 3);
    for (let i = 0; i < fixture.count; i++) {
      const [image] = test.get(i) as LabelledSample<FloatData>;
      all.set(image.data, i * 32 * 32 * 3);
    }
    images = tf.tensor4d(all, [fixture.count, 32, 32, 3]);
  });

  afterAll(() => images.dispose());

  it.each(Object.keys(fixture.logits))("%s gives PyTorch's logits within 0.001", async (name) => {
    const model = (await loadFromCheckpoint(`${folder}${name}.ckpt`)).model.eval() as AnyModule;
    const logits: tf.Tensor = tf.tidy(() => model.forward(images));
    const got = await logits.data();
    const bytes = Buffer.from(fixture.logits[name] as string, "base64");
    const wanted = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    expect(logits.shape).toEqual([fixture.count, 10]);
    const worst = wanted.reduce((max, value, i) => Math.max(max, Math.abs(value - (got[i] as number))), 0);
    expect(worst).toBeLessThan(1e-3);
    logits.dispose();
    model.dispose();
  });
});
