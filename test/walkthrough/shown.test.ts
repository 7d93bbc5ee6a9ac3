/** A table or figure that a cell makes is seen: it is the cell's last expression, or handed to `display`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { folder, notebookNames } from "./preview-page.ts";

/** What makes something to look at. */
const makes =
  /^\s*(table|bars|curves|imageGrid|scatter|confusionMatrixFigure|nn\.(diagram|summary)|\w+\.patternFigure)\(/;
/** The first line of a statement that stands in no other one. */
const begins = /^[^\s)}\]/]/;

/** Lines of a cell that make a table or a figure and drop it. */
function dropped(source: string): string[] {
  const lines = source.split("\n");
  let [blocks, isExpected] = [0, false];
  return lines.filter((line, i) => {
    const isLast = !lines.slice(i + 1).some((later) => begins.test(later));
    // What a function returns is not dropped; what is made to fail is caught.
    isExpected = /^try\b/.test(line) || (isExpected && !begins.test(line));
    blocks = /^(if|\} else|for)\b/.test(line) ? 1 : begins.test(line) ? 0 : blocks;
    const isStatement = begins.test(line) ? !isLast : blocks === 1 && /^ {2}\S/.test(line);
    return makes.test(line) && isStatement && !isExpected;
  });
}

it.each(notebookNames())("%s: every table and figure that is made is shown", (name) => {
  const { cells } = JSON.parse(readFileSync(join(folder, `${name}.ipynb`), "utf8")) as {
    cells: { cell_type: string; source: string | string[] }[];
  };
  const sources = cells.filter(({ cell_type }) => cell_type === "code").map(({ source }) => [source].flat().join(""));
  expect(sources.flatMap(dropped)).toEqual([]);
});

it("finds one in the middle of a cell and one in a branch", () => {
  const middle = 'table(rows, {\n  caption: "x",\n});\nassert.ok(true);';
  const branch = 'if (none) {\n  console.log("none");\n} else {\n  table(rows);\n}';
  expect(dropped(middle)).toEqual(["table(rows, {"]);
  expect(dropped(branch)).toEqual(["  table(rows);"]);
  expect(dropped("const a = 1;\ntable(rows);")).toEqual([]);
});
