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
    expect(text(1234.5, "fixed2" as never)).toBe("1,234.50");
    expect(text(0.5, ((v: number) => `<${v}>`) as never)).toBe("<0.5>");
    expect(text(null, undefined as never)).toBe("");
    expect(text(Number.NaN, "percent" as never)).toBe("NaN");
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
