/** Event files as an interactive figure, in place of `%tensorboard`. */

import { basename, dirname } from "node:path";
import { checkInteger } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { curves } from "../display/figures/curves.ts";
import { linkedCurves } from "../display/figures/linked-curves.ts";
import type { SeriesData } from "../display/figures/series.ts";
import { isList, type JsonValue, objectIn } from "../display/mime.ts";
import { type Named, namedEntries } from "../display/named.ts";
import type { PlotlyFigure } from "../display/plotly.ts";
import { VegaLiteFigure } from "../display/vega-lite.ts";
import { compareCodePoints } from "../files/index.ts";
import { EventFileError } from "./errors.ts";
import { findRuns, type ScalarPoint, scalars } from "./reader.ts";

/** Event files without a scalar that was asked for, as those of a run that has only begun. */
export class NoScalarsError extends EventFileError {}

export interface TensorBoardFigureOptions {
  /** Which tags, in which order: names, or patterns for several. All scalars but "epoch" and "hp_metric" without it. */
  readonly tags?: readonly (string | RegExp)[];
  /** From 0 (none) to below 1, as TensorBoard's slider. */
  readonly smoothing?: number;
  /** What runs along the bottom: the step, or hours since the run's first value. */
  readonly xAxis?: "step" | "relative";
  readonly logY?: boolean;
  /** Charts a row. */
  readonly columns?: number;
  /** Size of one chart in pixels. */
  readonly width?: number;
  readonly height?: number;
}

/** Options of the figure whose charts are read together. */
export interface LinkedTensorBoardFigureOptions extends Omit<TensorBoardFigureOptions, "columns"> {
  /** One chart above the other on one x axis: where Plotly is shown, pointing at one gives the values in all of them. */
  readonly linked: true;
}

type OptionName = keyof TensorBoardFigureOptions;
/** The names of its options. */
export const figureOptionNames: readonly OptionName[] = [
  "tags",
  "smoothing",
  "xAxis",
  "logY",
  "columns",
  "width",
  "height",
];

/**
 * The scalars of runs as curves: one chart a tag, one curve a run.
 *
 * @param paths event files or folders (a folder's subfolders are runs too, as with TensorBoard's `--logdir`), or such by the names that they shall have
 * @returns a figure: interactive, with a picture beside it; with `linked` one in Plotly, whose charts are pointed at together
 * @throws EventFileError where a path has no event files or one is damaged, they have no scalars, or a wanted tag is in none of the runs; {OptionError} for an argument that is none
 * @example
 * display(tensorBoardFigure({ResNet: "tensorboards/ResNet", DenseNet: "tensorboards/DenseNet"}, {tags: ["val_acc"], smoothing: 0.6}));
 */
export function tensorBoardFigure(
  paths: string | readonly string[] | Named<string>,
  options?: TensorBoardFigureOptions & { readonly linked?: false },
): VegaLiteFigure;
export function tensorBoardFigure(
  paths: string | readonly string[] | Named<string>,
  options: LinkedTensorBoardFigureOptions,
): PlotlyFigure;
export function tensorBoardFigure(
  paths: string | readonly string[] | Named<string>,
  options: TensorBoardFigureOptions & { readonly linked?: boolean } = {},
): VegaLiteFigure | PlotlyFigure {
  checkPaths("tensorBoardFigure", paths);
  refuseUnknownOptions("tensorBoardFigure", options, [...figureOptionNames, "linked"]);
  const { tags, smoothing = 0, xAxis = "step", logY = false, columns = 2, width = 300, height = 190 } = options;
  const { linked = false } = options;
  if (typeof linked !== "boolean") {
    throw new OptionError("tensorBoardFigure", "linked", linked, "true or false");
  }
  if (linked && options.columns !== undefined) {
    throw new OptionError(
      "tensorBoardFigure",
      "columns",
      columns,
      "left out with linked, whose charts stand one above the other",
    );
  }
  checkInteger("tensorBoardFigure", "columns", columns, 1);
  if (!["step", "relative"].includes(xAxis)) {
    throw new OptionError("tensorBoardFigure", "xAxis", xAxis, '"step" or "relative"');
  }
  const areTags = Array.isArray(tags) && tags.every((tag) => typeof tag === "string" || tag instanceof RegExp);
  if (tags !== undefined && !areTags) {
    throw new OptionError("tensorBoardFigure", "tags", tags, "a list of names and patterns");
  }
  const runs = new Map([...resolveRuns(paths)].map(([run, path]) => [run, scalars(path)] as const));
  const present = [...new Set([...runs.values()].flatMap((run) => [...run.keys()]))].sort(compareCodePoints);
  const chosen = chooseTags(tags, present, [...runs.keys()]);
  if (chosen.length === 0) {
    throw new NoScalarsError([...runs.keys()].join(", "), 0, "no scalars were written yet");
  }
  const panels = new Map(
    chosen.map((tag) => {
      const series = new Map<string, SeriesData>();
      for (const [run, byTag] of runs) {
        const points = byTag.get(tag);
        if (points) {
          series.set(run, { x: points.map((point) => xOf(point, points, xAxis)), y: points.map(({ value }) => value) });
        }
      }
      return [tag, series] as const;
    }),
  );
  const xLabel = xAxis === "step" ? "step" : "hours";
  if (linked) {
    const size = { ...(options.width && { width: options.width }), ...(options.height && { height: options.height }) };
    return linkedCurves({ panels, xLabel, smoothing, logY, ...size });
  }
  const charts = [...panels].map(([tag, series]) =>
    curves({ series, title: tag, xLabel, smoothing, logY, width, height, maxPoints: 300 }),
  );
  const alt = charts.map((chart) => chart.alt).join(" ");
  const [only, ...others] = charts;
  if (only !== undefined && others.length === 0) {
    return only;
  }
  return combine(charts, [...runs.keys()], columns, alt);
}

function xOf(point: ScalarPoint, points: readonly ScalarPoint[], xAxis: "step" | "relative"): number {
  return xAxis === "step" ? point.step : (point.wallTime - (points[0]?.wallTime ?? 0)) / 3600;
}

/** @throws {OptionError} unless they are a path, or some in a list or by name */
export function checkPaths(owner: string, paths: string | readonly string[] | Named<string>): void {
  const isNamed = typeof paths === "object" && paths !== null && !Array.isArray(paths);
  const list: unknown[] = paths instanceof Map ? [...paths.values()] : isNamed ? Object.values(paths) : [paths].flat();
  if (list.length === 0 || list.some((path) => typeof path !== "string" || path === "")) {
    throw new OptionError(owner, "paths", paths, "a path, or some in a list or by name");
  }
}

function resolveRuns(paths: string | readonly string[] | Named<string>): Map<string, string> {
  if (typeof paths === "object" && !isList(paths)) {
    return new Map(namedEntries("tensorBoardFigure", "paths", paths));
  }
  const list = typeof paths === "string" ? [paths] : paths;
  const runs = new Map<string, string>();
  for (const path of list) {
    for (const [run, folder] of findRuns(path)) {
      // A file is called by its folder: the files' own names are all alike.
      const own = run === "." || folder === path ? basename(run === "." ? path : dirname(path)) || run : run;
      let name = own;
      for (let i = 2; runs.has(name); i++) {
        name = `${own} (${i})`;
      }
      runs.set(name, folder);
    }
  }
  return runs;
}

function chooseTags(
  tags: readonly (string | RegExp)[] | undefined,
  present: readonly string[],
  runs: readonly string[],
): string[] {
  if (!tags) {
    return present.filter((tag) => tag !== "epoch" && tag !== "hp_metric");
  }
  const chosen = new Set<string>();
  for (const tag of tags) {
    const matching =
      typeof tag === "string" ? present.filter((name) => name === tag) : present.filter((name) => tag.test(name));
    if (matching.length === 0) {
      throw new NoScalarsError(
        runs.join(", "),
        0,
        `no scalar ${typeof tag === "string" ? `"${tag}"` : tag}; there are ${present.join(", ") || "none"}`,
      );
    }
    for (const name of matching) {
      chosen.add(name);
    }
  }
  return [...chosen];
}

/** Several charts as one specification, with the same colour for the same run everywhere and one legend. */
function combine(
  charts: readonly VegaLiteFigure[],
  runs: readonly string[],
  columns: number,
  alt: string,
): VegaLiteFigure {
  const concat = charts.map(({ spec }, index): JsonValue => {
    const { $schema: _schema, config: _config, ...unit } = spec;
    return { ...unit, layer: recolor(unit.layer, runs, index) };
  });
  return new VegaLiteFigure({ concat, columns, spacing: 26, resolve: { scale: { color: "shared" } } }, { alt });
}

function recolor(layers: JsonValue | undefined, runs: readonly string[], chart: number): JsonValue {
  return (isList(layers) ? layers : []).map((layer) => {
    const { params, encoding: given, ...rest } = objectIn(layer);
    const encoding = objectIn(given);
    const color = objectIn(encoding.color);
    const legend: JsonValue = runs.length > 1 ? { orient: "right", symbolType: "stroke" } : null;
    // One selection, bound to the one legend, dims all charts.
    const kept: { [key: string]: JsonValue } = chart === 0 && params !== undefined ? { params } : {};
    return {
      ...rest,
      ...kept,
      encoding: { ...encoding, color: { ...color, scale: { domain: [...runs] }, sort: [...runs], legend } },
    };
  });
}
