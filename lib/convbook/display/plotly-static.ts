/** Plotly traces as a Vega-Lite specification, for the kinds that both draw. */
import { isList, type JsonObject as Json, type JsonValue, objectIn } from "./mime.ts";
import { divergingColors, seriesColor } from "./theme.ts";
import type { VegaLiteSpec } from "./vega-lite.ts";

/**
 * The specification of the same picture, or undefined where one of the traces is of another kind than scatter (lines, markers), bar, histogram,
 * heatmap or box, or kinds are mixed that share no axes.
 */
export function plotlyToVegaLite(data: readonly Json[], layout: Json): VegaLiteSpec | undefined {
  if (data.length === 0) {
    return undefined;
  }
  const kinds = new Set(data.map(kindOf));
  const visible = data.filter((trace) => trace.visible !== false && trace.visible !== "legendonly");
  const frame = frameOf(layout);
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
  const size = (value: JsonValue | undefined, fallback: number, margin: number): number =>
    typeof value === "number" && value > margin + 40 ? value - margin : fallback;
  return {
    layout,
    base: {
      ...(title ? { title } : {}),
      width: size(layout.width, 460, 120),
      height: size(layout.height, 260, 140),
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
  const names = traces.map(nameOf);
  const colors = traces.map((trace, i) => {
    const own = objectIn(trace.line).color ?? objectIn(trace.marker).color;
    return typeof own === "string" ? own : seriesColor(i);
  });
  return {
    field: "series",
    type: "nominal",
    sort: names,
    title: null,
    scale: { domain: names, range: colors },
    legend: traces.length > 1 ? { orient: "right" } : null,
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
        mark: { type: "line" },
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
