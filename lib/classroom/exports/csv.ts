/** Tables as CSV (RFC 4180), which spreadsheets open without running anything. */
import { ClassroomError } from "../errors.ts";
import { firstLine } from "../values.ts";

export type CsvCell = string | number | null | undefined;

/** What a cell of a spreadsheet holds; Excel puts what is longer into other cells. */
const longestCell = 32_767;

/** What spreadsheets take for a formula's beginning. */
const formula = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/;

/**
 * A cell of text as it is safe to open: what a spreadsheet would run as a formula gets an apostrophe in front, by which it is text; numbers, and a dash alone, stay what
 * they are.
 */
export function safeCell(text: string): string {
  const isPlain = /^-$|^[+-]?\d+(?:\.\d+)?$/.test(text);
  return formula.test(text) && !isPlain ? `'${text}` : text;
}

/** A cell's text without the apostrophe that {@link safeCell} put in front. */
export function plainCell(text: string): string {
  return text.startsWith("'") && safeCell(text.slice(1)) === text ? text.slice(1) : text;
}

/** Writes a table; `null` and `undefined` are empty cells. */
export function writeCsv(rows: readonly (readonly CsvCell[])[], { bom = false }: { bom?: boolean } = {}): string {
  const lines = rows.map((row) => row.map(cellText).join(","));
  return `${bom ? "\ufeff" : ""}${lines.join("\r\n")}\r\n`;
}

function cellText(cell: CsvCell): string {
  if (cell === null || cell === undefined) {
    return "";
  }
  const text = shortened(typeof cell === "number" ? String(cell) : safeCell(cell.replaceAll("\0", "")));
  return /[",;\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function shortened(text: string): string {
  const end = "… (there is more than a spreadsheet's cell holds)";
  return text.length > longestCell ? text.slice(0, longestCell - end.length) + end : text;
}

/**
 * Reads a table: commas, semicolons or tabs, whichever the first line has most of. Rows of nothing are left out.
 *
 * @throws {SyntaxError} Where a quotation does not end.
 */
export function readCsv(text: string): string[][] {
  const source = text.replace(/^\ufeff/, "");
  const separator = separatorOf(source);
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  const endCell = () => {
    row.push(cell);
    cell = "";
  };
  const endRow = () => {
    endCell();
    if (row.some((each) => each.trim() !== "")) {
      rows.push(row);
    }
    row = [];
  };
  for (let i = 0; i < source.length; i++) {
    const character = source[i] as string;
    if (quoted) {
      if (character !== '"') {
        cell += character;
      } else if (source[i + 1] === '"') {
        cell += '"';
        i++;
      } else {
        quoted = false;
      }
    } else if (character === '"' && cell.trim() === "") {
      cell = "";
      quoted = true;
    } else if (character === separator) {
      endCell();
    } else if (character === "\n" || character === "\r") {
      if (character === "\r" && source[i + 1] === "\n") {
        i++;
      }
      endRow();
    } else {
      cell += character;
    }
  }
  if (quoted) {
    throw new SyntaxError("a quotation in it does not end");
  }
  if (cell !== "" || row.length > 0) {
    endRow();
  }
  return rows;
}

/**
 * The table that a file holds.
 *
 * @param what It is called in the error.
 * @throws {ClassroomError} Where it cannot be read.
 */
export function tableOf(text: string, path: string, what: string): string[][] {
  try {
    return readCsv(text);
  } catch (error) {
    throw new ClassroomError(path, `${what} cannot be read: ${firstLine(error)}`, { cause: error });
  }
}

function separatorOf(text: string): string {
  const line = text.split(/\r?\n/, 1)[0]?.replace(/"[^"]*"/g, "") ?? "";
  const count = (separator: string) => line.split(separator).length;
  return [",", ";", "\t"].reduce((best, each) => (count(each) > count(best) ? each : best));
}
