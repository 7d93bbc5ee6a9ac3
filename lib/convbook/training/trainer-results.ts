/** What a Trainer's verbs can be asked, and what they tell in the end. */
import type { Metrics } from "./logging/results.ts";

/** How a fit ended. */
export interface FitResult {
  /** `completed` also when a callback stopped it; `interrupted` when somebody asked to stop. */
  readonly status: "completed" | "interrupted";
  /** Why it ended, in words. */
  readonly reason: string;
  /** Epochs that are over. */
  readonly epochs: number;
  readonly globalStep: number;
  /** The latest value of every metric. */
  readonly metrics: Readonly<Metrics>;
  /** The best checkpoint of the first ModelCheckpoint, where there is one. */
  readonly bestModelPath: string | undefined;
  /** The newest checkpoint to go on from, where there is one. */
  readonly lastModelPath: string | undefined;
}

/** Options of one run. */
export interface RunOptions {
  /** A checkpoint to go on from (fit) or to take the weights from: a path, `"last"`, or for evaluation `"best"`. */
  readonly ckptPath?: string | undefined;
  /** Stops this run at the end of its batch when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Whether validate and test print their results; default true. */
  readonly verbose?: boolean;
}

/** Results as `validate` and `test` print them. */
export function printMetrics(stage: string, metrics: readonly Metrics[]): string {
  const rows = metrics.flatMap((each) => Object.entries(each).map(([name, value]) => `  ${name.padEnd(32)} ${value}`));
  return [`${stage}:`, ...rows].join("\n");
}
