/** Curves of classifiers as figures. */
import { describeValue } from "../arguments/describe.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { curves } from "../display/figures/curves.ts";
import type { SeriesData } from "../display/figures/series.ts";
import type { VegaLiteFigure } from "../display/vega-lite.ts";
import type { CalibrationBin } from "./calibration.ts";
import { areaUnderRoc, averagePrecisionOf, type PrecisionRecall, type RocCurve } from "./curves.ts";
import { MetricError } from "./errors.ts";

export interface CurveFigureOptions {
  /** Class names, one a curve. */
  readonly labels?: readonly string[];
  readonly title?: string;
  readonly width?: number;
  readonly height?: number;
  readonly alt?: string;
}

const figureNames = ["title", "width", "height", "alt"] as const satisfies readonly (keyof CurveFigureOptions)[];

/** ROC curves, with the diagonal of a model that guesses. */
export function rocFigure(given: RocCurve | readonly RocCurve[], options: CurveFigureOptions = {}): VegaLiteFigure {
  const list = curvesOf<RocCurve>("rocFigure", given, ["fpr", "tpr"], options);
  const { labels, ...rest } = options;
  const series = named("rocFigure", list, labels, ({ fpr, tpr }) => ({ x: fpr, y: tpr }));
  const names = [...series.keys()];
  const areas = list.map((curve, i) => `${names[i]} ${areaUnderRoc(curve).toFixed(3)}`);
  return curves({
    series,
    references: { guessing: { x: [0, 1], y: [0, 1] } },
    title: "ROC",
    alt: `ROC: true positive rate over false positive rate. Area under the curve: ${areas.join(", ")}.`,
    xLabel: "false positive rate",
    yLabel: "true positive rate",
    ...square,
    ...rest,
  });
}

/** Precision over recall. */
export function precisionRecallFigure(
  given: PrecisionRecall | readonly PrecisionRecall[],
  options: CurveFigureOptions = {},
): VegaLiteFigure {
  const list = curvesOf<PrecisionRecall>("precisionRecallFigure", given, ["precision", "recall"], options);
  const { labels, ...rest } = options;
  const series = named("precisionRecallFigure", list, labels, ({ precision, recall }) => ({
    x: recall.toReversed(),
    y: precision.toReversed(),
  }));
  const names = [...series.keys()];
  const means = list.map((curve, i) => `${names[i]} ${averagePrecisionOf(curve).toFixed(3)}`);
  return curves({
    series,
    title: "Precision and recall",
    alt: `Precision over recall. Average precision: ${means.join(", ")}.`,
    xLabel: "recall",
    yLabel: "precision",
    ...square,
    ...rest,
  });
}

/** A reliability diagram: accuracy over confidence, beside the diagonal of a model that knows itself. */
export function calibrationFigure(
  bins: readonly CalibrationBin[],
  options: Omit<CurveFigureOptions, "labels"> = {},
): VegaLiteFigure {
  if (!Array.isArray(bins)) {
    throw new MetricError(`calibrationFigure: bins is ${describeValue(bins)}; expected CalibrationError's bins`);
  }
  refuseUnknownOptions("calibrationFigure", options, figureNames);
  const filled = bins.filter((bin: CalibrationBin) => bin?.count > 0);
  if (filled.length === 0) {
    throw new MetricError("calibrationFigure: all bins are empty; update the metric first");
  }
  return curves({
    series: {
      model: { x: filled.map(({ confidence }) => confidence), y: filled.map(({ accuracy }) => accuracy) },
    },
    references: { "perfectly calibrated": { x: [0, 1], y: [0, 1] } },
    alt: `Calibration: ${filled.map(({ confidence, accuracy }) => `at ${percent(confidence)} confidence ${percent(accuracy)} right`).join(", ")}.`,
    title: "Calibration",
    xLabel: "confidence",
    yLabel: "accuracy",
    ...square,
    ...options,
  });
}

/** One curve or several as a list, each with its coordinates. */
function curvesOf<C extends object>(
  figure: string,
  given: C | readonly C[],
  coordinates: readonly (keyof C & string)[],
  options: CurveFigureOptions,
): readonly C[] {
  refuseUnknownOptions(figure, options, ["labels", ...figureNames]);
  const list: readonly C[] = Array.isArray(given) ? given : [given as C];
  for (const curve of list) {
    if (coordinates.every((name) => typeof (curve?.[name] as { length?: unknown } | undefined)?.length === "number")) {
      continue;
    }
    throw new MetricError(
      `${figure}: given is ${describeValue(given)}; expected a curve, or a list of them, with ${coordinates.join(" and ")}`,
    );
  }
  return list;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

const square = { width: 300, height: 300, yDomain: [0, 1], markers: false } as const;

function named<T>(
  figure: string,
  list: readonly T[],
  labels: readonly string[] | undefined,
  toData: (item: T) => SeriesData,
): ReadonlyMap<string, SeriesData> {
  if (labels && labels.length !== list.length) {
    throw new MetricError(`${figure}: ${labels.length} labels for ${list.length} curves`);
  }
  const nameOf = (i: number) => labels?.[i] ?? (list.length === 1 ? "model" : `class ${i}`);
  const curvesByName = new Map(list.map((item, i) => [nameOf(i), toData(item)]));
  if (curvesByName.size < list.length) {
    const twice = labels?.find((label, i) => labels.indexOf(label) !== i);
    throw new MetricError(`${figure}: labels has ${describeValue(twice)} twice; expected one name a curve`);
  }
  return curvesByName;
}
