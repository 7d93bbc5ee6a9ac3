/** Arrays of objects as a table, in text and HTML. */
import { inspect, types } from "node:util";
import { guardedMessageOf } from "../values.ts";
import type { MimeBundle } from "./bundle.ts";

const mostRows = 60;
const mostColumns = 30;
const widest = 60;

/** A table of an array of plain objects with simple values; undefined where it is not one. */
export function asTable(rows: readonly unknown[]): MimeBundle | undefined {
  const plain: Row[] = [];
  for (const row of rows.slice(0, 1000)) {
    const values = valuesOf(row);
    if (values === undefined) {
      return undefined;
    }
    plain.push(values);
  }
  const shown = plain.slice(0, mostRows);
  const columns = [...new Set(shown.flatMap((row) => [...row.keys()]))];
  if (columns.length === 0 || columns.length > mostColumns) {
    return undefined;
  }
  const cells = shown.map((row) => columns.map((column) => (row.has(column) ? cellText(row.get(column)) : "")));
  const numeric = columns.map((column) =>
    shown.every((row) => row.get(column) === undefined || typeof row.get(column) === "number"),
  );
  const rest = rows.length - shown.length;
  const note = rest > 0 ? `… and ${rest} more rows` : "";
  return {
    "text/plain": plainTable(columns, cells, numeric, note),
    "text/html": htmlTable(columns, cells, numeric, note),
  };
}

/** The values of a row by column, each read once. */
type Row = ReadonlyMap<string, unknown>;

/** What a getter threw in place of a value. */
class Unreadable {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** The values of a plain object with simple values; undefined where it is not one. */
function valuesOf(row: unknown): Row | undefined {
  if (typeof row !== "object" || row === null || Array.isArray(row)) {
    return undefined;
  }
  try {
    const prototype: unknown = Object.getPrototypeOf(row);
    if ((prototype !== null && Object.getPrototypeOf(prototype) !== null) || Symbol.for("Jupyter.display") in row) {
      return undefined;
    }
    const values = new Map<string, unknown>();
    for (const column of Object.keys(row)) {
      const value = read(row as Record<string, unknown>, column);
      if (typeof value === "object" && value !== null && !isSimple(value)) {
        return undefined;
      }
      values.set(column, value);
    }
    return values;
  } catch {
    // A proxy that does not let itself be looked at.
    return undefined;
  }
}

function read(row: Record<string, unknown>, column: string): unknown {
  try {
    return row[column];
  } catch (error) {
    return new Unreadable(error);
  }
}

function isSimple(value: object): boolean {
  return value instanceof Unreadable || types.isDate(value) || Array.isArray(value);
}

function cellText(value: unknown): string {
  const text =
    typeof value === "string"
      ? value.replaceAll("\n", "⏎")
      : value === undefined
        ? ""
        : value instanceof Unreadable
          ? `<${guardedMessageOf(value.error)}>`
          : inspectedOf(value);
  return text.length > widest ? `${text.slice(0, widest - 1)}…` : text;
}

/** A value in one line; what shows itself runs code of the cell, which may fail or give something else than text. */
function inspectedOf(value: unknown): string {
  try {
    return inspect(value, { breakLength: Number.POSITIVE_INFINITY });
  } catch (error) {
    return `<${guardedMessageOf(error)}>`;
  }
}

function plainTable(
  columns: readonly string[],
  rows: readonly string[][],
  numeric: readonly boolean[],
  note: string,
): string {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (numeric[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd();
  return [
    line(columns),
    line(widths.map((width) => "─".repeat(width))),
    ...rows.map(line),
    ...(note === "" ? [] : [note]),
  ].join("\n");
}

function htmlTable(
  columns: readonly string[],
  rows: readonly string[][],
  numeric: readonly boolean[],
  note: string,
): string {
  const row = (tag: string, cells: readonly string[]) =>
    `<tr>${cells.map((cell, i) => `<${tag}${numeric[i] ? ' style="text-align: right"' : ""}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  const foot = note === "" ? "" : `<p>${escapeHtml(note)}</p>`;
  return `<table><thead>${row("th", columns)}</thead><tbody>${rows.map((cells) => row("td", cells)).join("")}</tbody></table>${foot}`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
