/** Resized images on every instruction set against tfjs's CPU backend. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { data, expectSame, instructionSets, Random, tensor, withGrads } from "./support.ts";

const methods = [tf.image.resizeBilinear, tf.image.resizeNearestNeighbor] as const;
const modes: readonly (readonly [alignCorners: boolean, halfPixelCenters: boolean])[] = [
  [false, false],
  [true, false],
  [false, true],
];

describe.runIf(engine.available)("resizing", () => {
  it.each(instructionSets)("up, down and to the same size, of few and many channels (%s)", (isa) => {
    engine.setInstructionSet(isa);
    const random = new Random(71);
    for (const channels of [1, 2, 3, 4, 5, 17]) {
      for (const [height, width, outHeight, outWidth] of [
        [5, 7, 9, 13],
        [9, 13, 4, 5],
        [6, 6, 6, 6],
        [1, 1, 3, 4],
        [4, 3, 1, 1],
        [2, 9, 40, 2],
      ] as const) {
        const x = data(random, [2, height, width, channels]);
        for (const resize of methods) {
          for (const [align, half] of modes) {
            const f = (t: tf.Tensor) => resize(t as tf.Tensor4D, [outHeight, outWidth], align, half);
            expectSame(() => withGrads(f, [tensor(x)]), 1e-5, `${resize.name} ${height}x${width}x${channels}`);
          }
        }
      }
    }
    engine.setInstructionSet(undefined);
  });

  it("threads share the rows of one image", () => {
    const x = data(new Random(72), [1, 64, 50, 3]);
    for (const threads of [1, 3]) {
      engine.setThreads(threads);
      for (const resize of methods) {
        expectSame(() => resize(tensor<tf.Rank.R4>(x), [200, 130]));
        expectSame(() => resize(tensor<tf.Rank.R4>(x), [21, 17]));
      }
    }
    engine.setThreads(0);
  });

  it("NaN and infinity stay where they reach", () => {
    const x = data(new Random(73), [1, 4, 5, 3]);
    x.values.set([Number.NaN, Infinity, -Infinity], 21);
    for (const resize of methods) {
      expectSame(() => resize(tensor<tf.Rank.R4>(x), [7, 9]));
      expectSame(() => resize(tensor<tf.Rank.R4>(x), [2, 3]));
    }
  });

  it("none, and to nothing", () => {
    for (const resize of methods) {
      expectSame(() => resize(tf.zeros<tf.Rank.R4>([0, 4, 5, 3]), [7, 9]));
    }
    tf.setBackend("native");
    expect(tf.tidy(() => tf.image.resizeBilinear(tf.zeros<tf.Rank.R4>([1, 4, 5, 3]), [0, 2]).shape)).toEqual([
      1, 0, 2, 3,
    ]);
  });
});
