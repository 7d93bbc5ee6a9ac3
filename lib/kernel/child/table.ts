/** Arrays of objects as a table, in text and HTML. */
import { inspect } from "node:util";
import type { MimeBundle } from "./render.ts";

const mostRows = 60;
const mostColumns = 30;
const widest = 60;

/** A table of an array of plain objects with simple values; undefined where it is not one. */
export function asTable(rows: readonly unknown[]): MimeBundle | undefined {
  if (rows.length === 0 || !rows.slice(0, 1000).every(isPlainRow)) {
    return undefined;
  }
  const shown = rows.slice(0, mostRows) as Record<string, unknown>[];
  const columns = [...new Set(shown.flatMap((row) => Object.keys(row)))];
  if (columns.length === 0 || columns.length > mostColumns) {
    return undefined;
  }
  const cells = shown.map((row) => columns.map((column) => (column in row ? cellText(row[column]) : "")));
  const numeric = columns.map((column) =>
    shown.every((row) => row[column] === undefined || typeof row[column] === "number"),
  );
  const rest = rows.length - shown.length;
  const note = rest > 0 ? `… and ${rest} more rows` : "";
  return {
    "text/plain": plainTable(columns, cells, numeric, note),
    "text/html": htmlTable(columns, cells, numeric, note),
  };
}

function isPlainRow(value: unknown): boolean {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    (prototype === null || Object.getPrototypeOf(prototype) === null) &&
    !Array.isArray(value) &&
    !(Symbol.for("Jupyter.display") in value) &&
    Object.values(value).every(
      (cell) => cell === null || typeof cell !== "object" || cell instanceof Date || Array.isArray(cell),
    )
  );
}

function cellText(value: unknown): string {
  const text =
    typeof value === "string"
      ? value.replaceAll("\n", "⏎")
      : value === undefined
        ? ""
        : inspect(value, { breakLength: Number.POSITIVE_INFINITY });
  return text.length > widest ? `${text.slice(0, widest - 1)}…` : text;
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
