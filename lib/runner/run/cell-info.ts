/** What a code cell's tags and metadata ask for. The runner's own settings are in the metadata under `runner`. */

import { type Cell, type CodeCell, joinLines, type Notebook, tagsOf } from "../notebook/types.ts";
import { markersOf } from "./markers.ts";

/** Settings in a cell's metadata, `metadata.runner`. */
export interface CellSettings {
  /** Seconds; 0 for no limit. */
  readonly timeout?: number;
  /** What a cell tagged `raises-exception` must raise: the name exactly, the message as a regular expression. */
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
export interface NotebookSettings extends CellSettings {
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

export function mayRaise(cell: Cell): boolean {
  return tagsOf(cell).includes("raises-exception") || markersOf(cell).raises === true;
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
