import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { displaySymbol } from "../display/index.ts";
import { tensorBoardFigure } from "./figure.ts";
import { SummaryWriter } from "./writer.ts";

const folder = mkdtempSync(join(tmpdir(), "figure-"));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(() => {
  for (const [run, rate] of [
    ["slow", 0.1],
    ["fast", 0.5],
  ] as const) {
    using writer = new SummaryWriter(join(folder, run));
    for (let step = 0; step < 20; step++) {
      writer.addScalar("loss", Math.exp(-rate * step), step, 1000 + 1800 * step);
      writer.addScalar("epoch", step, step);
      if (run === "fast") {
        writer.addScalar("accuracy", 1 - Math.exp(-rate * step), step);
      }
    }
  }
});

it("draws a chart a tag and a curve a run", () => {
  const figure = tensorBoardFigure(folder, { smoothing: 0.5 });
  expect((figure.spec.concat as readonly { title: string }[]).map(({ title }) => title)).toEqual(["accuracy", "loss"]);
  expect(figure.alt).toContain('"loss" of values over step: fast ends at 7.485e-5');
  expect(figure.alt).not.toContain("epoch");
  const bundle = figure[displaySymbol]();
  expect(Object.keys(bundle)).toEqual(["application/vnd.vegalite.v5+json", "image/png", "text/plain"]);
  expect(figure.toSvg()).toContain(">slow</text>");
});

it("takes runs by name, a choice of tags, and time", () => {
  const figure = tensorBoardFigure({ "my run": join(folder, "slow") }, { tags: [/^lo/], xAxis: "relative" });
  expect(figure.alt).toContain('Line chart "loss" of values over hours: my run ends at');
  const values = (figure.spec.data as { values: { x: number }[] }).values;
  expect(values.at(-1)?.x).toBeCloseTo(9.5, 9);
});

it("links its charts where it is asked to", () => {
  const figure = tensorBoardFigure(folder, { linked: true, tags: ["loss", "accuracy"], height: 100 });
  expect(Object.keys(figure[displaySymbol]())).toEqual(["application/vnd.plotly.v1+json", "image/png", "text/plain"]);
  expect(figure.data.map(({ name, yaxis }) => `${name} ${yaxis}`)).toEqual(["fast y", "slow y", "fast y2"]);
  expect(figure.layout).toMatchObject({ hoversubplots: "axis", xaxis: { title: { text: "step" } } });
  expect(() => tensorBoardFigure(folder, { linked: 1 as never })).toThrow(
    "tensorBoardFigure: linked must be true or false, got 1.",
  );
  expect(() => tensorBoardFigure(folder, { linked: true, columns: 2 } as never)).toThrow(
    "tensorBoardFigure: columns must be left out with linked, whose charts stand one above the other, got 2.",
  );
});

it("names the tags that there are", () => {
  expect(() => tensorBoardFigure(folder, { tags: ["los"] })).toThrow(
    'no scalar "los"; there are accuracy, epoch, loss',
  );
});
