/**
 * A profile as a figure: Vega-Lite for frontends that know it, and a picture everywhere else. The picture is drawn here, because the engine
 * depends on no library for charts; where a renderer for SVG and a font are installed (convbook brings both), it becomes a PNG, which
 * every notebook frontend and converter shows alike.
 */
import type { ProfileRow } from "./profiler.ts";

/** Kernels that are shown; what is behind the slowest of a training step is dust. */
const shown = 20;
const text = "#757575";
const nativeColor = "#2b83c6";
const scriptColor = "#d95f02";
const font = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, 'DejaVu Sans', sans-serif";

interface Column {
  readonly title: string;
  readonly field: "milliseconds" | "gflops" | "gigabytesPerSecond" | "megabytes" | "calls";
  readonly digits: number;
}

/** What is drawn beside each kernel's name. */
const columns: readonly Column[] = [
  { title: "ms", field: "milliseconds", digits: 1 },
  { title: "GFLOP/s", field: "gflops", digits: 0 },
  { title: "GB/s", field: "gigabytesPerSecond", digits: 1 },
  { title: "MB", field: "megabytes", digits: 0 },
  { title: "calls", field: "calls", digits: 0 },
];

/** The description in Vega-Lite 5: a row a kernel, the slowest on top, a panel a quantity. */
export function profileVegaLite(rows: readonly ProfileRow[], title: string): Record<string, unknown> {
  const values = rows
    .slice(0, shown)
    .map((row) => ({ ...row, runs: row.native ? "natively" : "in JavaScript", share: Number(row.share.toFixed(4)) }));
  const color = {
    field: "runs",
    type: "nominal",
    title: null,
    legend: { orient: "bottom" },
    scale: { domain: ["natively", "in JavaScript"], range: [nativeColor, scriptColor] },
  };
  const panel = ({ title: name, field }: Column, i: number) => ({
    width: i === 0 ? 220 : 90,
    height: { step: 18 },
    mark: { type: "bar", tooltip: { content: "data" } },
    encoding: {
      x: { field, type: "quantitative", title: name, axis: { tickCount: 3 } },
      y: {
        field: "kernel",
        type: "nominal",
        sort: values.map(({ kernel }) => kernel),
        title: null,
        axis: i === 0 ? { labelLimit: 220 } : null,
      },
      color,
    },
  });
  const $schema = "https://vega.github.io/schema/vega-lite/v5.json";
  return { $schema, title, data: { values }, spacing: 12, hconcat: columns.map(panel) };
}

const escapeXml = (value: string): string => value.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** The picture: names, bars with their numbers, and what the colours mean. */
export function profileSvg(rows: readonly ProfileRow[], title: string): { svg: string; width: number; height: number } {
  const list = rows.slice(0, shown);
  const step = 20;
  const top = 52;
  const nameWidth = Math.max(90, ...list.map(({ kernel }) => kernel.length * 7.4 + 12));
  const bars = columns.map((column, i) => ({
    column,
    from: nameWidth + (i === 0 ? 0 : 210 + (i - 1) * 118),
    room: i === 0 ? 140 : 54,
  }));
  const width = Math.ceil(nameWidth + 210 + (columns.length - 1) * 118);
  const height = top + list.length * step + 34;
  const parts: string[] = [];
  const write = (x: number, y: number, words: string, attributes = ""): void => {
    parts.push(`<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escapeXml(words)}</text>`);
  };
  write(0, 16, title, 'font-size="14" font-weight="600"');
  for (const { column, from, room } of bars) {
    write(from, 40, column.title, 'font-size="12"');
    const most = Math.max(...list.map((row) => row[column.field] ?? 0), Number.MIN_VALUE);
    for (const [line, row] of list.entries()) {
      const value = row[column.field];
      if (value === null) {
        continue;
      }
      const length = (value / most) * room;
      const y = top + line * step;
      const fill = row.native ? nativeColor : scriptColor;
      parts.push(
        `<rect x="${from.toFixed(1)}" y="${y}" width="${length.toFixed(1)}" height="${step - 6}" fill="${fill}"/>`,
      );
      write(from + length + 4, y + step - 9, value.toFixed(column.digits));
    }
  }
  for (const [line, { kernel }] of list.entries()) {
    write(nameWidth - 8, top + line * step + step - 9, kernel, 'text-anchor="end"');
  }
  const bottom = height - 10;
  const rest = rows.length > shown ? `; ${rows.length - shown} more kernels are left out` : "";
  parts.push(`<rect x="${nameWidth}" y="${bottom - 9}" width="10" height="10" fill="${nativeColor}"/>`);
  write(nameWidth + 15, bottom, "natively");
  parts.push(`<rect x="${nameWidth + 80}" y="${bottom - 9}" width="10" height="10" fill="${scriptColor}"/>`);
  write(nameWidth + 95, bottom, `in JavaScript${rest}`);
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" ` +
    `aria-label="${escapeXml(title)}" font-family="${escapeXml(font)}" font-size="11" fill="${text}">${parts.join("")}</svg>`;
  return { svg, width, height };
}

/** Makes a PNG, in base64, of an SVG. */
export type Renderer = (svg: string) => string;

let renderer: () => Renderer | null = () => null;

/** Says who knows whether there is a renderer; asked when there is something to render. */
export function useRenderer(find: () => Renderer | null): void {
  renderer = find;
}

/** The figure as a notebook takes it: a MIME bundle with its metadata. */
export function profileBundle(
  rows: readonly ProfileRow[],
  title: string,
  plain: string,
): { bundle: Record<string, unknown>; metadata: Record<string, unknown> } {
  const { svg, width, height } = profileSvg(rows, title);
  const png = renderer()?.(svg);
  const type = png === undefined ? "image/svg+xml" : "image/png";
  const bundle = {
    "application/vnd.vegalite.v5+json": profileVegaLite(rows, title),
    [type]: png ?? svg,
    "text/plain": plain,
  };
  return { bundle, metadata: { [type]: png === undefined ? { alt: title } : { alt: title, width, height } } };
}
