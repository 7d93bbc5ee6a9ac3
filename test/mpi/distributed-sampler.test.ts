/** The orders of PyTorch's DistributedSampler, index for index, and those of evaluation. */
import { expect, it } from "vitest";
import { DistributedSampler, RandomSampler, SequentialSampler } from "../../lib/convbook/data/index.ts";
import { Generator } from "../../lib/convbook/random/index.ts";
import { readReference } from "../parity/reference.ts";

interface Case {
  readonly length: number;
  readonly numReplicas: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  readonly seed: number;
  readonly epoch: number;
  readonly ranks: readonly (readonly number[])[];
}

const { cases } = readReference<{ cases: readonly Case[] }>(
  new URL("./fixtures/distributed-sampler.json", import.meta.url),
);

it("orders are PyTorch's", () => {
  expect(cases.length).toBeGreaterThan(100);
  for (const { length, epoch, ranks, ...options } of cases) {
    const own = ranks.map((_, rank) => {
      const sampler = new DistributedSampler(length, { ...options, rank });
      sampler.setEpoch(epoch);
      expect(sampler.length).toBe(ranks[rank]?.length);
      return [...sampler.sample()];
    });
    expect(own, JSON.stringify({ length, epoch, ...options })).toEqual(ranks);
  }
});

it.each([
  [0, 3],
  [2, 3],
  [13, 4],
  [16, 4],
])("for evaluation %i samples go to %i ranks, each once", (length, numReplicas) => {
  const ranks = Array.from({ length: numReplicas }, (_, rank) => {
    const sampler = new DistributedSampler(length, { numReplicas, rank, shuffle: false, uneven: true });
    expect(sampler.sample()).toHaveLength(sampler.length);
    return [...sampler.sample()];
  });
  expect(ranks.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i));
  const counts = ranks.map((own) => own.length);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
});

it("another sampler's order is parted as it is", () => {
  const order = () => ({ length: 5, sample: () => [4, 2, 0, 1, 3] });
  const ranks = [0, 1].map((rank) => [...new DistributedSampler(order(), { numReplicas: 2, rank }).sample()]);
  expect(ranks).toEqual([
    [4, 0, 3],
    [2, 1, 4],
  ]);
  const random = new RandomSampler(5, { generator: new Generator(1) });
  const sequential = new DistributedSampler(new SequentialSampler(5), { numReplicas: 2, rank: 1 });
  expect([...new DistributedSampler(random, { numReplicas: 2, rank: 1 }).sample()]).toEqual([...sequential.sample()]);
});

it.each([
  [{ numReplicas: 0, rank: 0 }, "numReplicas must be a whole number of at least 1, got 0."],
  [{ numReplicas: 2, rank: 2 }, "rank must be a whole number from 0 to 1, got 2."],
  [{ numReplicas: 2, rank: 0, seed: -1 }, "seed must be a whole number of at least 0, got -1."],
])("%j is refused", (options, message) => {
  expect(() => new DistributedSampler(5, options)).toThrow(`DistributedSampler: ${message}`);
});
