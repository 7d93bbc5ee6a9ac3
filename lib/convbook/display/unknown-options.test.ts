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

  it("a name of a megabyte is shown by its beginning", () => {
    const call = () => vegaLite({ mark: "point" }, { ["a".repeat(1 << 20)]: 1 } as never);
    expect(call).toThrow(/^vegaLite has no option "a{200}\.\.\."\. Options: alt\.$/);
  });
});
