/**
 * How long a step takes on many ranks: a model with few numbers, all of them measured or said. A rank computes a forward and a backward pass;
 * buckets of gradients become ready during the backward pass and are summed one after the other; then all take the step.
 */

/** What joins the ranks. */
export interface Network {
  /** From one rank to another and nothing in it, s. */
  readonly latency: number;
  /** Bytes a second, from one rank. */
  readonly bandwidth: number;
}

/** What a rank does in a step. */
export interface Work {
  /** Computing, s: all that is not communication. */
  readonly compute: number;
  /** The part of it that is the backward pass. */
  readonly backward: number;
  /** Bytes of the buckets, in the order in which they become ready. */
  readonly buckets: readonly number[];
  /** Whether buckets are summed while the backward pass goes on. */
  readonly overlaps: boolean;
  /** Making a batch, s, beside the computing. */
  readonly input: number;
}

/**
 * An allreduce by the better of two algorithms. Ring: each of n ranks sends 2 (n - 1) parts of 1/n. Tree (recursive doubling): log2 n times all.
 */
export function allreduceTime(bytes: number, ranks: number, { latency, bandwidth }: Network): number {
  if (ranks === 1) {
    return 0;
  }
  const ring = 2 * (ranks - 1) * (latency + bytes / ranks / bandwidth);
  const tree = Math.ceil(Math.log2(ranks)) * (latency + bytes / bandwidth);
  return Math.min(ring, tree);
}

/** A step's seconds, and how much of it is waiting for sums. */
export function stepTime(
  work: Work,
  ranks: number,
  network: Network,
): { readonly step: number; readonly exposed: number } {
  const { compute, backward, buckets, overlaps, input } = work;
  const total = buckets.reduce((sum, bytes) => sum + bytes, 0);
  let [ready, end] = [0, 0];
  for (const bytes of buckets) {
    // Gradients come at an even pace, as bytes go; without overlap all are there when the pass is over.
    ready += overlaps ? (backward * bytes) / total : 0;
    const start = overlaps ? Math.max(ready, end) : Math.max(backward, end);
    end = start + allreduceTime(bytes, ranks, network);
  }
  const exposed = Math.max(0, end - backward);
  return { step: Math.max(compute + exposed, input), exposed };
}

/** How near n ranks come to n times one: one rank's step over theirs, each with the same batch. */
export function efficiency(work: Work, ranks: number, network: Network): number {
  return stepTime(work, 1, network).step / stepTime(work, ranks, network).step;
}

/** Computing as a line over the batch size. */
export interface Line {
  readonly fixed: number;
  readonly each: number;
}

/** The line through measured points (not 0) that is off by the least squares of parts of them; both of its numbers at least 0. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): Line {
  const weights = points.map(([, y]) => 1 / y ** 2);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = (of: (x: number, y: number) => number) =>
    points.reduce((sum, [x, y], i) => sum + (weights[i] ?? 0) * of(x, y), 0) / total;
  const [x, y] = [mean((a) => a), mean((_, b) => b)];
  const spread = mean((a) => (a - x) ** 2);
  const each = spread === 0 ? 0 : Math.max(0, mean((a, b) => (a - x) * (b - y)) / spread);
  return { fixed: Math.max(0, y - each * x), each };
}

/**
 * The smallest batch a rank, a power of two, that keeps `least` of the efficiency; below it a network stops scaling.
 *
 * @returns undefined where none up to 65,536 does
 */
export function smallestBatch(
  workOf: (batch: number) => Work,
  ranks: number,
  network: Network,
  least: number,
): number | undefined {
  for (let batch = 1; batch <= 65_536; batch *= 2) {
    if (efficiency(workOf(batch), ranks, network) >= least) {
      return batch;
    }
  }
  return undefined;
}

/** Networks between machines, as their makers and their users give them: TCP over Ethernet, and two that write into the other's memory. */
export const networks: Readonly<Record<string, Network>> = {
  "10 Gbit/s": { latency: 25e-6, bandwidth: 10e9 / 8 },
  "100 Gbit/s": { latency: 2e-6, bandwidth: 100e9 / 8 },
  "400 Gbit/s": { latency: 1.5e-6, bandwidth: 400e9 / 8 },
};
