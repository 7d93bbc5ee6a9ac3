/** Contestants take turns, so that whatever else the machine does slows all of them alike. */

export type Mode = "train" | "infer";
export const modes: readonly Mode[] = ["train", "infer"];

/** Runs one step of one kind and gives its milliseconds. */
export interface Contestant {
  step(mode: Mode): Promise<number>;
  close(): void;
}

export interface Entry {
  readonly label: string;
  readonly contestant: Contestant;
  /** Whether the others go on without it where it ends early: a peer, whose faults are not ours. */
  readonly mayEnd?: boolean;
}

/** A contestant's process ended instead of making the step. */
export class EndedEarly extends Error {
  override readonly name = "EndedEarly";
}

/** Milliseconds by "label mode". */
export type Times = ReadonlyMap<string, readonly number[]>;

export interface Rules {
  readonly which?: readonly Mode[];
  /** Turns of each that do not count. */
  readonly warmUp?: number;
  /** Steps of a turn; of several, the first does not count. Where steps are short, one that follows another contestant's says more of the change. */
  readonly burst?: number;
  /** Milliseconds that a turn lasts at least: of short steps it has more than `burst`. */
  readonly turn?: number;
}

/** Steps one behind the other, as trainings and evaluations make them. */
export const steady: Rules = { burst: 2, turn: 800 };

/** Each takes its turn, `rounds` times. A peer that ends early is left out of that kind of step, and told. */
export async function compete(
  entries: readonly Entry[],
  rounds: number,
  { which = modes, warmUp = 2, burst = 1, turn: least = 0 }: Rules = {},
): Promise<Times> {
  const times = new Map<string, number[]>();
  for (const mode of which) {
    const ended = new Set<string>();
    for (let round = -warmUp; round < rounds; round++) {
      for (const { label, contestant, mayEnd = false } of entries.filter((entry) => !ended.has(entry.label))) {
        const turn: number[] = [];
        const started = performance.now();
        const key = `${label} ${mode}`;
        try {
          while (turn.length < burst || performance.now() - started < least) {
            turn.push(await contestant.step(mode));
          }
        } catch (error) {
          if (!mayEnd || !(error instanceof EndedEarly)) {
            throw error;
          }
          console.error(`${error.message}: left out of "${mode}" as ${label}`);
          ended.add(label);
          times.delete(key);
          continue;
        }
        if (round >= 0) {
          times.set(key, [...(times.get(key) ?? []), ...(burst > 1 ? turn.slice(1) : turn)]);
        }
      }
    }
  }
  return times;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** Digits that ratios of rates can be worked out from, for large networks too, of which a few images go through in a second. */
const digitsOfRates = 4;

function perSecond(batch: number, milliseconds: number): number {
  return Number(((batch / milliseconds) * 1000).toPrecision(digitsOfRates));
}

/** Images a second from milliseconds a batch. */
export function rate(batch: number, values: readonly number[]): number {
  return perSecond(batch, median(values));
}

/** The same from the fastest step. */
export function fastestRate(batch: number, values: readonly number[]): number {
  return perSecond(batch, Math.min(...values));
}

export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
