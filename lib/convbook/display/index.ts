/** Figures, tables and progress in a notebook, and their text outside of one. */
export { clearOutput, type DisplayHandle, type DisplayOptions, display } from "./display.ts";
export {
  displaySymbol,
  isShowable,
  type JsonValue,
  type MimeBundle,
  type MimeMetadata,
  metadataSymbol,
  type Showable,
  toMimeBundle,
} from "./mime.ts";
export type { NotebookIo } from "./transport.ts";
