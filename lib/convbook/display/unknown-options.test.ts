/** An option that there is not is refused by every figure and by display itself, with the nearest that there is. */
import { describe, expect, it } from "vitest";
import { patternFigure } from "../diffraction/index.ts";
import { calibrationFigure, precisionRecallFigure, rocFigure } from "../metrics/index.ts";
import {
  bars,
  confusionMatrixFigure,
  curves,
  display,
  heatmap,
  histogram,
  linkedCurves,
  plotly,
  progress,
  scatter,
  table,
  vegaLite,
} from "./index.ts";

type Call = (options: object) => unknown;

/** Each with what it needs, and an option that somebody mistook. */
const calls: readonly (readonly [name: string, mistaken: string, meant: string, call: Call])[] = [
  ["vegaLite", "alternative", "alt", (options) => vegaLite({ mark: "point" }, options)],
  ["plotly", "configuration", "config", (options) => plotly([], {}, options)],
  ["display", "display_id", "displayId", (options) => display("text", options)],
  ["display.svg", "alternative", "alt", (options) => display.svg("<svg/>", options)],
  ["display.png", "display_id", "displayId", (options) => display.png("", options)],
  ["display.vegaLite", "display_id", "displayId", (options) => display.vegaLite({ mark: "point" }, options)],
  ["display.plotly", "configuration", "config", (options) => display.plotly([], {}, options)],
  ["table", "caption_text", "caption", (options) => table([{ a: 1 }], options)],
  ["progress", "totl", "total", (options) => progress([1], options)],
  ["curves", "xlabel", "xLabel", (options) => curves({ series: { a: [1, 2] }, ...options })],
  ["linkedCurves", "panel", "panels", (options) => linkedCurves({ panels: { a: { b: [1] } }, ...options })],
  ["bars", "horizontl", "horizontal", (options) => bars({ values: { a: 1 }, ...options })],
  ["scatter", "log_x", "logX", (options) => scatter({ points: [{ x: 1, y: 1 }], ...options })],
  ["heatmap", "anotate", "annotate", (options) => heatmap({ values: [[1]], ...options })],
  ["histogram", "bin", "bins", (options) => histogram({ values: [1, 2], ...options })],
  [
    "confusionMatrixFigure",
    "normalise",
    "normalize",
    (options) => confusionMatrixFigure({ matrix: [[1]], ...options }),
  ],
  ["patternFigure", "two_theta", "twoTheta", (options) => patternFigure({}, options)],
  ["rocFigure", "lables", "labels", (options) => rocFigure([], options)],
  ["precisionRecallFigure", "titel", "title", (options) => precisionRecallFigure([], options)],
  ["calibrationFigure", "widht", "width", (options) => calibrationFigure([], options)],
];

describe("unknown options", () => {
  it.each(calls)("%s has no %s", (name, mistaken, meant, call) => {
    const refused = () => call({ [mistaken]: "x" });
    expect(refused).toThrow(`${name} has no option "${mistaken}". Did you mean "${meant}"? Options: `);
    // A name that nothing is near to gets no guess.
    expect(() => call({ qqqqqqqqqqqq: 1 })).toThrow(/ has no option "qqqqqqqqqqqq"\. Options: /);
  });

  it.each([
    ["curves", "xDomain", (xDomain) => curves({ series: { a: [1] }, xDomain })],
    ["curves", "yDomain", (yDomain) => curves({ series: { a: [1] }, yDomain })],
    ["bars", "domain", (domain) => bars({ values: { a: 1 }, domain })],
    ["heatmap", "domain", (domain) => heatmap({ values: [[1]], domain })],
    ["histogram", "domain", (domain) => histogram({ values: [1], domain })],
  ] as readonly (readonly [string, string, (domain: never) => unknown])[])(
    "%s: limits are two numbers, the lower first",
    (name, option, call) => {
      for (const [given, shown] of [
        [5, "5"],
        [[1], "[1]"],
        [[2, 1], "[2, 1]"],
        [[0, "1"], '[0, "1"]'],
        [[0, Number.NaN], "[0, NaN]"],
      ] as const) {
        const message = `${name}: ${option} is ${shown}; expected two numbers [low, high], low below high`;
        expect(() => call(given as never)).toThrow(message);
      }
    },
  );

  it.each([
    ["bars: format is 5; expected a string", () => bars({ values: { a: 1 }, format: 5 as never })],
    ["heatmap: format is 5; expected a string", () => heatmap({ values: [[1]], format: 5 as never })],
    ["heatmap: colorLabel is 5; expected a string", () => heatmap({ values: [[1]], colorLabel: 5 as never })],
    ["heatmap: shade is 5; expected a list of rows of numbers", () => heatmap({ values: [[1]], shade: 5 as never })],
    ["scatter: xFormat is 5; expected a string", () => scatter({ points: [{ x: 1, y: 1 }], xFormat: 5 as never })],
    [
      "scatter: points[1].label is 5; expected a string",
      () =>
        scatter({
          points: [
            { x: 1, y: 1 },
            { x: 1, y: 1, label: 5 as never },
          ],
        }),
    ],
    [
      "curves: maxPoints is 1; expected a whole number of at least 4",
      () => curves({ series: { a: [1] }, maxPoints: 1 }),
    ],
    [
      'confusionMatrixFigure: normalize is "row"; expected one of "true", "predicted", "all", "none"',
      () => confusionMatrixFigure({ matrix: [[1]], normalize: "row" as never }),
    ],
  ] as const)("%s", (message, call) => {
    expect(call).toThrow(message);
  });

  it("a name of a megabyte is shown by its beginning", () => {
    const call = () => vegaLite({ mark: "point" }, { ["a".repeat(1 << 20)]: 1 } as never);
    expect(call).toThrow(/^vegaLite has no option "a{200}\.\.\."\. Options: alt\.$/);
  });
});
