/** Takes a notebook's outputs and counts out of its text; every other byte stays as it is. */
import { findNodeAtLocation, type Node, parseTree } from "jsonc-parser";
import { parseNotebook } from "./read.ts";

export interface StripOptions {
  /** Cells with one of these tags keep their outputs. Default: `keep-output`. */
  readonly keepTags?: readonly string[] | undefined;
}

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
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
  const { keepTags = ["keep-output"] } = options;
  const notebook = parseNotebook(text, path);
  const root = parseTree(text);
  const cells = root === undefined ? undefined : findNodeAtLocation(root, ["cells"]);
  const edits: Edit[] = [];
  for (const [index, cell] of (cells?.children ?? []).entries()) {
    const parsed = notebook.cells[index];
    if (parsed?.cell_type !== "code" || (parsed.metadata.tags ?? []).some((tag) => keepTags.includes(tag))) {
      continue;
    }
    replaceValue(edits, text, cell, "outputs", "[]");
    replaceValue(edits, text, cell, "execution_count", "null");
    const metadata = findNodeAtLocation(cell, ["metadata"]);
    if (metadata?.type === "object") {
      removeProperties(edits, text, metadata, transientMetadata);
    }
  }
  return edits
    .sort((a, b) => b.from - a.from)
    .reduce(
      (stripped, { from, to, text: replacement }) => stripped.slice(0, from) + replacement + stripped.slice(to),
      text,
    );
}

function replaceValue(edits: Edit[], text: string, object: Node, name: string, value: string): void {
  const node = findNodeAtLocation(object, [name]);
  if (
    node !== undefined &&
    text.slice(node.offset, node.offset + node.length) !== value &&
    !(value === "[]" && node.children?.length === 0)
  ) {
    edits.push({ from: node.offset, to: node.offset + node.length, text: value });
  }
}

/** Removes properties with the comma and the white space that belong to them. */
function removeProperties(edits: Edit[], text: string, object: Node, names: readonly string[]): void {
  const properties = object.children ?? [];
  const goes = (property: Node) => names.includes(String(property.children?.[0]?.value));
  const kept = properties.filter((property) => !goes(property));
  if (kept.length === properties.length) {
    return;
  }
  if (kept.length === 0) {
    edits.push({ from: object.offset, to: object.offset + object.length, text: "{}" });
    return;
  }
  // What stays keeps its own text; what stands between is the text between the first two, which is how it is laid out.
  const first = properties[0] as Node;
  const last = properties.at(-1) as Node;
  const second = properties[1] as Node;
  const between = text.slice(first.offset + first.length, second.offset);
  const replacement = kept
    .map((property) => text.slice(property.offset, property.offset + property.length))
    .join(between);
  edits.push({ from: first.offset, to: last.offset + last.length, text: replacement });
}
