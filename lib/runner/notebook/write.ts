/** Writes notebooks: atomically, and in the style of the file that they came from. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { NotebookError } from "../errors.ts";
import { makeFolder } from "../files.ts";
import { isObject } from "../objects.ts";
import { renameOver } from "../platform.ts";
import {
  asCopyOf,
  detectJsonStyle,
  isSorted,
  isUnchanged,
  type JsonDocument,
  type JsonStyle,
  JsonWriter,
  nbformatStyle,
  sourceOf,
  stringifyJson,
} from "./json/index.ts";
import {
  type Cell,
  type CodeCell,
  isJsonMimetype,
  type MimeBundle,
  type Notebook,
  type Output,
  splitLines,
} from "./types.ts";

/** How a notebook's JSON is laid out. */
export interface NotebookStyle extends Omit<JsonStyle, "sorted"> {
  readonly finalNewline: boolean;
  /** Whether what has not changed since the notebook was read keeps its text, to the byte. */
  readonly keepText: boolean;
}

/** nbformat's own layout. */
export const defaultStyle: NotebookStyle = { ...nbformatStyle, finalNewline: true, keepText: false };

/** The layout of a notebook's text, which keeps what has not changed. */
export function detectStyle(text: string): NotebookStyle {
  return { ...detectJsonStyle(text), finalNewline: text.endsWith("\n"), keepText: true };
}

/** Writes one notebook again and again: a cell that has not changed is not serialised again. */
export class NotebookWriter {
  readonly #path: string;
  readonly #style: NotebookStyle;
  readonly #cells = new WeakMap<Cell, string>();
  #sorted: boolean | undefined;

  constructor(path: string, style: NotebookStyle) {
    this.#path = path;
    this.#style = style;
  }

  /** Says that a cell is no longer as it was when it was last written. */
  changed(cell: Cell): void {
    this.#cells.delete(cell);
  }

  text(notebook: Notebook): string {
    const source = this.#style.keepText ? sourceOf(notebook) : undefined;
    this.#sorted ??= isSorted(notebook) && sourceOf(notebook) !== undefined;
    const writer = new JsonWriter({ ...this.#style, sorted: this.#sorted }, source?.document, this.#cells);
    for (const cell of notebook.cells) {
      if (!this.#cells.has(cell)) {
        this.#cells.set(cell, writer.text(fileForm(cell, source?.document), 2));
      }
    }
    const text = writer.text(notebook);
    return source === undefined
      ? `${text}${this.#style.finalNewline ? this.#style.newline : ""}`
      : source.document.text.slice(0, source.start) + text + source.document.text.slice(source.end);
  }

  /**
   * Saves the notebook under its path, whole or not at all.
   *
   * @param durable Whether to wait until it is on the disk, so that it also survives a power cut.
   */
  save(notebook: Notebook, durable = true): void {
    writeAtomically(this.#path, this.text(notebook), durable);
  }
}

/** A cell with the texts of its new outputs as lists of lines, as nbformat stores them; others stay as they were written. */
function fileForm(cell: Cell, document: JsonDocument | undefined): Cell {
  if (cell.cell_type !== "code") {
    return cell;
  }
  const outputs = outputsFileForm(cell, document);
  return outputs === cell.outputs ? cell : asCopyOf({ ...cell, outputs }, cell);
}

function outputsFileForm(cell: CodeCell, document: JsonDocument | undefined): Output[] {
  const source = sourceOf(cell);
  const index = source?.document === document ? (source?.keys?.lastIndexOf("outputs") ?? -1) : -1;
  const before = index < 0 ? undefined : source?.values[index];
  if (!Array.isArray(before)) {
    return cell.outputs.map(outputFileForm);
  }
  const outputs = cell.outputs.map((output, place) => {
    const own = sourceOf(output);
    if (own?.document === document && own !== undefined && isUnchanged(output, own)) {
      return output;
    }
    // What came out as it was before keeps its text.
    const fresh = outputFileForm(output);
    const old: Output | undefined = before[place];
    return isObject(old) && canonical(old) === canonical(fresh) ? old : fresh;
  });
  return outputs.length === before.length && outputs.every((output, place) => output === before[place])
    ? before
    : outputs;
}

/** The same for two outputs that mean the same to the last digit, however they are written. */
function canonical(output: Output): string {
  return stringifyJson(outputFileForm(output), "", true);
}

function outputFileForm(output: Output): Output {
  switch (output.output_type) {
    case "stream":
      return typeof output.text === "string" ? asCopyOf({ ...output, text: splitLines(output.text) }, output) : output;
    case "display_data":
    case "execute_result":
      return asCopyOf({ ...output, data: bundleFileForm(output.data) }, output);
    default:
      return output;
  }
}

function bundleFileForm(data: MimeBundle): MimeBundle {
  if (!isObject(data)) {
    return data;
  }
  const entries = Object.entries(data).map(([mimetype, value]) => [
    mimetype,
    typeof value === "string" && isTextMimetype(mimetype) ? splitLines(value) : value,
  ]);
  return asCopyOf(Object.fromEntries(entries), data);
}

/** Images in base64 stay one string; nbformat splits everything else that is text. */
function isTextMimetype(mimetype: string): boolean {
  return !isJsonMimetype(mimetype) && (!mimetype.startsWith("image/") || mimetype === "image/svg+xml");
}

/** A notebook as text, in nbformat's layout unless told otherwise. */
export function serializeNotebook(notebook: Notebook, style: NotebookStyle = defaultStyle): string {
  return new NotebookWriter("", style).text(notebook);
}

/**
 * Writes a file so that a reader finds the old contents or the new, never a part: to a temporary file beside it, synced,
 * then renamed. A symbolic link stays one.
 *
 * @param durable Whether to wait for the disk; without, a crash of the process cannot harm the file, one of the machine can.
 * @throws NotebookError when the path cannot be written.
 */
export function writeAtomically(path: string, contents: string | Uint8Array, durable = true): void {
  let target = path;
  try {
    target = realpathSync(path);
  } catch {
    // A new file.
  }
  const temporary = join(
    dirname(target),
    `${temporaryPrefix(target)}${process.pid}-${randomBytes(4).toString("hex")}.tmp`,
  );
  try {
    makeFolder(dirname(target));
    const mode = statSync(target, { throwIfNoEntry: false })?.mode;
    const file = openSync(temporary, "wx", mode === undefined ? 0o666 : mode & 0o777);
    try {
      const bytes = typeof contents === "string" ? Buffer.from(contents) : contents;
      for (let at = 0; at < bytes.length; ) {
        at += writeSync(file, bytes, at);
      }
      if (mode !== undefined) {
        fchmodSync(file, mode & 0o777);
      }
      if (durable) {
        fsyncSync(file);
      }
    } finally {
      closeSync(file);
    }
    renameOver(() => renameSync(temporary, target));
  } catch (error) {
    removeQuietly(temporary);
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === "ENOSPC"
        ? "the disk is full"
        : code === "EACCES" || code === "EPERM"
          ? "permission denied"
          : (error as Error).message;
    throw new NotebookError(path, `cannot be written: ${reason}`, { cause: error });
  }
}

/** How names of temporary files begin. Of a long name a part: the whole one may be as long as the file system takes. */
function temporaryPrefix(path: string): string {
  return `.${[...basename(path)].slice(0, 40).join("")}.`;
}

/** Removes a file; where even its folder is not one, there is nothing to remove. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The error that is being told is the one that matters.
  }
}

/**
 * Deletes temporary files that a process left when it was killed in the middle of a save of this path; those of processes
 * that still run stay.
 */
export function removeLeftovers(path: string): void {
  const prefix = temporaryPrefix(path);
  let entries: string[];
  try {
    entries = readdirSync(dirname(path));
  } catch {
    return;
  }
  for (const entry of entries) {
    const pid = entry.startsWith(prefix) ? /^(\d+)-[0-9a-f]{8}\.tmp$/.exec(entry.slice(prefix.length))?.[1] : undefined;
    if (pid !== undefined && !isRunning(Number(pid))) {
      rmSync(join(dirname(path), entry), { force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
