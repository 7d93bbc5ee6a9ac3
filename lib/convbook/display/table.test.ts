import { describe, expect, it } from "vitest";
import { displaySymbol, table } from "./index.ts";

const rows = [
  { model: "ResNet", test: 0.9106, parameters: 272378 },
  { model: "Dense|Net <b>", test: 0.9023, parameters: 239146 },
];

describe("table", () => {
  const shown = table(rows, { formats: { test: "percent" }, highlight: { test: "max" }, caption: "Accuracy" });

  it("lines numbers up in text", () => {
    expect(shown.toString().split("\n")).toEqual([
      "Accuracy",
      "model             test   parameters",
      "-------------  --------  ----------",
      "ResNet         91.06 %*     272,378",
      "Dense|Net <b>  90.23 %      239,146",
    ]);
  });

  it("is escaped in Markdown and HTML, with the best in bold and numbers to the right", () => {
    const bundle = shown[displaySymbol]();
    expect(Object.keys(bundle)).toEqual(["text/html", "text/markdown", "text/plain"]);
    expect(bundle["text/markdown"]).toBe(
      "Accuracy\n\n| model | test | parameters |\n| :--- | ---: | ---: |\n| ResNet | **91.06 %** | 272,378 |\n| Dense\\|Net &lt;b\\> | 90.23 % | 239,146 |",
    );
    expect(bundle["text/html"]).toContain('<td style="text-align:right"><strong>91.06 %</strong></td>');
    expect(bundle["text/html"]).toContain("Dense|Net &#60;b&#62;</td>");
  });

  it("knows its formats", () => {
    const text = (value: unknown, format: never): string =>
      table([{ v: value }], { formats: { v: format } })
        .toString()
        .split("\n")[2]
        ?.trim() as string;
    expect(text(1234.5, "integer" as never)).toBe("1,235");
    expect(text(272378, "compact" as never)).toBe("272 k");
    expect(text(0.00123, "scientific" as never)).toBe("1.23e-3");
    expect(text(0, "scientific" as never)).toBe("0");
    expect(text(1234.5, "fixed2" as never)).toBe("1,234.50");
    expect(text(0.5, ((v: number) => `<${v}>`) as never)).toBe("<0.5>");
    expect(text(null, undefined as never)).toBe("");
    expect(text(Number.NaN, "percent" as never)).toBe("NaN");
  });

  it("gives the numbers of a column one number of decimals, unless they are too far apart", () => {
    const shown = (...values: unknown[]): string[] =>
      table(values.map((v) => ({ v })))
        .toString()
        .split("\n")
        .slice(2)
        .map((line) => line.trim());
    expect(shown(3699.376128, 218.365952)).toEqual(["3,699", "218"]);
    expect(shown(2.30145, 0.031234)).toEqual(["2.3015", "0.0312"]);
    expect(shown(0.5, 0.25, 0, null)).toEqual(["0.50", "0.25", "0.00", ""]);
    expect(shown(1, 2.5)).toEqual(["1.0", "2.5"]);
    expect(shown(12, 272378)).toEqual(["12", "272,378"]);
    expect(shown(1234.56789, 0.0123456)).toEqual(["1235", "0.01235"]);
    expect(shown(0.00001, 0.00002)).toEqual(["1.000e-5", "2.000e-5"]);
    expect(shown(Number.NaN, 0.123456)).toEqual(["NaN", "0.1235"]);
    expect(shown(10n, 0.5)).toEqual(["10", "0.5"]);
  });

  it("has numbers to the right, those that are written already, too", () => {
    const [, rule] = table([
      { name: "a", share: "69.76 %", count: "1,234", hkl: "−1.5", place: "7 × 7", mixed: "12" },
      { name: "b", share: "8 %", count: "5", hkl: "+2", place: "14 × 14", mixed: "not measured" },
    ])
      .toMarkdown()
      .split("\n");
    expect(rule).toBe("| :--- | ---: | ---: | ---: | :--- | :--- |");
  });

  it("takes arrays, a choice of columns and new names", () => {
    expect(table([[1, "a"]], { columns: ["n", "s"] }).toMarkdown()).toContain("| 1 | a |");
    expect(
      table(rows, { columns: { test: "test accuracy" } })
        .toMarkdown()
        .split("\n")[0],
    ).toBe("| test accuracy |");
    expect(table([]).toString()).toBe("\n");
  });

  it("names the column that is not there", () => {
    expect(() => table(rows, { columns: ["model", "acc"] })).toThrow(
      'table: columns: no row has a column "acc"; there are model, test, parameters',
    );
    expect(() => table([[1]])).toThrow("table: rows that are arrays need columns: their names, in order");
    expect(() => table(rows, { formats: { test: "percents" as never } })).toThrow(
      'table: formats: that of "test" is "percents"; expected integer, percent, scientific, compact, fixed<digits> or a function',
    );
  });
});
