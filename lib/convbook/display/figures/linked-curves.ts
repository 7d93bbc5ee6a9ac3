/** Panels of curves that are read together: pointing at one shows what all have at that place. */

import { checkWhole } from "../checks.ts";
import { DisplayError, wrongArgument } from "../errors.ts";
import type { Named } from "../named.ts";
import { namedEntries } from "../named.ts";
import { PlotlyFigure, type PlotlyTrace } from "../plotly.ts";
import { seriesColor, seriesColors } from "../theme.ts";
import type { FigureOptions } from "./curves.ts";
import { figureOptions } from "./options.ts";
import { describeSeries, type Series, type SeriesData, smooth, thin, toSeries } from "./series.ts";

/** How {@link linkedCurves} draws. `width` and `height` are those of one panel. */
export interface LinkedCurvesOptions extends Omit<FigureOptions, "yLabel"> {
  /** Curves by name in panels by name, from top to bottom; a panel's name stands at its y axis. A curve's name has one colour in all panels. */
  readonly panels: Named<Named<SeriesData>>;
  /** From 0 (none) to below 1: an exponential moving average over the faint raw curve. */
  readonly smoothing?: number;
  /** Whether the panels' y axes are logarithmic. */
  readonly logY?: boolean;
  /** Longer curves are thinned to about as many points, keeping every peak. */
  readonly maxPoints?: number;
}

/** Pixels between two panels, and of the margins around all of them. */
const gap = 24;
const margins = { t: 20, b: 52, l: 64, r: 20 };

/** Plotly's words for line patterns, for each time that the colours have come round. */
const dashes = ["solid", "dash", "dot", "dashdot", "longdash"];

/**
 * Panels one above the other on one x axis. Where Plotly is shown, pointing at any of them gives the values of all curves of all panels at that place, and
 * zooming into one zooms all; elsewhere it is a picture of them.
 *
 * @throws DisplayError where there is no panel or one has no curve, lengths differ, or `smoothing` is out of range
 * @example
 * display(linkedCurves({ panels: { loss: { train: losses }, "learning rate": { train: rates } }, xLabel: "step" }));
 */
export function linkedCurves(options: LinkedCurvesOptions): PlotlyFigure {
  const {
    panels: given,
    title,
    xLabel = "step",
    width,
    height = 150,
    smoothing = 0,
    logY = false,
    maxPoints = 500,
    alt,
  } = figureOptions<LinkedCurvesOptions>("linkedCurves", options, {
    panels: true,
    smoothing: true,
    logY: true,
    maxPoints: true,
  });
  if (typeof smoothing !== "number" || !(smoothing >= 0 && smoothing < 1)) {
    throw wrongArgument("linkedCurves", "smoothing", smoothing, "a number from 0 up to, not including, 1");
  }
  checkWhole("linkedCurves", { maxPoints }, 4);
  const panels = namedEntries("linkedCurves", "panels", given).map(([name, curves]) => {
    const series = toSeries("linkedCurves", `panels "${name}":`, curves);
    if (series.length === 0) {
      throw new DisplayError(
        `linkedCurves: panels "${name}" is empty; expected at least one curve, as {name: [numbers]}`,
      );
    }
    return { name, series };
  });
  if (panels.length === 0) {
    throw new DisplayError("linkedCurves: panels is empty; expected at least one, as {name: {name: [numbers]}}");
  }
  // A logarithmic axis has no zero: a gap.
  const drawn = (one: Series): Series => (logY ? { ...one, y: one.y.map((y) => (y > 0 ? y : Number.NaN)) } : one);
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  const isTold = new Set<string>();
  const traces = panels.flatMap(({ name: panel, series }, index) =>
    series.flatMap((one): PlotlyTrace[] => {
      const place = names.indexOf(one.name);
      const axes = { xaxis: "x", yaxis: axisName("y", index) };
      const line = {
        color: seriesColor(place),
        dash: dashes[Math.floor(place / seriesColors.length) % dashes.length] ?? "solid",
        width: 2,
      };
      const raw = thin(drawn(one), maxPoints);
      const shown = smoothing > 0 ? thin(drawn({ ...one, y: smooth(one.y, smoothing) }), maxPoints) : raw;
      const legend = { legendgroup: one.name, showlegend: names.length > 1 && !isTold.has(one.name) };
      isTold.add(one.name);
      const label = names.length === 1 || one.name === panel ? panel : `${panel}, ${one.name}`;
      return [
        ...(smoothing > 0 ? [faint(raw, { ...axes, line: { ...line, width: 1 }, legendgroup: one.name })] : []),
        {
          type: "scatter",
          mode: isPoint(shown) ? "lines+markers" : "lines",
          name: one.name,
          x: shown.x,
          y: shown.y,
          ...axes,
          ...legend,
          line,
          hovertemplate: `${escapeTemplate(label)}: %{y:.4~g}<extra></extra>`,
        },
      ];
    }),
  );
  const plotHeight = panels.length * height + (panels.length - 1) * gap;
  const yAxes = panels.map(({ name }, index) => {
    const top = 1 - (index * (height + gap)) / plotHeight;
    const domain = [Math.max(0, top - height / plotHeight), top];
    return [
      `yaxis${index === 0 ? "" : index + 1}`,
      { title: { text: name }, domain, anchor: "x", ...(logY ? { type: "log", nticks: 6 } : {}) },
    ] as const;
  });
  const layout = {
    ...(title === undefined ? {} : { title: { text: title } }),
    height: plotHeight + margins.b + (title === undefined ? margins.t : 56),
    ...(width === undefined ? {} : { width: width + margins.l + (names.length > 1 ? 140 : margins.r) }),
    margin: { ...margins, t: title === undefined ? margins.t : 56 },
    // Of the subplots on one x axis all answer to one pointer.
    hovermode: "x unified",
    hoversubplots: "axis",
    xaxis: {
      title: { text: xLabel },
      anchor: axisName("y", panels.length - 1),
      showspikes: true,
      spikemode: "across",
      spikethickness: 1,
      spikedash: "dot",
    },
    ...Object.fromEntries(yAxes),
  };
  return new PlotlyFigure(traces, layout, { alt: alt ?? describe(title, xLabel, panels) });
}

/** As traces refer to an axis: "x", "y", "y2", … */
function axisName(kind: "x" | "y", index: number): string {
  return index === 0 ? kind : `${kind}${index + 1}`;
}

/** Whether a curve has one value, of which a line shows nothing. */
function isPoint({ y }: Series): boolean {
  return y.filter(Number.isFinite).length === 1;
}

/** A curve behind its smoothed self, which is not pointed at. */
function faint(series: Series, look: PlotlyTrace): PlotlyTrace {
  const { name, x, y } = series;
  return { type: "scatter", mode: "lines", name, x, y, ...look, opacity: 0.3, hoverinfo: "skip", showlegend: false };
}

/** A text in a template, where braces behind a percent sign are fields and angle brackets tags. */
function escapeTemplate(text: string): string {
  return text.replaceAll("%{", "%\u200b{").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function describe(
  title: string | undefined,
  xLabel: string,
  panels: readonly { readonly name: string; readonly series: readonly Series[] }[],
): string {
  const parts = panels.map(({ name, series }) => `${name}: ${series.map(describeSeries).join("; ")}`);
  return `Linked line charts${title ? ` "${title}"` : ""} over ${xLabel}. ${parts.join(". ")}.`;
}
