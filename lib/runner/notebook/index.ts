export { NotebookPositions } from "./positions.ts";
export { type NotebookFile, parseJson, parseNotebook, readNotebook, readText } from "./read.ts";
export { type StripOptions, stripNotebook } from "./strip.ts";
export {
  type Cell,
  type CellMetadata,
  type CodeCell,
  type DisplayDataOutput,
  type ErrorOutput,
  type ExecuteResultOutput,
  isJsonMimetype,
  joinLines,
  type MarkdownCell,
  type MimeBundle,
  type MultilineString,
  type Notebook,
  type NotebookMetadata,
  type Output,
  type RawCell,
  type StreamOutput,
  splitLines,
  tagsOf,
} from "./types.ts";
export { upgradeNotebook } from "./upgrade.ts";
export { type ValidationProblem, validateNotebook } from "./validate.ts";
export {
  defaultStyle,
  detectStyle,
  type NotebookStyle,
  NotebookWriter,
  serializeNotebook,
  writeAtomically,
} from "./write.ts";
