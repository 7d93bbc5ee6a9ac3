/** Takes a notebook's outputs and counts out of its text; every other byte stays as it is. */
import { asObject } from "../objects.ts";
import { detectJsonStyle, JsonWriter, parseJsonText, sourceOf } from "./json/index.ts";
import { parseNotebook } from "./read.ts";
import { tagsOf } from "./types.ts";

export interface StripOptions {
  /** Cells with one of these tags keep their outputs, beside those whose metadata say so. Default: `keep-output` and `keep_output`. */
  readonly keepTags?: readonly string[] | undefined;
}

/** Entries of a cell's metadata that a run leaves behind. */
const transientMetadata = ["execution", "measured", "collapsed", "scrolled", "ExecuteTime"];

/**
 * Strips a notebook.
 *
 * @param text The notebook's text.
 * @param path For messages.
 * @returns The text without outputs; the same text where there is nothing to strip.
 * @throws NotebookError when it is not a notebook.
 */
export function stripNotebook(text: string, path: string, options: StripOptions = {}): string {
  const { keepTags = ["keep-output", "keep_output"] } = options;
  parseNotebook(text, path);
  // Without the fields that reading adds where they are missing.
  const root = parseJsonText(text) as { cells: Record<string, unknown>[]; metadata?: unknown };
  const all = keeps(root.metadata);
  for (const cell of root.cells) {
    const kept = tagsOf(cell).some((tag) => keepTags.includes(tag)) || (keeps(cell.metadata) ?? all ?? false);
    if (cell.cell_type !== "code" || kept) {
      continue;
    }
    if ("outputs" in cell && !(Array.isArray(cell.outputs) && cell.outputs.length === 0)) {
      cell.outputs = [];
    }
    if ("execution_count" in cell) {
      cell.execution_count = null;
    }
    const { metadata } = cell;
    if (typeof metadata === "object" && metadata !== null && !Array.isArray(metadata)) {
      for (const name of transientMetadata) {
        delete (metadata as Record<string, unknown>)[name];
      }
    }
  }
  const source = sourceOf(root);
  // Keys stay where they are: none is added.
  const writer = new JsonWriter({ ...detectJsonStyle(text), sorted: false }, source?.document);
  return text.slice(0, source?.start) + writer.text(root) + text.slice(source?.end);
}

/** What metadata of a cell or a notebook say of outputs, as nbstripout has it; undefined for nothing. */
function keeps(metadata: unknown): boolean | undefined {
  const { keep_output, init_cell } = asObject(metadata) ?? {};
  return typeof keep_output === "boolean" ? keep_output : init_cell === true || undefined;
}
