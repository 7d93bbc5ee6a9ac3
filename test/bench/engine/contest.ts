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
}

/** Milliseconds by "label mode". */
export type Times = ReadonlyMap<string, readonly number[]>;

/** Each takes one step in turn, `rounds` times after `warmUp` that do not count. */
export async function compete(
  entries: readonly Entry[],
  rounds: number,
  { which = modes, warmUp = 2 }: { readonly which?: readonly Mode[]; readonly warmUp?: number } = {},
): Promise<Times> {
  const times = new Map<string, number[]>();
  for (const mode of which) {
    for (let round = -warmUp; round < rounds; round++) {
      for (const { label, contestant } of entries) {
        const milliseconds = await contestant.step(mode);
        const key = `${label} ${mode}`;
        if (round >= 0) times.set(key, [...(times.get(key) ?? []), milliseconds]);
      }
    }
  }
  return times;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** Images a second from milliseconds a batch. */
export function rate(batch: number, values: readonly number[]): number {
  return Math.round((batch / median(values)) * 1000);
}

/** The same from the fastest step. */
export function fastestRate(batch: number, values: readonly number[]): number {
  return Math.round((batch / Math.min(...values)) * 1000);
}

export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
