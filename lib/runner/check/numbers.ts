/** Compares texts and JSON in which numbers may differ a little. */
import { stringifyJson } from "../notebook/json/index.ts";
import { isObject } from "../objects.ts";

export interface Tolerance {
  /** Largest difference as a fraction of the stored number. */
  readonly rtol: number;
  /** Largest difference as such. */
  readonly atol: number;
}

export const exact: Tolerance = { rtol: 0, atol: 0 };

/** As numpy.isclose: |fresh - stored| <= atol + rtol * |stored|; NaN equals NaN. */
export function isClose(stored: number, fresh: number, { rtol, atol }: Tolerance): boolean {
  return Object.is(stored, fresh) || stored === fresh || Math.abs(fresh - stored) <= atol + rtol * Math.abs(stored);
}

/** A number that stands alone: not a part of a word, a version or a date. */
const numberPattern = /(?<![\w.])[+-]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w]|\.\d)/g;

/** True where two texts are the same but for numbers within the tolerance; white space between words does not count then. */
export function textIsClose(stored: string, fresh: string, tolerance: Tolerance): boolean {
  if (stored === fresh) {
    return true;
  }
  if (tolerance.rtol === 0 && tolerance.atol === 0) {
    return false;
  }
  const shape = (text: string) => text.replace(numberPattern, "#").replace(/[ \t]+/g, " ");
  if (shape(stored) !== shape(fresh)) {
    return false;
  }
  const numbers = (text: string) =>
    [...text.matchAll(numberPattern)].map(([match]) => Number(match.replaceAll(",", "")));
  const before = numbers(stored);
  const after = numbers(fresh);
  return (
    before.length === after.length && before.every((value, index) => isClose(value, after[index] as number, tolerance))
  );
}

/** Where two JSON values differ, as `path: stored -> fresh`; the order of keys does not count. */
export function jsonDifferences(stored: unknown, fresh: unknown, tolerance: Tolerance, path = "$"): string[] {
  if (typeof stored === "number" && typeof fresh === "number") {
    return isClose(stored, fresh, tolerance) ? [] : [`${path}: ${stored} -> ${fresh}`];
  }
  if (Array.isArray(stored) && Array.isArray(fresh)) {
    const lengths = stored.length === fresh.length ? [] : [`${path}: ${stored.length} entries -> ${fresh.length}`];
    const common = Math.min(stored.length, fresh.length);
    return [
      ...lengths,
      ...Array.from({ length: common }, (_, index) =>
        jsonDifferences(stored[index], fresh[index], tolerance, `${path}[${index}]`),
      ).flat(),
    ];
  }
  if (isObject(stored) && isObject(fresh)) {
    return [...new Set([...Object.keys(stored), ...Object.keys(fresh)])].flatMap((key) => {
      const here = `${path}.${key}`;
      if (!Object.hasOwn(stored, key)) {
        return [`${here}: new`];
      }
      return Object.hasOwn(fresh, key) ? jsonDifferences(stored[key], fresh[key], tolerance, here) : [`${here}: gone`];
    });
  }
  return Object.is(stored, fresh) ? [] : [`${path}: ${brief(stored)} -> ${brief(fresh)}`];
}

function brief(value: unknown): string {
  const text = stringifyJson(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
