/** The model of step time against what can be worked out by hand. */
import { expect, it } from "vitest";
import { allreduceTime, efficiency, fitLine, smallestBatch, stepTime } from "./model.ts";

const network = { latency: 1e-3, bandwidth: 1e6 };
const work = { compute: 3, backward: 2, buckets: [1e6, 1e6], overlaps: true, input: 0 };

it("an allreduce takes the better of ring and tree", () => {
  expect(allreduceTime(1e6, 1, network)).toBe(0);
  // 4 ranks, a large array: a ring of 6 messages of a quarter. A small one: two of all.
  expect(allreduceTime(1e6, 4, network)).toBeCloseTo(6 * (0.001 + 0.25), 9);
  expect(allreduceTime(4, 4, network)).toBeCloseTo(2 * (0.001 + 4e-6), 9);
});

it("buckets go while the backward pass does, and the last one is waited for", () => {
  // Two ranks: each bucket takes 1.001 s and is ready at 1 s and at 2 s; the first ends at 2.001, the second at 3.002.
  expect(stepTime(work, 2, network)).toEqual({
    step: expect.closeTo(4.002, 9),
    exposed: expect.closeTo(1.002, 9),
  });
  expect(stepTime({ ...work, overlaps: false }, 2, network).exposed).toBeCloseTo(2.002, 9);
  expect(stepTime(work, 1, network)).toEqual({ step: 3, exposed: 0 });
  expect(stepTime({ ...work, input: 9 }, 2, network).step).toBe(9);
});

it("a network stops scaling where the batch is too small for its sums", () => {
  const workOf = (batch: number) => ({ ...work, compute: 0.1 * batch, backward: 0 });
  // Two ranks wait 2.002 s: 0.8 of the efficiency needs 8.008 s of computing.
  expect(efficiency(workOf(128), 2, network)).toBeCloseTo(12.8 / 14.802, 9);
  expect(smallestBatch(workOf, 2, network, 0.8)).toBe(128);
  expect(smallestBatch(() => workOf(1), 2, network, 0.8)).toBeUndefined();
});

it("a line is fitted through its points", () => {
  const line = fitLine([
    [16, 3],
    [32, 5],
    [64, 9],
  ]);
  expect(line.fixed).toBeCloseTo(1, 9);
  expect(line.each).toBeCloseTo(0.125, 9);
  expect(fitLine([[1, 5]])).toEqual({ fixed: 5, each: 0 });
});
