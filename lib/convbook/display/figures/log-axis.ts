/** Logarithmic axes with the ticks that people write: 0.01, 0.1, 1, 10; powers of ten where numbers are very small or very large. */
import type { JsonObject } from "../mime.ts";
import { formatNumber } from "../text.ts";

/** The axis and the scale of an encoding. */
export interface LogAxis {
  readonly axis: JsonObject;
  readonly scale: JsonObject;
}

/** More labels than these stand too close on an axis of usual size. */
const MOST_TICKS = 9;

/**
 * The axis for some values.
 *
 * @param columns the values; what is not above zero has no place on it
 * @param options its limits where they are given; whether they are those of the values exactly, and not the next round numbers
 */
export function logAxis(
  columns: readonly ArrayLike<number>[],
  { domain, exact = false }: { readonly domain?: readonly [number, number] | undefined; readonly exact?: boolean } = {},
): LogAxis {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (const values of columns) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? 0;
      if (value > 0 && value < Number.POSITIVE_INFINITY) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
  }
  if (high === 0) {
    [low, high] = [1, 10];
  }
  if (domain !== undefined) {
    [low, high] = domain;
  } else if (!exact || low === high) {
    [low, high] = [roundDown(low), roundUp(high)];
    if (low === high) {
      [low, high] = [roundDown(low * 0.9), roundUp(high * 1.1)];
    }
  }
  const ticks = ticksWithin(low, high);
  const scale = { type: "log", nice: false, domain: [low, high] };
  if (ticks.length < 2) {
    return { axis: { format: "~g" }, scale };
  }
  const labels = labelsOf(ticks);
  const labelExpr = `${JSON.stringify(labels)}[indexof(${JSON.stringify(ticks)}, datum.value)]`;
  return { axis: { values: ticks, labelExpr }, scale };
}

/** 10 to a power, exactly as it is written. */
function tenTo(power: number): number {
  return Number(`1e${power}`);
}

function exponentOf(value: number): number {
  return Number(value.toExponential().split("e")[1]);
}

/** The next number below that begins with 1, 2 or 5. */
function roundDown(value: number): number {
  const power = exponentOf(value);
  const first = [5, 2, 1].find((digit) => Number(`${digit}e${power}`) <= value) ?? 1;
  return Number(`${first}e${power}`);
}

function roundUp(value: number): number {
  const power = exponentOf(value);
  const first = [1, 2, 5, 10].find((digit) => digit * tenTo(power) >= value * (1 - 1e-12)) ?? 10;
  return first === 10 ? tenTo(power + 1) : Number(`${first}e${power}`);
}

/** Powers of ten where there are three or more, else numbers that begin with 1, 2 or 5, or with any digit. */
function ticksWithin(low: number, high: number): number[] {
  const multiples = (digits: readonly number[]): number[] => {
    const found: number[] = [];
    for (let power = exponentOf(low); power <= exponentOf(high); power++) {
      for (const digit of digits) {
        const tick = Number(`${digit}e${power}`);
        if (tick >= low && tick <= high) {
          found.push(tick);
        }
      }
    }
    return found;
  };
  const powers = multiples([1]);
  if (powers.length >= 4) {
    const step = Math.ceil(powers.length / MOST_TICKS);
    return powers.filter((_, i) => (powers.length - 1 - i) % step === 0);
  }
  const candidates = [
    [1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 5],
    [1, 2, 5],
    [1, 3],
    [1],
  ];
  return candidates.map(multiples).find((ticks) => ticks.length <= MOST_TICKS - 1) ?? powers;
}

/** How the ticks are written: plainly, or all of them with powers of ten. */
function labelsOf(ticks: readonly number[]): string[] {
  if (ticks.every((tick) => tick >= 1e-4 && tick < 1e6)) {
    return ticks.map((tick) => formatNumber(tick));
  }
  return ticks.map((tick) => {
    const [digits = "1", power = "0"] = tick.toExponential().split("e");
    const raised = `10${[...power.replace("+", "")].map((sign) => superscripts[sign] ?? sign).join("")}`;
    return digits === "1" ? raised : `${digits}×${raised}`;
  });
}

const superscripts: Readonly<Record<string, string>> = Object.fromEntries(
  [..."-0123456789"].map((sign, i) => [sign, [..."⁻⁰¹²³⁴⁵⁶⁷⁸⁹"][i] ?? sign]),
);
