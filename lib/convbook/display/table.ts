/** Tables with numbers that line up. */

import { checkOptions } from "./checks.ts";
import { DisplayError, wrongArgument } from "./errors.ts";
import { displaySymbol, isList, type MimeBundle, type Showable } from "./mime.ts";
import { type Named, namedEntries } from "./named.ts";
import { escapeXml, formatNumber } from "./text.ts";

/**
 * How a value is written: "integer" (1,234), "percent" (91.06 %), "fixed2" (91.06, any digit count), "scientific" (1.2e-3), "compact" (272 k), or a
 * function. Without one, a column of numbers gets as many decimals as its largest needs for four significant digits and its smallest for three, all alike
 * (each number four significant digits of its own, where they differ by more than a thousand times); everything else is written as text.
 */
export type CellFormat =
  | "integer"
  | "percent"
  | "scientific"
  | "compact"
  | `fixed${number}`
  | ((value: unknown) => string);

export type TableRow = { readonly [column: string]: unknown } | readonly unknown[];

export interface TableOptions {
  /** Which columns, in which order; all keys in order of appearance without it. Rows that are arrays need it. An object or a Map renames: `{val: "validation"}`. */
  readonly columns?: readonly string[] | Named<string>;
  readonly formats?: { readonly [column: string]: CellFormat };
  readonly caption?: string;
  /** Cells set in bold: the best of a column, "max" or "min", or whatever a function picks. */
  readonly highlight?:
    | { readonly [column: string]: "max" | "min" }
    | ((row: TableRow, rowIndex: number, column: string) => boolean);
}

interface Column {
  readonly title: string;
  readonly numeric: boolean;
  readonly cells: readonly Cell[];
}

interface Cell {
  readonly text: string;
  readonly bold: boolean;
}

const blankCell: Cell = { text: "", bold: false };

/** A table that displays as HTML, Markdown and plain text. */
export class Table implements Showable {
  readonly caption: string | undefined;
  readonly #columns: readonly Column[];
  readonly #rows: number;

  /** @internal use {@link table} */
  constructor(columns: readonly Column[], rows: number, caption: string | undefined) {
    this.#columns = columns;
    this.#rows = rows;
    this.caption = caption;
  }

  toHtml(): string {
    const align = (column: Column): string => `style="text-align:${column.numeric ? "right" : "left"}"`;
    const caption =
      this.caption === undefined
        ? ""
        : `<caption style="caption-side:top;text-align:left;padding:0 0 .4em">${escapeXml(this.caption)}</caption>`;
    const head = this.#columns
      .map((column) => `<th scope="col" ${align(column)}>${escapeXml(column.title)}</th>`)
      .join("");
    const body = Array.from({ length: this.#rows }, (_, row) => {
      const cells = this.#columns.map((column) => {
        const { text, bold } = column.cells[row] ?? blankCell;
        const content = bold ? `<strong>${escapeXml(text)}</strong>` : escapeXml(text);
        return `<td ${align(column)}>${content}</td>`;
      });
      return `<tr>${cells.join("")}</tr>`;
    });
    return `<table>${caption}<thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table>`;
  }

  toMarkdown(): string {
    const escaped = (text: string): string =>
      text
        .replace(/[\\|*_`<>[\]]/g, (character) => (character === "<" ? "&lt;" : `\\${character}`))
        .replace(/\r?\n/g, " ");
    const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
    const rows = Array.from({ length: this.#rows }, (_, row) =>
      line(
        this.#columns.map(({ cells }) => {
          const { text, bold } = cells[row] ?? blankCell;
          return bold && text !== "" ? `**${escaped(text)}**` : escaped(text);
        }),
      ),
    );
    return [
      ...(this.caption === undefined ? [] : [escaped(this.caption), ""]),
      line(this.#columns.map(({ title }) => escaped(title))),
      line(this.#columns.map(({ numeric }) => (numeric ? "---:" : ":---"))),
      ...rows,
    ].join("\n");
  }

  toString(): string {
    const widths = this.#columns.map(({ title, cells }) =>
      Math.max(width(title), ...cells.map(({ text, bold }) => width(text) + (bold ? 1 : 0))),
    );
    const line = (cells: readonly string[]): string =>
      cells
        .map((text, i) => {
          const blank = " ".repeat(Math.max(0, (widths[i] ?? 0) - width(text)));
          return this.#columns[i]?.numeric ? blank + text : text + blank;
        })
        .join("  ")
        .trimEnd();
    // A star marks what is bold elsewhere; columns that have one keep a blank in the other rows, so that digits line up.
    const starred = this.#columns.map(({ cells }) => cells.some(({ bold }) => bold));
    const rows = Array.from({ length: this.#rows }, (_, row) =>
      line(
        this.#columns.map(({ cells }, i) => {
          const { text, bold } = cells[row] ?? blankCell;
          return starred[i] ? text + (bold ? "*" : " ") : text;
        }),
      ),
    );
    return [
      ...(this.caption === undefined ? [] : [this.caption]),
      line(this.#columns.map(({ title }, i) => (starred[i] && this.#columns[i]?.numeric ? `${title} ` : title))),
      line(widths.map((size) => "-".repeat(size))),
      ...rows,
    ].join("\n");
  }

  [displaySymbol](): MimeBundle {
    return { "text/html": this.toHtml(), "text/markdown": this.toMarkdown(), "text/plain": this.toString() };
  }
}

/**
 * A table of results.
 *
 * @param rows objects, or arrays in the order of `columns`
 * @throws DisplayError where a named column exists in no row, or a format is not known
 * @example
 * display(table([{model: "ResNet", test: 0.9106}], {formats: {test: "percent"}, highlight: {test: "max"}}));
 */
export function table(rows: readonly TableRow[], options: TableOptions = {}): Table {
  if (!Array.isArray(rows) || rows.some((row) => typeof row !== "object" || row === null)) {
    throw wrongArgument("table", "rows", rows, "a list of objects, or of arrays with columns");
  }
  checkOptions("table", options, ["columns", "formats", "caption", "highlight"]);
  const { columns, formats = {}, caption, highlight } = options;
  if (typeof formats !== "object" || formats === null) {
    throw wrongArgument("table", "formats", formats, "an object: formats by column");
  }
  if (caption !== undefined && typeof caption !== "string") {
    throw wrongArgument("table", "caption", caption, "a string");
  }
  const asArrays = rows.some((row) => Array.isArray(row));
  const present = new Set(rows.flatMap((row) => (Array.isArray(row) ? [] : Object.keys(row))));
  const renamed =
    columns === undefined || isList(columns) ? undefined : new Map(namedEntries("table", "columns", columns));
  const keys = columns === undefined ? [...present] : isList(columns) ? columns : [...(renamed?.keys() ?? [])];
  if (asArrays && columns === undefined) {
    throw new DisplayError("table: rows that are arrays need columns: their names, in order");
  }
  for (const key of [...keys, ...Object.keys(formats)]) {
    const known = asArrays ? keys.includes(key) : present.has(key) || rows.length === 0;
    if (!known) {
      const option = keys.includes(key) ? "columns" : "formats";
      throw new DisplayError(
        `table: ${option}: no row has a column "${key}"; there are ${[...(asArrays ? keys : present)].join(", ")}`,
      );
    }
  }
  const built = keys.map((key, index): Column => {
    const values = rows.map((row) => (isList(row) ? row[index] : row[key]));
    const numbers = values.filter((item) => item !== null && item !== undefined);
    const numeric = numbers.length > 0 && numbers.every(isNumber);
    const best = typeof highlight === "object" ? bestOf(values, highlight[key]) : undefined;
    const decimals = formats[key] === undefined ? commonDecimals(numbers) : undefined;
    const how = decimals === undefined ? formats[key] : (`fixed${decimals}` as const);
    const cells = rows.map((row, i) => {
      const item = values[i];
      const bold = typeof highlight === "function" ? highlight(row, i, key) : best !== undefined && item === best;
      return { text: format(item, how, key), bold };
    });
    return { title: renamed?.get(key) ?? key, numeric, cells };
  });
  return new Table(built, rows.length, caption);
}

function bestOf(values: readonly unknown[], which: "max" | "min" | undefined): number | undefined {
  const numbers = values.filter((item): item is number => typeof item === "number" && Number.isFinite(item));
  if (which === undefined || numbers.length === 0) {
    return undefined;
  }
  return numbers.reduce((best, item) => (which === "max" ? Math.max(best, item) : Math.min(best, item)));
}

/** Whether a value stands to the right: a number, or one that is written already, as "1,234" or "69.76 %". */
function isNumber(value: unknown): boolean {
  const isWritten = typeof value === "string" && /^[-−+]?\d[\d,]*(\.\d+)?( ?%)?$/.test(value);
  return typeof value === "number" || typeof value === "bigint" || isWritten;
}

/** The decimals that all numbers of a column get, or undefined where each is better written by itself. */
function commonDecimals(values: readonly unknown[]): number | undefined {
  const numbers = values.filter((item): item is number => typeof item === "number" && Number.isFinite(item));
  const sizes = numbers.filter((item) => item !== 0).map(Math.abs);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  if (numbers.length < values.length || numbers.every(Number.isInteger) || most > 1000 * least) {
    return undefined;
  }
  const written = numbers.map((item) => formatNumber(item));
  if (written.some((text) => text.includes("e"))) {
    return undefined;
  }
  const needed = (size: number, digits: number): number => digits - 1 - Math.floor(Math.log10(size));
  // Never more than one of them shows by itself, so that 0.5 and 0.25 do not become 0.5000 and 0.2500.
  const shown = Math.max(...written.map((text) => text.split(".")[1]?.length ?? 0));
  return Math.max(0, Math.min(shown, Math.max(needed(most, 4), needed(least, 3))));
}

function format(value: unknown, how: CellFormat | undefined, column: string): string {
  if (typeof how === "function") {
    return how(value);
  }
  if (value === null || value === undefined) {
    return "";
  }
  if (typeof value !== "number" && typeof value !== "bigint") {
    return String(value);
  }
  const number = Number(value);
  if (how === undefined) {
    return typeof value === "bigint" ? value.toLocaleString("en-US") : formatNumber(number);
  }
  if (!Number.isFinite(number)) {
    return String(number);
  }
  if (how === "integer") {
    return Math.round(number).toLocaleString("en-US");
  }
  if (how === "percent") {
    return `${(100 * number).toFixed(2)} %`;
  }
  if (how === "scientific") {
    return number === 0 ? "0" : number.toExponential(2);
  }
  if (how === "compact") {
    return compact(number);
  }
  const fixed = /^fixed(\d{1,2})$/.exec(how);
  if (!fixed) {
    throw new DisplayError(
      `table: formats: that of "${column}" is ${JSON.stringify(how)}; expected integer, percent, scientific, compact, fixed<digits> or a function`,
    );
  }
  return number.toLocaleString("en-US", {
    minimumFractionDigits: Number(fixed[1]),
    maximumFractionDigits: Number(fixed[1]),
  });
}

function compact(value: number): string {
  const units = [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const;
  for (const [size, unit] of units) {
    if (Math.abs(value) >= size) {
      return `${Number((value / size).toPrecision(3))} ${unit}`;
    }
  }
  return String(Number(value.toPrecision(3)));
}

/** Columns on a terminal: East Asian characters take two. */
function width(text: string): number {
  let columns = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    columns += code >= 0x1100 && code <= 0xffdc && !(code >= 0x2000 && code < 0x2e80) ? 2 : 1;
  }
  return columns;
}
