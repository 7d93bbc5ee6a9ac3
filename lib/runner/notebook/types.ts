/** nbformat 4 as it is in the file: names and shapes are the format's own. */

/** A string, or its lines, each with its newline. */
export type MultilineString = string | string[];

/** Data by mimetype; text is a multiline string, JSON mimetypes are objects. */
export type MimeBundle = Record<string, unknown>;

export interface StreamOutput {
  output_type: "stream";
  name: "stdout" | "stderr";
  text: MultilineString;
}

export interface DisplayDataOutput {
  output_type: "display_data";
  data: MimeBundle;
  metadata: Record<string, unknown>;
}

export interface ExecuteResultOutput {
  output_type: "execute_result";
  execution_count: number | null;
  data: MimeBundle;
  metadata: Record<string, unknown>;
}

export interface ErrorOutput {
  output_type: "error";
  ename: string;
  evalue: string;
  traceback: string[];
}

export type Output = StreamOutput | DisplayDataOutput | ExecuteResultOutput | ErrorOutput;

export interface CellMetadata {
  tags?: string[];
  [key: string]: unknown;
}

interface CellBase {
  id?: string;
  metadata: CellMetadata;
  source: MultilineString;
  attachments?: Record<string, MimeBundle>;
}

export interface MarkdownCell extends CellBase {
  cell_type: "markdown";
}

export interface RawCell extends CellBase {
  cell_type: "raw";
}

export interface CodeCell extends CellBase {
  cell_type: "code";
  execution_count: number | null;
  outputs: Output[];
}

export type Cell = MarkdownCell | RawCell | CodeCell;

export interface NotebookMetadata {
  kernelspec?: { name?: string; display_name?: string; language?: string };
  language_info?: { name?: string; file_extension?: string; [key: string]: unknown };
  title?: string;
  [key: string]: unknown;
}

export interface Notebook {
  cells: Cell[];
  metadata: NotebookMetadata;
  nbformat: number;
  nbformat_minor: number;
}

/** A multiline string as one string. */
export function joinLines(text: unknown): string {
  return Array.isArray(text) ? text.join("") : typeof text === "string" ? text : "";
}

/** What ends a line for Python's `splitlines`, which nbformat uses: more than what ends one for anybody else. */
const lineBreaks = new Set([0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029]);

/** A string as nbformat writes it: its lines, each with its line break. */
export function splitLines(text: string): string[] {
  const lines: string[] = [];
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const isBreak = lineBreaks.has(code) && !(code === 0x0d && text.charCodeAt(index + 1) === 0x0a);
    if (isBreak) {
      lines.push(text.slice(start, index + 1));
      start = index + 1;
    }
  }
  if (start < text.length) {
    lines.push(text.slice(start));
  }
  return lines;
}

/** True for mimetypes whose data is JSON and not text. */
export function isJsonMimetype(mimetype: string): boolean {
  return mimetype === "application/json" || (mimetype.startsWith("application/") && mimetype.endsWith("+json"));
}

/** A cell's tags; anything that is not a list of strings counts as none. */
export function tagsOf(cell: { metadata?: CellMetadata }): string[] {
  const tags = cell.metadata?.tags;
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [];
}
