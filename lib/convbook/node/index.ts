/**
 * What programs use of `tf.node`, tfjs-node's namespace, with its names and meanings: pictures as tensors, and TensorBoard. For programs that
 * move from tfjs-node to the native engine; `convbook` itself has more of both.
 *
 * @example
 * import * as node from "convbook/node";
 * const image = node.decodeImage(readFileSync("cat.jpg")); // int32 [height, width, channels]
 */
export { decodeBmp, decodeImage, decodeJpeg, decodePng } from "./decode.ts";
export { encodeJpeg, encodePng } from "./encode.ts";
export { decodeGif, getMetaGraphsFromSavedModel, getNumOfSavedModels, loadSavedModel } from "./missing.ts";
export { type SummaryFileWriter, summaryFileWriter } from "./summaries.ts";
export { TensorBoardCallback, type TensorBoardCallbackArgs, tensorBoard } from "./tensor-board.ts";
