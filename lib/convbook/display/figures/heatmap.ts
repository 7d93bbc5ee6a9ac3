/** Matrices as coloured cells, and the confusion matrix. */

import { checkTexts } from "../checks.ts";
import { DisplayError, wrongArgument } from "../errors.ts";
import type { JsonValue } from "../mime.ts";
import { formatNumber, textWidth } from "../text.ts";
import { divergingColors, sequentialColors } from "../theme.ts";
import { VegaLiteFigure } from "../vega-lite.ts";
import type { FigureOptions } from "./curves.ts";
import { checkDomain, checkLabels, checkRows, figureOptions } from "./options.ts";
import { isNumbers, type Numbers } from "./series.ts";

export interface HeatmapOptions extends FigureOptions {
  /** Rows of numbers, top to bottom, all of the same length. */
  readonly values: readonly Numbers[];
  readonly xLabels?: readonly string[];
  readonly yLabels?: readonly string[];
  /** d3 format of the numbers in the cells. */
  readonly format?: string;
  /** Write the numbers into the cells; by default where there are at most 15 by 15. */
  readonly annotate?: boolean;
  /** Colours that run both ways from zero. */
  readonly diverging?: boolean;
  /** Limits of the colour scale; from the data without it. */
  readonly domain?: readonly [number, number];
  /** What decides the colour where it is not the number written (same shape as `values`). */
  readonly shade?: readonly Numbers[];
  /** What the colour means; written at its legend. */
  readonly colorLabel?: string;
  /** The first row at the bottom and the others above it, as along an axis of numbers; as in a matrix, downwards, without it. */
  readonly yUp?: boolean;
}

/**
 * A heat map.
 *
 * @throws DisplayError where rows differ in length or labels in number
 */
export function heatmap(options: HeatmapOptions): VegaLiteFigure {
  const {
    values,
    xLabels,
    yLabels,
    title,
    xLabel = "",
    yLabel = "",
    format = ".3~g",
    annotate,
    diverging = false,
    domain,
    shade = values,
    colorLabel = "",
    yUp = false,
    width,
    height,
    alt,
  } = figureOptions("heatmap", options, {
    values: true,
    xLabels: true,
    yLabels: true,
    format: true,
    annotate: true,
    diverging: true,
    domain: true,
    shade: true,
    colorLabel: true,
    yUp: true,
  });
  checkTexts("heatmap", { format, colorLabel });
  checkDomain("heatmap", "domain", domain);
  checkRows("heatmap", "values", values);
  const rows = values.length;
  const columns = values[0]?.length ?? 0;
  checkShape("shade", shade, rows, columns);
  const names = (axis: string, labels: readonly string[] | undefined, count: number): string[] => {
    checkLabels("heatmap", axis, labels, count);
    return Array.from({ length: count }, (_, i) => labels?.[i] ?? String(i));
  };
  const xNames = names("xLabels", xLabels, columns);
  const yNames = names("yLabels", yLabels, rows);

  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let top = { value: Number.NEGATIVE_INFINITY, row: 0, column: 0 };
  const cells: (Omit<Cell, "light"> & { light: boolean })[] = [];
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const value = Number(values[r]?.[c]);
      const tone = Number(shade[r]?.[c]);
      if (Number.isFinite(tone)) {
        low = Math.min(low, tone);
        high = Math.max(high, tone);
      }
      if (value > top.value) {
        top = { value, row: r, column: c };
      }
      cells.push({
        row: r,
        column: c,
        x: xNames[c] ?? "",
        y: yNames[r] ?? "",
        value: Number.isFinite(value) ? value : null,
        shade: Number.isFinite(tone) ? tone : null,
        light: false,
      });
    }
  }
  if (low > high) {
    [low, high] = [0, 1];
  }
  const reach = Math.max(Math.abs(low), Math.abs(high)) || 1;
  const [from, to] = domain ?? (diverging ? [-reach, reach] : [low, high > low ? high : low + 1]);
  for (const cell of cells) {
    const position = ((cell.shade ?? from) - from) / (to - from);
    cell.light = diverging ? position < 0.12 || position > 0.8 : position > 0.55;
  }
  const withText = annotate ?? (rows <= 15 && columns <= 15);
  const size = withText ? 42 : Math.max(10, Math.min(28, Math.floor(420 / Math.max(rows, columns))));
  // Names of cells that small stand at every row, a little smaller and upright below.
  const small = size < 14 && (xLabels !== undefined || yLabels !== undefined);
  const fontSize = small ? 9 : 11;
  // Positions are indices, so that two labels of the same name stay two rows; the axis writes the names.
  const nameOf = (labels: readonly string[]): string => `${JSON.stringify(labels)}[datum.value]`;
  // As many labels as stand clear of one another.
  const every = (labels: readonly string[]): number => {
    const flat = labels === xNames && !tilted && !small;
    const room = flat ? Math.max(...labels.map((label) => textWidth(label, 11))) + 6 : fontSize + (small ? 1 : 3);
    return Math.max(1, Math.ceil(room / size));
  };
  const tilted = xNames.some((name) => name.length > 5);
  const axis = (field: string, label: string, labels: readonly string[], labelAngle?: number) => ({
    field,
    type: "ordinal",
    title: label || null,
    axis: {
      labelExpr: nameOf(labels),
      ...(labelAngle === undefined ? {} : { labelAngle }),
      ...(small ? { labelFontSize: fontSize } : {}),
      ticks: false,
      domain: false,
      labelLimit: 140,
      values: Array.from({ length: Math.ceil(labels.length / every(labels)) }, (_, i) => i * every(labels)),
    },
    scale: { paddingInner: withText ? 0.04 : 0 },
  });
  const x = axis("column", xLabel, xNames, small ? -90 : tilted ? -40 : 0);
  const y = { ...axis("row", yLabel, yNames), ...(yUp ? { sort: "descending" } : {}) };
  const text =
    alt ??
    `Heat map${title ? ` "${title}"` : ""}, ${rows} by ${columns}${yLabel ? `, ${yLabel} by ${xLabel}` : ""}; highest ${formatNumber(top.value)} at ${yNames[top.row]}, ${xNames[top.column]}.`;
  return new VegaLiteFigure(
    {
      ...(title ? { title } : {}),
      width: width ?? size * columns,
      height: height ?? size * rows,
      ...dataOf(cells, withText, shade !== values, xNames, yNames),
      layer: [
        {
          mark: { type: "rect" },
          encoding: {
            x,
            y,
            color: {
              field: "shade",
              type: "quantitative",
              title: colorLabel || null,
              scale: { range: diverging ? divergingColors : sequentialColors, domain: [from, to], clamp: true },
              legend: withText && shade === values ? null : { gradientLength: Math.min(160, size * rows) },
            },
            tooltip: [
              { field: "y", type: "nominal", title: yLabel || "row" },
              { field: "x", type: "nominal", title: xLabel || "column" },
              { field: "value", type: "quantitative", format },
            ],
          },
        },
        ...(withText
          ? [
              {
                mark: { type: "text", fontSize: 11 },
                encoding: {
                  x,
                  y,
                  text: { field: "value", type: "quantitative", format },
                  color: { condition: { test: "datum.light", value: "#ffffff" }, value: "#222222" },
                },
              },
            ]
          : []),
      ],
    },
    { alt: text },
  );
}

/** A cell as the specification has it. */
interface Cell {
  readonly row: number;
  readonly column: number;
  readonly x: string;
  readonly y: string;
  readonly value: number | null;
  readonly shade: number | null;
  readonly light: boolean;
}

/** The cells one by one where they are few; else a list a row, which takes a twentieth of the bytes, and what makes cells of it. */
function dataOf(
  cells: readonly Cell[],
  single: boolean,
  ownShade: boolean,
  xNames: readonly string[],
  yNames: readonly string[],
): { [key: string]: JsonValue } {
  if (single) {
    return { data: { values: cells.map((cell) => ({ ...cell })) } };
  }
  const rows = yNames.map((_, row): JsonValue => {
    const own = cells.slice(row * xNames.length, (row + 1) * xNames.length);
    return {
      row,
      value: own.map(({ value }) => rounded(value)),
      ...(ownShade ? { shade: own.map((cell) => rounded(cell.shade)) } : {}),
    };
  });
  const lists = ["value", ...(ownShade ? ["shade"] : []), "column"];
  return {
    data: { values: rows },
    transform: [
      { calculate: `sequence(${xNames.length})`, as: "column" },
      { flatten: lists },
      ...(ownShade ? [] : [{ calculate: "datum.value", as: "shade" }]),
      { calculate: `${JSON.stringify(xNames)}[datum.column]`, as: "x" },
      { calculate: `${JSON.stringify(yNames)}[datum.row]`, as: "y" },
    ],
  };
}

/** What can be seen of a number: five digits, whole numbers all. */
function rounded(value: number | null): number | null {
  return value === null || Number.isInteger(value) ? value : Number(value.toPrecision(5));
}

function checkShape(name: string, values: readonly Numbers[], rows: number, columns: number): void {
  checkRows("heatmap", name, values);
  if (values.length !== rows) {
    throw new DisplayError(`heatmap: ${name} has ${values.length} rows; expected ${rows}`);
  }
  values.forEach((row, index) => {
    if (row.length !== columns) {
      throw new DisplayError(`heatmap: ${name}[${index}] has ${row.length} numbers; expected ${columns}`);
    }
  });
}

export interface ConfusionMatrixOptions extends FigureOptions {
  /** Counts: `matrix[true][predicted]`. */
  readonly matrix: readonly Numbers[];
  /** Class names, in the order of the rows. */
  readonly labels?: readonly string[];
  /**
   * What colour and number are a share of: "true" of each row (recall on the diagonal), "predicted" of each column (precision), or "all". With "none" both
   * are counts; without it numbers are counts, and colours shares of each row.
   */
  readonly normalize?: (typeof normalizations)[number];
}

const normalizations = ["true", "predicted", "all", "none"] as const;

/**
 * A confusion matrix: rows are true classes, columns predictions. Numbers are counts, colours shares of the true class, so that rare classes read as well
 * as frequent ones; `normalize` makes both the same.
 *
 * @throws DisplayError where the matrix is not square, the labels do not fit, or `normalize` is none of those
 */
export function confusionMatrixFigure(options: ConfusionMatrixOptions): VegaLiteFigure {
  const {
    matrix,
    labels,
    normalize,
    title,
    xLabel = "predicted",
    yLabel = "true",
    alt,
    ...size
  } = figureOptions("confusionMatrixFigure", options, { matrix: true, labels: true, normalize: true });
  const n = Array.isArray(matrix) ? matrix.length : 0;
  const wrong = n === 0 ? -1 : matrix.findIndex((row) => isNumbers(row) && row.length !== n);
  if (wrong >= 0) {
    const { length } = matrix[wrong] as Numbers;
    throw new DisplayError(
      `confusionMatrixFigure: matrix: row ${wrong} has ${length} numbers; expected ${n} (a square matrix)`,
    );
  }
  checkRows("confusionMatrixFigure", "matrix", matrix);
  checkLabels("confusionMatrixFigure", "labels", labels, n);
  if (normalize !== undefined && !normalizations.includes(normalize)) {
    const known = normalizations.map((name) => JSON.stringify(name)).join(", ");
    throw wrongArgument("confusionMatrixFigure", "normalize", normalize, `one of ${known}`);
  }
  const rowSums = matrix.map((row) => Array.from(row).reduce((sum, value) => sum + value, 0));
  const columnSums = matrix.map((_, c) => matrix.reduce((sum, row) => sum + (row[c] ?? 0), 0));
  const total = rowSums.reduce((sum, value) => sum + value, 0);
  const divisor = (r: number, c: number): number => {
    if (normalize === "none") {
      return 1;
    }
    if (normalize === "predicted") {
      return columnSums[c] ?? 0;
    }
    if (normalize === "all") {
      return total;
    }
    return rowSums[r] ?? 0;
  };
  const shares = matrix.map((row, r) => Array.from(row, (value, c) => value / (divisor(r, c) || 1)));
  const counts = normalize === undefined || normalize === "none";
  const correct = matrix.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
  const worst = worstConfusion(matrix);
  const name = (i: number): string => labels?.[i] ?? String(i);
  const text =
    alt ??
    `Confusion matrix${title ? ` "${title}"` : ""} of ${n} classes: ${formatNumber(correct)} of ${formatNumber(total)} right (${formatNumber((100 * correct) / (total || 1), 3)} %)${worst ? `; most often confused: ${name(worst.row)} taken for ${name(worst.column)}, ${formatNumber(worst.count)} times` : ""}.`;
  return heatmap({
    values: counts ? matrix : shares,
    shade: shares,
    ...(labels ? { xLabels: labels, yLabels: labels } : {}),
    format: counts ? ",d" : ".0%",
    colorLabel: normalize === "none" ? "count" : `share of ${normalize ?? "true"}`,
    domain: normalize === "all" || normalize === "none" ? [0, Math.max(...shares.flat(), 1e-9)] : [0, 1],
    xLabel,
    yLabel,
    alt: text,
    ...(title ? { title } : {}),
    ...size,
  });
}

function worstConfusion(matrix: readonly Numbers[]): { row: number; column: number; count: number } | undefined {
  let worst: { row: number; column: number; count: number } | undefined;
  matrix.forEach((row, r) => {
    for (let c = 0; c < row.length; c++) {
      const count = row[c] ?? 0;
      if (r !== c && count > (worst?.count ?? 0)) {
        worst = { row: r, column: c, count };
      }
    }
  });
  return worst;
}
