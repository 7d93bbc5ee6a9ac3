/** What batch and instance normalisation share. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { BatchNorm1d, BatchNorm2d, InstanceNorm1d, InstanceNorm2d } from "./index.ts";

beforeAll(() => tf.setBackend("cpu"));

const image = () => tf.reshape(tf.linspace(-3, 40, 2 * 4 * 4 * 3), [2, 4, 4, 3]);
const sequence = () => tf.reshape(tf.linspace(-3, 40, 2 * 5 * 3), [2, 5, 3]);
const tracking = { trackRunningStats: true };

const tracked: [
  name: string,
  make: () => BatchNorm2d | BatchNorm1d | InstanceNorm2d | InstanceNorm1d,
  x: () => tf.Tensor,
][] = [
  ["BatchNorm2d", () => new BatchNorm2d(3), image],
  ["BatchNorm1d", () => new BatchNorm1d(3), sequence],
  ["InstanceNorm2d", () => new InstanceNorm2d(3, tracking), image],
  ["InstanceNorm1d", () => new InstanceNorm1d(3, tracking), sequence],
];

describe("resetRunningStats", () => {
  it.each(tracked)("%s forgets what it saw, as PyTorch's reset_running_stats, and begins anew", (_, make, x) => {
    const [norm, fresh] = [make(), make()];
    const statistics = (layer: typeof norm) =>
      [layer.runningMean, layer.runningVar].map((buffer) => Array.from(buffer?.toTensorData().data ?? [], Number));
    const see = (layer: typeof norm) => tf.tidy(() => void layer.train().forward(x() as never));
    see(norm);
    see(norm);
    expect(statistics(norm)[0]).not.toEqual([0, 0, 0]);
    norm.resetRunningStats();
    expect(statistics(norm)).toEqual([
      [0, 0, 0],
      [1, 1, 1],
    ]);
    expect(norm.numBatchesTracked?.value).toBe(0);
    const given = x();
    const wanted = tf.div(given, Math.sqrt(1 + norm.eps)).dataSync();
    for (const [i, value] of norm
      .eval()
      .forward(given as never)
      .dataSync()
      .entries()) {
      expect(value).toBeCloseTo(wanted[i] as number, 5);
    }
    see(norm);
    see(fresh);
    expect(statistics(norm)).toEqual(statistics(fresh));
  });

  it("does nothing where no statistics are kept", () => {
    const norm = new InstanceNorm2d(3);
    norm.resetRunningStats();
    expect([norm.runningMean, norm.runningVar, norm.numBatchesTracked]).toEqual([null, null, null]);
    expect([...norm.stateDict().keys()]).toEqual([]);
  });
});
