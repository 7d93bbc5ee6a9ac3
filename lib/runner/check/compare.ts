/** Compares a notebook's stored outputs with fresh ones, each mimetype in its own way. */
import { stripVTControlCharacters } from "node:util";
import { createPatch } from "diff";
import { overwrite } from "../convert/html/ansi.ts";
import { jsonData } from "../convert/html/figures.ts";
import {
  type CodeCell,
  isJsonMimetype,
  joinLines,
  type MimeBundle,
  type Notebook,
  type Output,
  tagsOf,
} from "../notebook/types.ts";
import { cellName, cellSettings, isRunnable, notebookSettings, type SanitizerSetting } from "../run/cell-info.ts";
import { markersOf } from "../run/markers.ts";
import { imageDifference } from "./images.ts";
import { jsonDifferences, type Tolerance, textIsClose } from "./numbers.ts";
import { createSanitizer, type Sanitizer } from "./sanitize.ts";

export interface CompareOptions {
  /** Relative tolerance of numbers; default 0. A notebook's and a cell's own `runner.rtol` go before. */
  readonly rtol?: number | undefined;
  readonly atol?: number | undefined;
  /** Names of presets or patterns, added to the notebook's own. */
  readonly sanitize?: readonly SanitizerSetting[] | undefined;
}

/** One cell whose outputs are not what was stored. */
export interface CellDifference {
  readonly index: number;
  /** Among the code cells, from 1. */
  readonly number: number;
  readonly id: string | undefined;
  readonly name: string;
  /** What differs, for people: one entry an output, with a diff where there are texts. */
  readonly differences: readonly string[];
}

/**
 * Compares the outputs of two runs of the same notebook.
 *
 * @param stored The notebook as it was stored.
 * @param fresh The notebook as it was run now.
 * @returns The cells whose outputs differ; none when all are equal.
 */
export function compareNotebooks(stored: Notebook, fresh: Notebook, options: CompareOptions = {}): CellDifference[] {
  const settings = notebookSettings(stored);
  const found: CellDifference[] = [];
  const freshCells = fresh.cells.filter((cell): cell is CodeCell => cell.cell_type === "code");
  let number = 0;
  for (const [index, cell] of stored.cells.entries()) {
    if (cell.cell_type !== "code") {
      continue;
    }
    number++;
    const own = cellSettings(cell);
    const asked = own.compare ?? markersOf(cell).check ?? settings.compare ?? true;
    if (!isRunnable(cell) || !asked || !wasExecuted(cell) || tagsOf(cell).includes("injected-parameters")) {
      continue;
    }
    // The same place first: ids should be unique, but there are notebooks in which they are not.
    const inPlace = fresh.cells[index];
    const counterpart =
      inPlace?.cell_type === "code" && inPlace.id === cell.id
        ? inPlace
        : freshCells.find((other) => cell.id !== undefined && other.id === cell.id);
    const tolerance = {
      rtol: own.rtol ?? settings.rtol ?? options.rtol ?? 0,
      atol: own.atol ?? settings.atol ?? options.atol ?? 0,
    };
    const sanitize = createSanitizer([
      ...(options.sanitize ?? []),
      ...(settings.sanitize ?? []),
      ...(own.sanitize ?? []),
    ]);
    const differences =
      counterpart === undefined
        ? ["the cell is gone"]
        : compareOutputs(cell.outputs, counterpart.outputs, tolerance, sanitize);
    if (differences.length > 0) {
      found.push({ index, number, id: cell.id, name: cellName(cell), differences });
    }
  }
  return found;
}

/** False for a cell that was never run, or whose outputs were taken out: there is nothing to compare with. */
export function wasExecuted(cell: CodeCell): boolean {
  return cell.execution_count !== null || cell.outputs.length > 0;
}

/** What differs between two lists of outputs. */
export function compareOutputs(
  stored: readonly Output[],
  fresh: readonly Output[],
  tolerance: Tolerance,
  sanitize: Sanitizer,
): string[] {
  const differences = (["stdout", "stderr"] as const).flatMap((name) =>
    compareTexts(name, streamText(stored, name), streamText(fresh, name), tolerance, sanitize),
  );
  const before = stored.filter((output) => output.output_type !== "stream");
  const after = fresh.filter((output) => output.output_type !== "stream");
  if (before.length !== after.length) {
    differences.push(
      `${before.length} outputs stored (${describe(before)}), ${after.length} fresh (${describe(after)})`,
    );
  }
  for (let index = 0; index < Math.min(before.length, after.length); index++) {
    differences.push(...compareOutput(before[index] as Output, after[index] as Output, tolerance, sanitize));
  }
  return differences;
}

/** The file that ipykernel says a cell is in, for instance in warnings; its folder has the number of the kernel's process. */
const cellFile = /([\\/]ipykernel_)\d+([\\/]\d+\.py)/g;

/** What is to be seen of a stream: of a progress bar its last state, however often it was drawn. */
function streamText(outputs: readonly Output[], name: "stdout" | "stderr"): string {
  const text = outputs
    .map((output) => (output.output_type === "stream" && output.name === name ? joinLines(output.text) : ""))
    .join("");
  return overwrite(stripVTControlCharacters(text)).replace(cellFile, "$1<process>$2");
}

function describe(outputs: readonly Output[]): string {
  return (
    outputs.map((output) => ("data" in output ? Object.keys(output.data)[0] : output.output_type)).join(", ") || "none"
  );
}

function compareOutput(stored: Output, fresh: Output, tolerance: Tolerance, sanitize: Sanitizer): string[] {
  if (stored.output_type === "error" || fresh.output_type === "error") {
    const text = (output: Output) =>
      output.output_type === "error" ? `${output.ename}: ${output.evalue}` : describe([output]);
    return compareTexts("error", text(stored), text(fresh), tolerance, sanitize);
  }
  if (!("data" in stored) || !("data" in fresh)) {
    return [];
  }
  return compareBundles(stored.data, fresh.data, tolerance, sanitize);
}

function compareBundles(stored: MimeBundle, fresh: MimeBundle, tolerance: Tolerance, sanitize: Sanitizer): string[] {
  const mimetypes = [...new Set([...Object.keys(stored), ...Object.keys(fresh)])];
  // The static picture and the text of a figure follow from its spec.
  const spec = mimetypes.find((mimetype) => mimetype.endsWith("+json") && mimetype in stored && mimetype in fresh);
  return (spec === undefined ? mimetypes : [spec]).flatMap((mimetype) => {
    if (!(mimetype in stored)) {
      return [`${mimetype}: new`];
    }
    if (!(mimetype in fresh)) {
      return [`${mimetype}: gone`];
    }
    return compareData(mimetype, stored, fresh, tolerance, sanitize);
  });
}

/** How many differences in a figure's spec are told one by one. */
const mostDifferences = 10;

function compareData(
  mimetype: string,
  stored: MimeBundle,
  fresh: MimeBundle,
  tolerance: Tolerance,
  sanitize: Sanitizer,
): string[] {
  if (isJsonMimetype(mimetype)) {
    const all = jsonDifferences(
      cleanJson(jsonData(stored, mimetype), sanitize),
      cleanJson(jsonData(fresh, mimetype), sanitize),
      tolerance,
    );
    const shown = all.slice(0, mostDifferences).map((line) => `  ${line}`);
    const rest = all.length > mostDifferences ? [`  … and ${all.length - mostDifferences} more`] : [];
    return all.length === 0 ? [] : [[`${mimetype}:`, ...shown, ...rest].join("\n")];
  }
  const before = joinLines(stored[mimetype]);
  const after = joinLines(fresh[mimetype]);
  if (mimetype === "image/png") {
    const difference = imageDifference(before.replace(/\s/g, ""), after.replace(/\s/g, ""));
    return difference === undefined ? [] : [`${mimetype}: ${difference}`];
  }
  if (mimetype.startsWith("image/") && mimetype !== "image/svg+xml") {
    return before.replace(/\s/g, "") === after.replace(/\s/g, "") ? [] : [`${mimetype}: the bytes differ`];
  }
  return compareTexts(mimetype, before, after, tolerance, sanitize);
}

function cleanJson(value: unknown, sanitize: Sanitizer): unknown {
  if (typeof value === "string") {
    return sanitize(value);
  }
  if (Array.isArray(value)) {
    return value.map((entry) => cleanJson(entry, sanitize));
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, cleanJson(entry, sanitize)]))
    : value;
}

function compareTexts(
  what: string,
  stored: string,
  fresh: string,
  tolerance: Tolerance,
  sanitize: Sanitizer,
): string[] {
  const before = sanitize(stored);
  const after = sanitize(fresh);
  return textIsClose(before, after, tolerance) ? [] : [`${what}:\n${textDiff(before, after)}`];
}

/** Longest diff that is shown, lines. */
const longestDiff = 40;

/** A unified diff of two texts without its header; `-` is stored, `+` is fresh. */
export function textDiff(stored: string, fresh: string): string {
  const lines = createPatch("", stored, fresh, undefined, undefined, { context: 2, timeout: 2000 })
    ?.split("\n")
    .slice(4) ?? ["  (too different to show)"];
  const told = lines
    .filter((line) => !line.startsWith("\\") && !line.startsWith("@@") && line !== "")
    .map((line) => `  ${line}`);
  return told.length > longestDiff
    ? [...told.slice(0, longestDiff), `  … ${told.length - longestDiff} lines more`].join("\n")
    : told.join("\n");
}
