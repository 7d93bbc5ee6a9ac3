/** Which loggers a Trainer has. */
import { join } from "node:path";
import type { Logger } from "../core/logger.ts";
import type { ResolvedOptions, TrainerOptions } from "../core/trainer-options.ts";
import { requireOption } from "../errors.ts";
import { CSVLogger } from "./csv-logger.ts";
import { TensorBoardLogger } from "./tensorboard-logger.ts";
import { nextVersion } from "./version.ts";

/** The given loggers; without any, CSV and TensorBoard files in one folder. A fast run for finding bugs has none. */
export function defaultLoggers(given: TrainerOptions["logger"], options: ResolvedOptions): readonly Logger[] {
  if (given === false || options.fastDevRun > 0) {
    return [];
  }
  if (given === undefined || given === true) {
    const rootDir = options.defaultRootDir;
    const name = "convbook_logs";
    const version = nextVersion(join(rootDir, name));
    return [new TensorBoardLogger({ rootDir, name, version }), new CSVLogger({ rootDir, name, version })];
  }
  const loggers = [given].flat();
  for (const logger of loggers) {
    requireOption(
      typeof logger?.logMetrics === "function",
      "Trainer.logger",
      logger,
      "made of objects with logMetrics(metrics, step)",
    );
  }
  return loggers;
}
