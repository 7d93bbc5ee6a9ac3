/** What a code cell's tags and metadata ask for. The runner's own settings are in the metadata under `runner`. */

import { type Cell, type CodeCell, joinLines, type Notebook, tagsOf } from "../notebook/types.ts";
import { markersOf } from "./markers.ts";

/** Settings in a cell's metadata, `metadata.runner`. */
export interface CellSettings {
  /** Seconds; 0 for no limit. */
  readonly timeout?: number;
  /** The cell must raise an exception: of this name exactly, with a message that this regular expression matches. */
  readonly raises?: { readonly name?: string; readonly message?: string };
  readonly rtol?: number;
  readonly atol?: number;
  /** Names of sanitiser presets, or patterns. */
  readonly sanitize?: readonly SanitizerSetting[];
  /** Bands that numbers in the output must be in: `{"accuracy": "0.62 ± 0.03"}`. */
  readonly expect?: Readonly<Record<string, unknown>>;
  /** False leaves this cell's outputs, or all that are not marked, out of a comparison. */
  readonly compare?: boolean;
}

export type SanitizerSetting =
  | string
  | { readonly pattern: string; readonly replace?: string; readonly flags?: string };

/** Settings in the notebook's metadata, `metadata.runner`. */
export interface NotebookSettings extends Omit<CellSettings, "raises" | "expect"> {
  /** Seconds for the whole notebook. */
  readonly notebookTimeout?: number;
  /** Parameters of the option `--fast`. */
  readonly fast?: Readonly<Record<string, unknown>>;
  /** Files and folders besides the imported ones whose contents the results depend on, for `--cache`. */
  readonly data?: readonly string[];
}

export function cellSettings(cell: Cell): CellSettings {
  return settingsOf(cell.metadata) as CellSettings;
}

export function notebookSettings(notebook: Notebook): NotebookSettings {
  return settingsOf(notebook.metadata) as NotebookSettings;
}

function settingsOf(metadata: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const settings = metadata.runner;
  return typeof settings === "object" && settings !== null && !Array.isArray(settings)
    ? (settings as Record<string, unknown>)
    : {};
}

/** True for a code cell that runs. An empty one has nothing to run, as nbclient has it. */
export function isRunnable(cell: Cell): cell is CodeCell {
  const skipped = tagsOf(cell).includes("skip-execution") || markersOf(cell).skip === true;
  return cell.cell_type === "code" && !skipped && joinLines(cell.source).trim() !== "";
}

/** What says that a cell has to raise an exception, in words for an error; undefined where nothing does. */
export function raiseAsked(cell: Cell): string | undefined {
  if (tagsOf(cell).includes("raises-exception")) {
    return "is tagged raises-exception";
  }
  if (markersOf(cell).raises === true) {
    return "is marked NBVAL_RAISES_EXCEPTION";
  }
  return cellSettings(cell).raises === undefined ? undefined : 'has "runner.raises" in its metadata';
}

/** A short name of a cell for reports. */
export function cellName(cell: Cell): string {
  const { name } = cell.metadata;
  if (typeof name === "string" && name.trim() !== "") {
    return name.trim();
  }
  const source = joinLines(cell.source);
  // What a cell imports says little about what it does.
  const body = source.replace(/^import\b[^;]*?;[ \t]*$/gm, "").replace(/^from .+ import .+$/gm, "");
  const lines = (body.trim() === "" ? source : body).split("\n").map((text) => text.trim());
  const line =
    lines.find((text) => text !== "" && !/^(\{|\/\*|\*)/.test(text)) ?? lines.find((text) => text !== "") ?? "";
  const plain = line.replace(/^(\/\/|#)\s*/, "");
  return plain.length > 60 ? `${plain.slice(0, 59)}…` : plain;
}
