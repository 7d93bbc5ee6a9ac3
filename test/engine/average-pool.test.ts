/** Average pools with and without their border, as one kernel, against the same in plain operations on the CPU backend. */
import { averagePool, engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { avgPool2d } from "../../lib/convbook/nn/functional/pool.ts";
import { data, expectSame, Random, tensor, withGrads } from "./support.ts";

describe.runIf(engine.available)("average pools", () => {
  it.each([true, false])("whose border counts: %s, with gradients", (countIncludePad) => {
    const random = new Random(41);
    for (let i = 0; i < 20; i++) {
      const [kernel, stride] = [random.integer(2, 4), random.integer(1, 3)];
      const padding = random.integer(0, kernel >> 1);
      const [height, width] = [kernel + random.integer(0, 5), kernel + random.integer(0, 6)];
      const x = data(random, [random.pick([1, 3]), height, width, random.pick([1, 3, 17, 40])]);
      const window = { kernel, stride, padding: [padding, padding], dilation: 1 } as const;
      const pool = (t: tf.Tensor) => avgPool2d(t as tf.Tensor4D, [window, window] as never, countIncludePad);
      expectSame(() => withGrads(pool, [tensor(x)]));
    }
  });

  it("as a function of the engine", () => {
    tf.setBackend("native");
    const x = tf.ones<tf.Rank.R4>([1, 2, 2, 1]);
    const options = { filterSize: [2, 2], strides: [2, 2], pad: [1, 1, 1, 1] } as const;
    const counted = averagePool(x, options);
    const left = averagePool(x, { ...options, countIncludePad: false });
    expect(Array.from(counted.dataSync())).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(Array.from(left.dataSync())).toEqual([1, 1, 1, 1]);
    tf.dispose([x, counted, left]);
  });
});
