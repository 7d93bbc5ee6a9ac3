/** Powder patterns one above the other, with the indices of their reflections. */

import { isNumber } from "../arguments/check.ts";
import { type Crystal, type PatternOptions, powderPattern, reflections } from "../data/diffraction/index.ts";
import { checkRange } from "../data/diffraction/reflections.ts";
import { wrongArgument } from "../display/errors.ts";
import { figureOptions } from "../display/figures/options.ts";
import { thin } from "../display/figures/series.ts";
import { DisplayError, type FigureOptions, type JsonValue, VegaLiteFigure } from "../display/index.ts";
import { type Named, namedEntries } from "../display/named.ts";
import { lineColor, textColor } from "../display/theme.ts";

export interface PatternFigureOptions extends FigureOptions, PatternOptions {
  /** Lines of at least this part of the strongest are marked and named; default 0.01. */
  readonly markFrom?: number;
}

/** What one pattern takes of the vertical axis: its peak of height 1, the indices above it, the marks below. */
const pitch = 1.5;

/**
 * Patterns of crystals over the angle 2θ, the first on top, each scaled to its strongest line; below each a mark for every
 * reflection, above each peak its indices hkl.
 *
 * @param crystals by name
 * @throws {DisplayError} where there is none
 * @throws {OptionError} naming the argument that is none
 * @throws {RangeError} when an option of the patterns is impossible
 */
export function patternFigure(crystals: Named<Crystal>, figure: PatternFigureOptions = {}): VegaLiteFigure {
  const {
    markFrom = 0.01,
    title,
    xLabel = "2θ in degrees",
    yLabel = "intensity",
    width = 640,
    height,
    alt,
    ...options
  } = figureOptions("patternFigure", figure, {
    markFrom: true,
    wavelength: true,
    twoTheta: true,
    points: true,
    fwhm: true,
    mixing: true,
    background: true,
    counts: true,
    generator: true,
  });
  if (!isNumber(markFrom, 0, Number.MAX_VALUE)) {
    throw wrongArgument("patternFigure", "markFrom", markFrom, "a number of at least 0");
  }
  const entries = namedEntries("patternFigure", "crystals", crystals);
  const names = entries.map(([name]) => name);
  if (names.length === 0) {
    throw new DisplayError("patternFigure: crystals is empty; expected at least one, by name");
  }
  const { twoTheta = [5, 90] } = options;
  checkRange("patternFigure", twoTheta);
  const [from, to] = twoTheta;
  const curve: JsonValue[] = [];
  const marks: JsonValue[] = [];
  const described: string[] = [];
  for (const [i, [name, crystal]] of entries.entries()) {
    const base = (names.length - 1 - i) * pitch;
    const y = Float64Array.from(powderPattern(crystal, options));
    const x = y.map((_, point) => from + ((to - from) * point) / (y.length - 1));
    const line = thin({ name, x, y }, 900);
    line.x.forEach((twoTheta, point) => {
      curve.push({
        name,
        twoTheta: Number(twoTheta.toFixed(3)),
        y: Number(((line.y[point] ?? 0) + base).toFixed(4)),
      });
    });
    const lines = reflections(crystal, options).filter(({ intensity }) => intensity >= markFrom);
    for (const { hkl, d, twoTheta, intensity, multiplicity } of lines) {
      marks.push({
        name,
        twoTheta,
        hkl: hkl.some((index) => index < 0 || index > 9) ? hkl.join(" ") : hkl.join(""),
        d,
        multiplicity,
        intensity,
        top: base + intensity + 0.05,
        from: base - 0.14,
        to: base - 0.04,
      });
    }
    const strongest = lines.find(({ intensity }) => intensity === 1);
    described.push(
      `${name}: ${lines.length} lines${strongest ? `, strongest ${strongest.hkl.join(" ")} at ${strongest.twoTheta.toFixed(1)} degrees` : ""}`,
    );
  }
  const x: JsonValue = {
    field: "twoTheta",
    type: "quantitative",
    title: xLabel,
    scale: { domain: [from, to], nice: false },
  };
  const range = [-0.16, names.length * pitch - 0.1];
  const y = (field: string): JsonValue => ({
    field,
    type: "quantitative",
    title: yLabel || null,
    scale: { domain: range, nice: false },
    axis: { labels: false, ticks: false, grid: false, domain: false },
  });
  const color: JsonValue = {
    field: "name",
    type: "nominal",
    scale: { domain: names },
    sort: names,
    title: null,
    legend: names.length > 1 ? { orient: "top", symbolType: "stroke" } : null,
  };
  const tooltip: JsonValue = [
    { field: "name", type: "nominal", title: "crystal" },
    { field: "hkl", type: "nominal", title: "hkl" },
    { field: "d", type: "quantitative", title: "d in Å", format: ".4f" },
    { field: "twoTheta", type: "quantitative", title: xLabel, format: ".2f" },
    { field: "multiplicity", type: "quantitative" },
    { field: "intensity", type: "quantitative", format: ".1%" },
  ];
  return new VegaLiteFigure(
    {
      ...(title ? { title } : {}),
      width,
      height: height ?? 60 + 110 * names.length,
      layer: [
        { data: { values: curve }, mark: { type: "line", strokeWidth: 1.2 }, encoding: { x, y: y("y"), color } },
        {
          data: { values: marks },
          mark: { type: "rule", color: lineColor, strokeWidth: 1 },
          encoding: { x, y: y("from"), y2: { field: "to" }, tooltip },
        },
        {
          data: { values: marks },
          mark: { type: "text", angle: 270, align: "left", baseline: "middle", fontSize: 10, color: textColor },
          encoding: { x, y: y("top"), text: { field: "hkl" }, tooltip },
        },
      ],
    },
    { alt: alt ?? `Powder patterns${title ? ` "${title}"` : ""}, intensity over ${xLabel}. ${described.join("; ")}.` },
  );
}
