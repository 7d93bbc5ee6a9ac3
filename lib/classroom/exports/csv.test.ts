import { expect, it } from "vitest";
import { plainCell, readCsv, safeCell, tableOf, writeCsv } from "./csv.ts";

it("quotes what needs it, and leaves numbers numbers", () => {
  expect(
    writeCsv([
      ["a,b", 'say "so"', "two\nlines", " lead", "Ünïcødé 名前", 1.5, -2, null, undefined, ""],
      ["-3.25", "+7", "x-1"],
    ]),
  ).toBe('"a,b","say ""so""","two\nlines"," lead",Ünïcødé 名前,1.5,-2,,,\r\n-3.25,+7,x-1\r\n');
});

// https://owasp.org/www-community/attacks/CSV_Injection
it("gives spreadsheets no formula to run", () => {
  const cells = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "＝1+1",
    '=HYPERLINK("http://x")',
    "a=1",
  ];
  const [row = []] = readCsv(writeCsv([cells]));
  expect(row).toEqual([...cells.slice(0, -1).map((cell) => `'${cell}`), "a=1"]);
});

it("reads what others write", () => {
  expect(readCsv('\ufeffa;b\r\n1;"x;""y"""\r\n\r\n;\r\n')).toEqual([
    ["a", "b"],
    ["1", 'x;"y"'],
  ]);
  expect(readCsv("a\tb\nc\td")).toEqual([
    ["a", "b"],
    ["c", "d"],
  ]);
  expect(readCsv('"a\nb",c\n')).toEqual([["a\nb", "c"]]);
  expect(readCsv("")).toEqual([]);
  expect(() => readCsv('a,"b\n')).toThrow("a quotation in it does not end");
});

it("gives the text of each cell back, whatever it begins with", () => {
  for (const text of ["=1", "＝1", "＠sum", "-1", "-", "'quoted'", "'=1", "plain", ""]) {
    expect(plainCell(safeCell(text))).toBe(text === "'=1" ? "=1" : text);
  }
});

it("writes no more into a cell than a spreadsheet's holds", () => {
  const [[short, long = ""] = []] = readCsv(writeCsv([["x".repeat(32_767), "y".repeat(3e6)]]));
  expect(short).toHaveLength(32_767);
  expect(long).toHaveLength(32_767);
  expect(long).toMatch(/^y+… \(there is more than a spreadsheet's cell holds\)$/);
});

it("names the file that is no table", () => {
  expect(() => tableOf('a,"b', "points.csv", "this table")).toThrow(
    "points.csv: this table cannot be read: a quotation in it does not end",
  );
});
