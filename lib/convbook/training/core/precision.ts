/** The Trainer's `precision` and `benchmark`: what of Lightning's the backends here have. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { describeValue } from "../../arguments/describe.ts";
import { ConfigurationError } from "../errors.ts";
import { rankZeroWarn } from "./rank-zero.ts";

/** What there is. */
export type Precision = "32-true" | "bf16-mixed";

/** All that PyTorch Lightning takes. */
export type PrecisionName =
  | 16
  | 32
  | 64
  | "16"
  | "32"
  | "64"
  | "bf16"
  | "16-true"
  | "16-mixed"
  | "bf16-true"
  | "bf16-mixed"
  | "32-true"
  | "64-true"
  | "transformer-engine"
  | "transformer-engine-float16";

const had: ReadonlyMap<unknown, Precision> = new Map<unknown, Precision>([
  [32, "32-true"],
  ["32", "32-true"],
  ["32-true", "32-true"],
  ["bf16", "bf16-mixed"],
  ["bf16-mixed", "bf16-mixed"],
]);

/** Names that Lightning has, and why there is nothing behind them here. */
const absent: ReadonlyMap<unknown, string> = new Map([
  ...[16, "16", "16-true", "16-mixed"].map((name) => [name, "float16 is not computed in"] as const),
  ...[64, "64", "64-true"].map((name) => [name, "tensors have no float64"] as const),
  ["bf16-true", "weights stay float32"] as const,
  ["transformer-engine", "it needs NVIDIA's library"] as const,
  ["transformer-engine-float16", "it needs NVIDIA's library"] as const,
]);

/**
 * What a name of Lightning's means here.
 *
 * @throws ConfigurationError for one that cannot be had, and for what is no name of a precision
 */
export function resolvePrecision(given: unknown): Precision {
  const precision = had.get(given);
  if (precision !== undefined) {
    return precision;
  }
  const names = '"32-true" (also 32) or "bf16-mixed" (also "bf16")';
  const why = absent.get(given);
  throw new ConfigurationError(
    "Trainer.precision",
    given,
    names,
    why === undefined ? "" : `Precision ${describeValue(given)} cannot be had on any backend here: ${why}.`,
  );
}

/**
 * Runs a verb in a precision. In "bf16-mixed" evaluation and prediction multiply in bfloat16 where the processor has it; what is differentiated stays float32.
 *
 * @throws ConfigurationError on a backend without it
 */
export async function withPrecision<T>(precision: Precision, body: () => Promise<T>): Promise<T> {
  if (precision === "32-true") {
    return body();
  }
  const backend = tf.getBackend();
  if (backend !== "native") {
    throw new ConfigurationError(
      "Trainer.precision",
      precision,
      `"32-true" on the backend ${backend}`,
      "bfloat16 is had on the backend native, on processors with AMX.",
    );
  }
  return engine.withPrecision("bf16", body);
}

/**
 * Has the backend try its implementations of each convolution and take the fastest, as cuDNN does with `torch.backends.cudnn.benchmark`; the native engine has
 * oneDNN as a second one, where it is installed.
 *
 * @param benchmark undefined leaves it as it is
 */
export function setBenchmark(benchmark: boolean | undefined): void {
  if (benchmark === undefined) {
    return;
  }
  const backend = tf.getBackend();
  if (backend === "native") {
    engine.setImplementations(benchmark ? ["native", "onednn"] : ["native"]);
  } else if (benchmark) {
    rankZeroWarn(`Trainer.benchmark: the backend ${backend} has nothing to choose from; the backend native has.`);
  }
}
