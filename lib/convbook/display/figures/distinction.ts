/** What tells many series apart when their colours come round again, and those who see no colours at all. */
import type { JsonObject } from "../mime.ts";
import { seriesColor, seriesColors, seriesShapes } from "../theme.ts";

/** Line patterns: solid first. With eight shapes they tell 40 series apart without colour. */
const dashes: readonly (readonly number[])[] = [
  [1, 0],
  [7, 3],
  [2, 2],
  [9, 3, 2, 3],
  [14, 4],
];

/** Whether there are more series than colours. */
export function needsDistinction(series: number): boolean {
  return series > seriesColors.length;
}

/** How often the colours have come round before the series of this number. */
function roundOf(index: number): number {
  return Math.floor(index / seriesColors.length);
}

/** Which curves have which pattern: another one each time that the colours begin again. */
export function dashesOf(series: number): { readonly dash: number[]; readonly from: number; readonly to: number }[] {
  const rounds = Math.ceil(series / seriesColors.length);
  return Array.from({ length: rounds }, (_, round) => ({
    dash: [...(dashes[round % dashes.length] ?? [1, 0])],
    from: round * seriesColors.length,
    to: (round + 1) * seriesColors.length,
  }));
}

/** A marker's shape. */
export function seriesShape(index: number): string {
  return seriesShapes[index % seriesShapes.length] ?? "circle";
}

/** A marker's or bar's filling: its colour, and nothing each second time that the colours begin again. */
export function seriesFill(index: number): string {
  return roundOf(index) % 2 === 0 ? seriesColor(index) : "transparent";
}

/**
 * Channels of marks that are filled with colours of their own where there are more series than colours: outlines in the colour, some of them hollow.
 *
 * @param color the encoding that gives each series its colour
 * @param names the series
 */
export function fillAndStroke(color: JsonObject, names: readonly string[]): JsonObject {
  const by = (range: readonly string[]): JsonObject => ({ ...color, scale: { domain: [...names], range: [...range] } });
  return {
    fill: by(names.map((_, i) => seriesFill(i))),
    stroke: by(names.map((_, i) => seriesColor(i))),
  };
}
