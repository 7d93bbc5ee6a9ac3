/**
 * Where a Trainer writes what is logged: CSV, TensorBoard, Weights & Biases.
 *
 * @module
 */
export type { Logger } from "../core/logger.ts";
export { CSVLogger, type FileLoggerOptions } from "./csv-logger.ts";
export { TensorBoardLogger, type TensorBoardLoggerOptions } from "./tensorboard-logger.ts";
export { WandbLogger, type WandbLoggerOptions } from "./wandb-logger.ts";
