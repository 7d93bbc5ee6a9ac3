/** What every figure asks of the options that all of them have. */

import { checkOptions, checkTexts } from "../checks.ts";
import { DisplayError, shortly, wrongArgument } from "../errors.ts";
import type { FigureOptions } from "./curves.ts";
import { isNumbers } from "./series.ts";

const sizes = ["width", "height"] as const;
const shared: Readonly<Record<keyof FigureOptions, true>> = {
  title: true,
  xLabel: true,
  yLabel: true,
  width: true,
  height: true,
  alt: true,
};

/**
 * A figure's options, which are as they should be in what figures share.
 *
 * @param own the names of all those that this figure has beside what figures share
 * @throws {DisplayError} naming the option
 */
export function figureOptions<T extends FigureOptions>(
  figure: string,
  options: T,
  own: Readonly<Record<Exclude<keyof T & string, keyof FigureOptions>, true>>,
): T {
  checkOptions(figure, options, [...Object.keys(own), ...Object.keys(shared)]);
  const { title, xLabel, yLabel, alt } = options;
  checkTexts(figure, { title, xLabel, yLabel, alt });
  for (const name of sizes) {
    const size: unknown = options[name];
    if (size !== undefined && !(typeof size === "number" && size > 0 && size < Number.POSITIVE_INFINITY)) {
      throw wrongArgument(figure, name, size, "a number of pixels above 0");
    }
  }
  return options;
}

/** Refuses limits that are not two numbers, the lower one first; undefined stands for none. */
export function checkDomain(figure: string, option: string, domain: unknown): void {
  const isDomain =
    Array.isArray(domain) &&
    domain.length === 2 &&
    domain.every((limit) => typeof limit === "number" && Number.isFinite(limit)) &&
    domain[0] < domain[1];
  if (domain !== undefined && !isDomain) {
    const got = Array.isArray(domain) ? `[${domain.map(shortly).join(", ")}]` : shortly(domain);
    throw new DisplayError(`${figure}: ${option} is ${got}; expected two numbers [low, high], low below high`);
  }
}

/** Refuses what are no rows of numbers, all of one length, at least one of each. */
export function checkRows(figure: string, option: string, rows: unknown): void {
  if (!Array.isArray(rows) || !rows.every(isNumbers)) {
    throw wrongArgument(figure, option, rows, "a list of rows of numbers");
  }
  const columns = rows[0]?.length ?? 0;
  if (columns === 0) {
    throw new DisplayError(`${figure}: ${option} is empty; expected rows of numbers`);
  }
  for (const [i, row] of rows.entries()) {
    if (row.length !== columns) {
      throw new DisplayError(`${figure}: ${option}[${i}] has ${row.length} numbers; expected ${columns}`);
    }
  }
}

/** Refuses what is no list of one name for each of `count` things; undefined stands for none. */
export function checkLabels(figure: string, option: string, labels: unknown, count: number): void {
  if (labels === undefined) {
    return;
  }
  const isList = Array.isArray(labels) && labels.every((label) => typeof label === "string");
  if (!isList) {
    throw wrongArgument(figure, option, labels, "a list of strings");
  }
  if (labels.length !== count) {
    throw new DisplayError(`${figure}: ${option} has ${labels.length} names for ${count} cells`);
  }
}
