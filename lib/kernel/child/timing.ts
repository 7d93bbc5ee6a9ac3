/** What `%time`, `%timeit` and their cells do at run time. */
import { display } from "./display.ts";
import { print } from "./notebook-io.ts";
import { settled } from "./realm.ts";

/** Runs `work`, shows what it gives, and prints how long it took. */
export async function time(work: () => unknown): Promise<void> {
  const start = performance.now();
  const value = await settled(work());
  if (value !== undefined) {
    display(value);
  }
  printWallTime(performance.now() - start);
}

/** Begins and ends what statements of a cell take. */
export function timer(): { startTimer(): void; stopTimer(): void } {
  let start = 0;
  return {
    startTimer: () => {
      start = performance.now();
    },
    stopTimer: () => printWallTime(performance.now() - start),
  };
}

export function printWallTime(ms: number): void {
  print("stdout", `Wall time: ${formatDuration(ms)}\n`);
}

export interface TimeitOptions {
  /** How often in each run; as often as takes a fifth of a second unless given. */
  readonly loops?: number;
  readonly runs?: number;
}

/** How long a run takes at least where nobody says how many loops it has, ms. */
const shortestRun = 200;
const usualRuns = 7;

/**
 * Times something over and over, and prints the mean of the runs and how much they differ.
 *
 * @param prepare Gives what is timed; called before each run.
 */
export async function timeit({ loops, runs = usualRuns }: TimeitOptions, prepare: () => unknown): Promise<void> {
  const once = async (n: number) => timeOf((await settled(prepare())) as () => unknown, n);
  let n = loops ?? 1;
  if (loops === undefined) {
    while ((await once(n)) < shortestRun && n < 1e9) {
      n *= 10;
    }
  }
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    times.push((await once(n)) / n);
  }
  const mean = times.reduce((sum, one) => sum + one, 0) / runs;
  const deviation = Math.sqrt(times.reduce((sum, one) => sum + (one - mean) ** 2, 0) / runs);
  const much = (count: number, what: string) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
  print(
    "stdout",
    `${shortDuration(mean)} ± ${shortDuration(deviation)} per loop (mean ± std. dev. of ${much(runs, "run")}, ${much(n, "loop")} each)\n`,
  );
}

/** What so many calls take, ms; each is waited for where they give promises. */
async function timeOf(work: () => unknown, n: number): Promise<number> {
  const start = performance.now();
  const first = work();
  if (isThenable(first)) {
    await settled(first);
    for (let i = 1; i < n; i++) {
      await settled(work());
    }
  } else {
    for (let i = 1; i < n; i++) {
      work();
    }
  }
  return performance.now() - start;
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** Three digits, in the unit that suits. */
function shortDuration(ms: number): string {
  const units = [
    ["s", 1000],
    ["ms", 1],
    ["µs", 1e-3],
    ["ns", 1e-6],
  ] as const;
  const [unit, size] = units.find(([, one]) => ms >= one) ?? ["ns", 1e-6];
  return `${Number((ms / size).toPrecision(3))} ${unit}`;
}

export function formatDuration(ms: number): string {
  if (ms < 1) {
    return `${(ms * 1000).toFixed(0)} µs`;
  }
  return ms < 1000
    ? `${ms.toFixed(1)} ms`
    : ms < 60_000
      ? `${(ms / 1000).toFixed(2)} s`
      : `${Math.floor(ms / 60_000)} min ${((ms % 60_000) / 1000).toFixed(0)} s`;
}
