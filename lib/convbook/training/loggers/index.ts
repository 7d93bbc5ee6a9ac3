export { CSVLogger, type FileLoggerOptions } from "./csv-logger.ts";
export type { Logger } from "./logger.ts";
export { TensorBoardLogger, type TensorBoardLoggerOptions } from "./tensorboard-logger.ts";
