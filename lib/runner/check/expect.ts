/** Bands that numbers in a cell's output must be in: `"expect": {"accuracy": "0.62 ± 0.03"}` in its metadata. */
import { stripVTControlCharacters } from "node:util";
import { jsonData } from "../convert/html/figures.ts";
import { isJsonMimetype, joinLines, type Output } from "../notebook/types.ts";

/** An interval with its ends. */
export interface Band {
  readonly low: number;
  readonly high: number;
}

const number = "[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?";

/**
 * Reads a band: `0.62 ± 0.03`, `0.62 +- 0.03`, `62 % ± 3 %`, `>= 0.6`, `< 0.1`, `0.5 .. 0.7`, `[0.5, 0.7]`, or one number.
 *
 * @returns The band, or undefined for what is none.
 */
export function parseBand(value: unknown): Band | undefined {
  if (typeof value === "number") {
    return { low: value, high: value };
  }
  if (Array.isArray(value) && value.length === 2 && value.every((end) => typeof end === "number")) {
    return { low: Math.min(...value), high: Math.max(...value) };
  }
  if (typeof value !== "string") {
    return undefined;
  }
  const scale = /%\s*$/.test(value) ? 0.01 : 1;
  const text = value.replaceAll("%", "").replaceAll("−", "-").trim();
  const around = new RegExp(`^(${number})\\s*(?:±|\\+-|\\+/-)\\s*(${number})$`).exec(text);
  if (around) {
    const [centre, width] = [Number(around[1]) * scale, Math.abs(Number(around[2])) * scale];
    return { low: centre - width, high: centre + width };
  }
  const between = new RegExp(`^\\[?\\s*(${number})\\s*(?:\\.\\.+|,|–|\\bto\\b)\\s*(${number})\\s*\\]?$`).exec(text);
  if (between) {
    return { low: Number(between[1]) * scale, high: Number(between[2]) * scale };
  }
  const bound = new RegExp(`^(<=?|>=?|≤|≥)\\s*(${number})$`).exec(text);
  if (bound) {
    const end = Number(bound[2]) * scale;
    return /^[<≤]/.test(bound[1] ?? "")
      ? { low: Number.NEGATIVE_INFINITY, high: end }
      : { low: end, high: Number.POSITIVE_INFINITY };
  }
  return new RegExp(`^${number}$`).test(text) ? { low: Number(text) * scale, high: Number(text) * scale } : undefined;
}

/** Bands that were missed, in words; none when all numbers are where they should be. */
export function missedExpectations(
  expectations: Readonly<Record<string, unknown>>,
  outputs: readonly Output[],
): string[] {
  return Object.entries(expectations).flatMap(([name, value]) => {
    const band = parseBand(value);
    if (band === undefined) {
      return [`${name}: ${JSON.stringify(value)} is not a band such as "0.62 ± 0.03", ">= 0.6" or [0.5, 0.7]`];
    }
    const found = findNumber(name, outputs);
    if (found === undefined) {
      return [`${name}: expected ${String(value)}, but no output names it with a number`];
    }
    // Half of the last digit in binary, so that 0.65 is inside of 0.62 ± 0.03.
    const slack = 1e-12 * Math.max(1, Math.abs(found));
    return found >= band.low - slack && found <= band.high + slack
      ? []
      : [`${name}: expected ${String(value)}, got ${found}`];
  });
}

/** The last number that the outputs give under a name: in text as `name: 0.6`, `name = 60 %`, or as a key of JSON. */
export function findNumber(name: string, outputs: readonly Output[]): number | undefined {
  let found: number | undefined;
  const inText = new RegExp(
    `(?<![\\w])["']?${escapePattern(name)}["']?\\s*(?:[:=|]|\\bis\\b)?\\s*(?:\\x5b)?(${number})\\s*(%?)`,
    "gi",
  );
  for (const output of outputs) {
    for (const text of textsOf(output)) {
      for (const match of stripVTControlCharacters(text).matchAll(inText)) {
        found = Number(match[1]) * (match[2] === "%" ? 0.01 : 1);
      }
    }
    if ("data" in output) {
      for (const mimetype of Object.keys(output.data).filter(isJsonMimetype)) {
        found = findKey(jsonData(output.data, mimetype), name) ?? found;
      }
    }
  }
  return found;
}

function textsOf(output: Output): string[] {
  if (output.output_type === "stream") {
    return [joinLines(output.text)];
  }
  return "data" in output ? [joinLines(output.data["text/plain"])] : [];
}

function findKey(value: unknown, name: string): number | undefined {
  if (typeof value !== "object" || value === null) {
    return undefined;
  }
  const own = (value as Record<string, unknown>)[name];
  if (typeof own === "number") {
    return own;
  }
  for (const entry of Object.values(value)) {
    const inner = findKey(entry, name);
    if (inner !== undefined) {
      return inner;
    }
  }
  return undefined;
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+");
}
