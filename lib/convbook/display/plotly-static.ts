/** Plotly traces as a Vega-Lite specification, for the kinds that both draw. */
import { isList, type JsonObject as Json, type JsonValue, objectIn } from "./mime.ts";
import { divergingColors, seriesColor } from "./theme.ts";
import type { VegaLiteSpec } from "./vega-lite.ts";

/**
 * The specification of the same picture, or undefined where one of the traces is of another kind than scatter (lines, markers), bar, histogram,
 * heatmap or box, or kinds are mixed in a panel that share no axes.
 */
export function plotlyToVegaLite(data: readonly Json[], layout: Json): VegaLiteSpec | undefined {
  const visible = data.filter((trace) => trace.visible !== false && trace.visible !== "legendonly");
  const panels = panelsOf(visible, layout);
  if (panels.length < 2) {
    return panelSpec(data, frameOf(layout));
  }
  const specs = panels.map(({ traces, frame }) => panelSpec(traces, frame));
  if (specs.some((spec) => spec === undefined)) {
    return undefined;
  }
  const title = text(layout.title);
  // Panels on one axis go over the same numbers; a legend tells of its own panel.
  const oneAxis = (name: "x" | "y"): string =>
    new Set(panels.map(({ axes }) => sharedAxis(axes[name], layout))).size === 1 ? "shared" : "independent";
  return {
    ...(title ? { title } : {}),
    concat: specs.map((spec) => spec ?? null),
    columns: new Set(panels.map(({ from }) => from[0])).size,
    spacing: 18,
    resolve: { scale: { x: oneAxis("x"), y: oneAxis("y"), color: "independent" } },
  };
}

/** Traces on axes of their own, where they are on the page. */
interface Panel {
  readonly traces: readonly Json[];
  readonly frame: Frame;
  /** The layout's names for its axes. */
  readonly axes: { readonly x: string; readonly y: string };
  /** Where the panel begins: from the left, and from the top. */
  readonly from: readonly [left: number, top: number];
}

/** The panels from the left to the right and from top to bottom. Axes that lie over others are in those' panel. */
function panelsOf(traces: readonly Json[], layout: Json): Panel[] {
  const byAxes = new Map<string, { traces: Json[]; x: string; y: string }>();
  for (const [i, trace] of traces.entries()) {
    const [x, y] = [basicAxis("x", trace.xaxis, layout), basicAxis("y", trace.yaxis, layout)];
    const found = byAxes.get(`${x} ${y}`) ?? { traces: [], x, y };
    byAxes.set(`${x} ${y}`, found);
    // Plotly counts colours over all panels.
    const color = objectIn(trace.line).color ?? objectIn(trace.marker).color ?? seriesColor(i);
    found.traces.push({ ...trace, line: { ...objectIn(trace.line), color } });
  }
  const whole = frameOf(layout).base;
  const panels = [...byAxes.values()].map(({ traces, x, y }): Panel => {
    const [across, up] = [domainOf(x, layout), domainOf(y, layout)];
    const [xAxis, yAxis] = [objectIn(layout[x]), objectIn(layout[y])];
    const frame = frameOf({ ...layout, title: null, xaxis: xAxis, yaxis: yAxis });
    const part = (size: JsonValue | undefined, [from, to]: readonly [number, number]): number =>
      Math.max(40, Math.round(Number(size) * (to - from)));
    const isLabelled = (axis: Json, other: string, axes: readonly string[]): boolean =>
      axes.length === 1 ||
      axis.anchor === "free" ||
      `${other[0]}axis${String(axis.anchor ?? other[0]).slice(1)}` === other;
    const partners = (name: "x" | "y", axis: string) =>
      [...byAxes.values()].filter((each) => each[name] === axis).map((each) => each[name === "x" ? "y" : "x"]);
    return {
      traces,
      axes: { x, y },
      from: [across[0], 1 - up[1]],
      frame: {
        ...frame,
        base: { width: part(whole.width, across), height: part(whole.height, up) },
        axis: (name) => {
          const [own, other, key] = name === "x" ? [xAxis, y, x] : [yAxis, x, y];
          const all = frame.axis(name);
          return isLabelled(own, other, partners(name, key))
            ? all
            : { ...all, title: null, axis: { ...objectIn(all.axis), labels: false, ticks: false } };
        },
      },
    };
  });
  return panels.sort((a, b) => a.from[1] - b.from[1] || a.from[0] - b.from[0]);
}

/** The layout's name of the axis that a trace names, or of the one that it lies over. */
function basicAxis(kind: "x" | "y", given: JsonValue | undefined, layout: Json): string {
  const nameOfAxis = (id: JsonValue | undefined): string => {
    const number = typeof id === "string" && /^[xy][1-9]\d*$/.test(id) ? id.slice(1) : "";
    return `${kind}axis${number === "1" ? "" : number}`;
  };
  const name = nameOfAxis(given);
  const { overlaying } = objectIn(layout[name]);
  return typeof overlaying === "string" && overlaying !== "free" ? nameOfAxis(overlaying) : name;
}

function domainOf(axis: string, layout: Json): readonly [number, number] {
  const [from, to] = list(objectIn(layout[axis]).domain);
  return typeof from === "number" && typeof to === "number" && from < to ? [from, to] : [0, 1];
}

/** What an axis goes by: itself, or the axis that it matches. */
function sharedAxis(axis: string, layout: Json): string {
  const { matches } = objectIn(layout[axis]);
  return typeof matches === "string" ? basicAxis(axis[0] === "x" ? "x" : "y", matches, layout) : axis;
}

function panelSpec(data: readonly Json[], frame: Frame): VegaLiteSpec | undefined {
  if (data.length === 0) {
    return undefined;
  }
  const kinds = new Set(data.map(kindOf));
  const visible = data.filter((trace) => trace.visible !== false && trace.visible !== "legendonly");
  const [first, ...others] = visible;
  if (kinds.size === 1 && kinds.has("heatmap") && first && others.length === 0) {
    return heatmapSpec(first, frame);
  }
  if (kinds.size === 1 && kinds.has("box")) {
    return boxSpec(visible, frame);
  }
  if (kinds.size === 1 && kinds.has("histogram")) {
    return histogramSpec(visible, frame);
  }
  if ([...kinds].every((kind) => kind === "scatter" || kind === "bar")) {
    return pointsSpec(visible, frame);
  }
  return undefined;
}

function kindOf(trace: Json): string {
  const type = typeof trace.type === "string" ? trace.type : "scatter";
  return type === "scattergl" ? "scatter" : type === "heatmapgl" ? "heatmap" : type;
}

interface Frame {
  readonly base: Json;
  axis(name: "x" | "y"): Json;
  readonly layout: Json;
}

function frameOf(layout: Json): Frame {
  const title = text(layout.title);
  const margin = (side: string, fallback: number): number => {
    const own = objectIn(layout.margin)[side];
    return typeof own === "number" ? own : fallback;
  };
  const size = (value: JsonValue | undefined, fallback: number, margin: number): number =>
    typeof value === "number" && value > margin + 40 ? value - margin : fallback;
  return {
    layout,
    base: {
      ...(title ? { title } : {}),
      width: size(layout.width, 460, margin("l", 60) + margin("r", 60)),
      height: size(layout.height, 260, margin("t", 80) + margin("b", 60)),
    },
    axis(name) {
      const own = objectIn(layout[`${name}axis`]);
      const limits = list(own.range);
      const numbers = limits.filter((limit) => typeof limit === "number");
      const range = isList(own.range) && numbers.length === limits.length ? numbers : undefined;
      const log = own.type === "log";
      return {
        title: text(own.title) || null,
        scale: {
          ...(log ? { type: "log" } : {}),
          zero: false,
          ...(range ? { domain: log ? range.map((limit) => 10 ** limit) : range } : {}),
        },
        ...(own.tickformat === undefined ? {} : { axis: { format: own.tickformat } }),
      };
    },
  };
}

function text(title: JsonValue | undefined): string {
  if (typeof title === "string") {
    return title;
  }
  const inner = objectIn(title).text;
  return typeof inner === "string" ? inner : "";
}

const list = (value: JsonValue | undefined): readonly JsonValue[] => (isList(value) ? value : []);
const nameOf = (trace: Json, index: number): string => (typeof trace.name === "string" ? trace.name : `trace ${index}`);

function colorOf(traces: readonly Json[]): Json {
  // Traces of one name, as a curve and its smoothed self, have one entry.
  const colorByName = new Map<string, string>();
  for (const [i, trace] of traces.entries()) {
    const own = objectIn(trace.line).color ?? objectIn(trace.marker).color;
    const name = nameOf(trace, i);
    colorByName.set(name, colorByName.get(name) ?? (typeof own === "string" ? own : seriesColor(i)));
  }
  const [names, colors] = [[...colorByName.keys()], [...colorByName.values()]];
  const told = names.filter((name) =>
    traces.some((trace, i) => nameOf(trace, i) === name && trace.showlegend !== false),
  );
  return {
    field: "series",
    type: "nominal",
    sort: names,
    title: null,
    scale: { domain: names, range: colors },
    legend: told.length > 0 && names.length > 1 ? { orient: "right", values: told, symbolOpacity: 1 } : null,
  };
}

function typeOf(values: readonly JsonValue[]): string {
  const present = values.filter((value) => value !== null);
  if (present.every((value) => typeof value === "number")) {
    return "quantitative";
  }
  return present.every((value) => typeof value === "string" && /^\d{4}-\d{2}(-\d{2}|$)/.test(value))
    ? "temporal"
    : "nominal";
}

function pointsSpec(traces: readonly Json[], frame: Frame): VegaLiteSpec {
  const color = colorOf(traces);
  const all = traces.map((trace, index) => {
    const count = Math.max(list(trace.x).length, list(trace.y).length);
    const counted = Array.from({ length: count }, (_, i) => i);
    return {
      trace,
      index,
      x: list(trace.x).length > 0 ? list(trace.x) : counted,
      y: list(trace.y).length > 0 ? list(trace.y) : counted,
    };
  });
  const xType = typeOf(all.flatMap(({ x }) => x));
  const yType = typeOf(all.flatMap(({ y }) => y));
  const bars = traces.filter((trace) => kindOf(trace) === "bar").length;
  const horizontal = traces.some((trace) => trace.orientation === "h");
  const grouped = bars > 1 && frame.layout.barmode !== "stack" && frame.layout.barmode !== "relative";
  const layers = all.flatMap(({ trace, index, x, y }): Json[] => {
    const labels = list(trace.text);
    const values = x.map(
      (item, i): JsonValue => ({
        series: nameOf(trace, index),
        x: item,
        y: y[i] ?? null,
        label: labels[i] ?? "",
        order: i,
      }),
    );
    const isBar = kindOf(trace) === "bar";
    // A bar stands on a name even where the name is a number.
    const xKind = isBar && !horizontal && xType === "quantitative" ? "ordinal" : xType;
    const yKind = isBar && horizontal && yType === "quantitative" ? "ordinal" : yType;
    const encoding = {
      x: channel(frame.axis("x"), "x", xKind, isBar && horizontal),
      y: channel(frame.axis("y"), "y", yKind, isBar && !horizontal),
      color,
    };
    const mode = typeof trace.mode === "string" ? trace.mode : "lines";
    if (isBar) {
      const offset: Json = grouped
        ? { [horizontal ? "yOffset" : "xOffset"]: { field: "series", sort: traces.map(nameOf) } }
        : {};
      return [{ data: { values }, mark: "bar", encoding: { ...encoding, ...offset } }];
    }
    const out: Json[] = [];
    if (mode.includes("lines")) {
      out.push({
        data: { values },
        mark: { type: "line", ...lookOf(trace) },
        encoding: { ...encoding, order: { field: "order", type: "quantitative" } },
      });
    }
    if (mode.includes("markers")) {
      out.push({ data: { values }, mark: { type: "point", filled: true }, encoding });
    }
    if (mode.includes("text")) {
      out.push({
        data: { values },
        mark: { type: "text", dy: -10 },
        encoding: { x: encoding.x, y: encoding.y, text: { field: "label", type: "nominal" } },
      });
    }
    return out;
  });
  return { ...frame.base, layer: mergeStacked(layers, bars, grouped) };
}

/** How a line is drawn, where the trace says it. */
function lookOf({ opacity, line }: Json): Json {
  const { width, dash } = objectIn(line);
  const pattern = typeof dash === "string" && Object.hasOwn(dashes, dash) ? dashes[dash] : undefined;
  return {
    ...(typeof opacity === "number" ? { opacity } : {}),
    ...(typeof width === "number" ? { strokeWidth: width } : {}),
    ...(pattern === undefined ? {} : { strokeDash: pattern }),
  };
}

const dashes: Readonly<Record<string, readonly number[]>> = {
  dot: [2, 2],
  dash: [7, 3],
  longdash: [14, 4],
  dashdot: [9, 3, 2, 3],
};

/** Layers do not stack on one another, so stacked bars become one layer. */
function mergeStacked(layers: readonly Json[], bars: number, grouped: boolean): JsonValue {
  if (bars < 2) {
    return layers;
  }
  const isBar = (layer: Json): boolean => layer.mark === "bar";
  const barLayers = layers.filter(isBar);
  const values = barLayers.flatMap((layer) => list(objectIn(layer.data).values));
  const encoding = objectIn(barLayers[0]?.encoding);
  const merged: Json = { data: { values }, mark: "bar", encoding: grouped ? encoding : unscaled(encoding) };
  return [merged, ...layers.filter((layer) => !isBar(layer))];
}

function unscaled(encoding: Json): Json {
  const stacked = (channel: JsonValue | undefined): JsonValue => {
    const { stack: _stack, ...rest } = objectIn(channel);
    return rest;
  };
  return { ...encoding, x: stacked(encoding.x), y: stacked(encoding.y) };
}

function channel(axis: Json, field: string, type: string, isBarLength: boolean): Json {
  if (type !== "quantitative") {
    const { scale: _scale, ...rest } = axis;
    return {
      field,
      type,
      sort: null,
      ...rest,
      axis: { ...objectIn(rest.axis), labelAngle: 0, labelOverlap: "greedy" },
    };
  }
  const scale = objectIn(axis.scale);
  return {
    field,
    type,
    ...axis,
    ...(isBarLength ? { stack: null, scale: { ...scale, zero: !("domain" in scale) } } : {}),
  };
}

function histogramSpec(traces: readonly Json[], frame: Frame): VegaLiteSpec {
  const values = traces.flatMap((trace, index) =>
    list(trace.x).map((x): JsonValue => ({ series: nameOf(trace, index), x })),
  );
  const wanted = traces[0]?.nbinsx;
  return {
    ...frame.base,
    data: { values },
    mark: { type: "bar", opacity: traces.length > 1 ? 0.55 : 1 },
    encoding: {
      x: {
        field: "x",
        type: "quantitative",
        bin: { maxbins: typeof wanted === "number" ? wanted : 40 },
        title: frame.axis("x").title ?? null,
      },
      y: { aggregate: "count", type: "quantitative", stack: null, title: frame.axis("y").title ?? "count" },
      color: colorOf(traces),
    },
  };
}

function boxSpec(traces: readonly Json[], frame: Frame): VegaLiteSpec {
  const horizontal = traces.every((trace) => list(trace.y).length === 0 && list(trace.x).length > 0);
  const values = traces.flatMap((trace, index) => {
    const numbers = horizontal ? list(trace.x) : list(trace.y);
    const groups = horizontal ? [] : list(trace.x);
    return numbers.map(
      (value, i): JsonValue => ({ series: nameOf(trace, index), group: groups[i] ?? nameOf(trace, index), value }),
    );
  });
  const numeric: Json = { field: "value", type: "quantitative", ...frame.axis(horizontal ? "x" : "y") };
  const names: Json = {
    field: "group",
    type: "nominal",
    sort: null,
    title: frame.axis(horizontal ? "y" : "x").title ?? null,
    axis: { labelAngle: 0 },
  };
  return {
    ...frame.base,
    data: { values },
    mark: { type: "boxplot", extent: 1.5, size: 28, median: { color: "#ffffff" } },
    encoding: {
      ...(horizontal ? { x: numeric, y: names } : { x: names, y: numeric }),
      color: { ...colorOf(traces), legend: null },
    },
  };
}

function heatmapSpec(trace: Json, frame: Frame): VegaLiteSpec {
  const rows = list(trace.z);
  const values = rows.flatMap((row, r) =>
    list(row).map((z, c): JsonValue => ({ x: list(trace.x)[c] ?? c, y: list(trace.y)[r] ?? r, z })),
  );
  const names = (field: "x" | "y"): Json => ({
    field,
    type: "ordinal",
    sort: field === "y" && objectIn(frame.layout.yaxis).autorange !== "reversed" ? "descending" : null,
    title: frame.axis(field).title ?? null,
    axis: { labelAngle: 0, labelOverlap: "greedy" },
  });
  return {
    ...frame.base,
    data: { values },
    mark: "rect",
    encoding: {
      x: names("x"),
      y: names("y"),
      color: {
        field: "z",
        type: "quantitative",
        title: null,
        ...(typeof trace.zmid === "number" ? { scale: { range: divergingColors, domainMid: trace.zmid } } : {}),
      },
    },
  };
}
