/** A bar of colours with what its ends mean, under pictures that are painted numbers. */
import { DisplayError, wrongArgument } from "./errors.ts";
import { escapeXml, formatNumber, textWidth } from "./text.ts";
import { lineColor, textColor } from "./theme.ts";

/** What the colours of painted numbers mean. */
export interface ColorScale {
  /** CSS colours from the low end to the high one, evenly spaced. */
  readonly colors: readonly string[];
  /** What the ends mean: numbers, or words such as "least" where each picture has a scale of its own. */
  readonly low: number | string;
  readonly high: number | string;
  /** What is measured. */
  readonly label?: string;
}

const fontSize = 11;
const barWidth = 160;
const barHeight = 10;
/** Strips of one colour that the bar is made of: a gradient would need a name that is no other figure's on the page. */
const strips = 32;
const gap = 8;

/** @throws {DisplayError} for what is no colour scale; undefined stands for none */
export function checkColorScale(scale: ColorScale | undefined): void {
  if (scale === undefined) {
    return;
  }
  const { colors, low, high, label } = Object(scale) as Partial<ColorScale>;
  const isEnd = (end: unknown): boolean => typeof end === "string" || Number.isFinite(end);
  if (scale === null || !isEnd(low) || !isEnd(high) || (label !== undefined && typeof label !== "string")) {
    throw wrongArgument("imageGrid", "colorScale", scale, "{ colors, low, high, label? }");
  }
  if (!Array.isArray(colors) || colors.length < 2 || !colors.every((color) => /^#[0-9a-f]{6}$/i.test(String(color)))) {
    throw new DisplayError("imageGrid: colorScale.colors: expected at least two colours as #rrggbb");
  }
}

/** The bar as SVG from (0, 0), and what room it takes. */
export function drawColorScale({ colors, low, high, label }: ColorScale): {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
} {
  const ends = [low, high].map((end) => (typeof end === "number" ? formatNumber(end, 3) : end));
  const [first = "", last = ""] = ends;
  const from = Math.ceil(textWidth(first, fontSize)) + 6;
  const to = from + barWidth;
  const after = to + 6 + Math.ceil(textWidth(last, fontSize));
  const text = (x: number, content: string): string =>
    `<text x="${x}" y="${gap + barHeight - 1}" font-size="${fontSize}" fill="${textColor}">${escapeXml(content)}</text>`;
  const parts = [text(0, first)];
  for (let i = 0; i < strips; i++) {
    const x = from + (i * barWidth) / strips;
    const color = mixed(colors, i / (strips - 1));
    parts.push(`<rect x="${x}" y="${gap}" width="${barWidth / strips + 0.5}" height="${barHeight}" fill="${color}"/>`);
  }
  parts.push(
    `<rect x="${from}" y="${gap}" width="${barWidth}" height="${barHeight}" fill="none" stroke="${lineColor}" stroke-width="0.5"/>`,
    text(to + 6, last),
  );
  const labelled = label === undefined ? 0 : 14 + Math.ceil(textWidth(label, fontSize));
  if (label !== undefined) {
    parts.push(text(after + 14, label));
  }
  return { svg: parts.join(""), width: after + labelled, height: gap + barHeight + 4 };
}

/** The colour at a place from 0 to 1. */
function mixed(colors: readonly string[], place: number): string {
  const at = place * (colors.length - 1);
  const below = Math.min(colors.length - 2, Math.floor(at));
  const channel = (color: string | undefined, c: number): number =>
    Number.parseInt(color?.slice(1 + 2 * c, 3 + 2 * c) ?? "0", 16);
  const part = (c: number): string => {
    const [a, b] = [channel(colors[below], c), channel(colors[below + 1], c)];
    return Math.round(a + (b - a) * (at - below))
      .toString(16)
      .padStart(2, "0");
  };
  return `#${part(0)}${part(1)}${part(2)}`;
}
