/** Time against a reference: finds a loop over pixels in JavaScript, which is slower by orders of magnitude. */
import * as tf from "@tensorflow/tfjs-core";
import { CheckError } from "./check-error.ts";
import { max, now, valuesOf } from "./intrinsics.ts";

export interface SpeedOptions {
  /** How many times the reference's time it may take; 20. Machines are busy: a band below 5 fails some who did well. */
  readonly atMost?: number;
  /** How often each is timed; 7, of which the median counts. */
  readonly rounds?: number;
}

/** What is timed: computes, and returns a tensor or anything else. */
export type Timed = () => unknown;

/**
 * What the student wrote is not much slower than a reference: the two in turns, medians, a wide band. Where it does not hold, it is
 * measured once more before it counts.
 *
 * @param student The student's code.
 * @param reference The same with the library's operations.
 */
export async function expectSpeed(student: Timed, reference: Timed, options: SpeedOptions = {}): Promise<void> {
  const { atMost = 20, rounds = 7 } = options;
  if (!(atMost > 1) || !(rounds >= 1)) {
    throw new RangeError(`expectSpeed: atMost is above 1 and rounds at least 1, got ${atMost} and ${rounds}`);
  }
  let ratio = Number.POSITIVE_INFINITY;
  for (const times of [rounds, 2 * rounds]) {
    ratio = await measure(student, reference, times);
    if (ratio <= atMost) {
      return;
    }
  }
  throw new CheckError(
    "Your code is much slower than the same with the library's operations: is there a loop over single values?",
    {
      got: `${ratio.toPrecision(2)} times the reference's time`,
      expected: `at most ${atMost} times`,
    },
  );
}

async function measure(student: Timed, reference: Timed, rounds: number): Promise<number> {
  // What is compiled or allocated at the first call is nobody's loop.
  await time(student, 1);
  const once = await time(reference, 1);
  const repeats = Math.min(100, Math.ceil(2 / max(once, 0.02)));
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let i = 0; i < rounds; i++) {
    ours.push(await time(reference, repeats));
    theirs.push(await time(student, 1));
  }
  return median(theirs) / max(median(ours) / repeats, 1e-3);
}

async function time(what: Timed, repeats: number): Promise<number> {
  const engine = tf.engine();
  engine.startScope();
  const start = now();
  try {
    for (let i = 0; i < repeats; i++) {
      const result = await what();
      if (result instanceof tf.Tensor) {
        // Backends may put off the work until somebody reads.
        valuesOf(result);
      }
    }
    return now() - start;
  } finally {
    engine.endScope();
  }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
