/** Options of a Trainer that shows, logs and saves nothing that was not asked for. */
import type { TrainerOptions } from "../index.ts";

export const quiet = {
  enableProgressBar: false,
  enableModelSummary: false,
  enableCheckpointing: false,
  logger: false,
} as const satisfies TrainerOptions;
