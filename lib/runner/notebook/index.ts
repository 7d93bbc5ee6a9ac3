export { type NotebookFile, parseNotebook, readNotebook } from "./read.ts";
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
export {
  defaultStyle,
  detectStyle,
  type NotebookStyle,
  NotebookWriter,
  serializeNotebook,
  writeAtomically,
} from "./write.ts";
