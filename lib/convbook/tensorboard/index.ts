/** TensorBoard's event files: read, written, drawn. */
export { TensorBoard, type TensorBoardOptions, tensorBoard } from "./board.ts";
export { EventFileError } from "./errors.ts";
export type {
  HistogramValue,
  HparamsValue,
  HparamValue,
  ImageValue,
  SummaryContent,
  SummaryValue,
  TensorBoardEvent,
  TensorValue,
} from "./events.ts";
export { type LinkedTensorBoardFigureOptions, type TensorBoardFigureOptions, tensorBoardFigure } from "./figure.ts";
export { type GraphNode, traceGraph } from "./graph.ts";
export { makeHistogram } from "./histogram.ts";
export { findRuns, readEvents, type ScalarPoint, scalars } from "./reader.ts";
export { SummaryWriter, type SummaryWriterOptions } from "./writer.ts";
