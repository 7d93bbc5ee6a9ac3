/**
 * Small values of Python's standard library that people keep beside their weights (a date, a path, a slice), as text,
 * numbers and Maps. No class of theirs is looked up.
 *
 * Sources: the `__reduce__` methods in CPython's Lib/pathlib.py, Lib/_pydatetime.py, Lib/fractions.py, Lib/_pydecimal.py.
 */
import type { Builtin } from "./builtins.ts";
import type { PickleValue } from "./values.ts";

const isNumber = (value: PickleValue): value is number | bigint =>
  typeof value === "number" || typeof value === "bigint";
const isWhole = (value: PickleValue): value is number => Number.isSafeInteger(value);
const isWholeOrNull = (value: PickleValue) => value === null || typeof value === "bigint" || isWhole(value);

const complex: Builtin = (args) => {
  const [real, imag] = args;
  if (args.length !== 2 || typeof real !== "number" || typeof imag !== "number") {
    return undefined;
  }
  return new Map([
    ["real", real],
    ["imag", imag],
  ]);
};

/** A slice or a range: its start, stop and step. */
const span: Builtin = (args) => {
  const [start, stop, step] = args;
  if (args.length !== 3 || !args.every(isWholeOrNull)) {
    return undefined;
  }
  return new Map([
    ["start", start],
    ["stop", stop],
    ["step", step],
  ]);
};

/** A path as text. It is given in parts: a root, which ends with a separator, and names. */
function path(separator: "/" | "\\"): Builtin {
  return (args, { spend }) => {
    if (!args.every((part) => typeof part === "string")) {
      return undefined;
    }
    spend(args.reduce((sum, part) => sum + part.length + 1, 0));
    return (
      args.reduce((text, part) => (text === "" || text.endsWith(separator) ? text : text + separator) + part, "") || "."
    );
  };
}

const decimal: Builtin = (args) => (args.length === 1 && typeof args[0] === "string" ? args[0] : undefined);

const fraction: Builtin = (args) => {
  const [numerator, denominator] = args;
  if (args.length === 1 && typeof numerator === "string") {
    return numerator;
  }
  return args.length === 2 && isNumber(numerator) && isNumber(denominator) ? `${numerator}/${denominator}` : undefined;
};

/** Seconds. */
const timedelta: Builtin = (args) => {
  if (args.length !== 3 || !args.every(isWhole)) {
    return undefined;
  }
  const [days, seconds, microseconds] = args as readonly [number, number, number];
  return days * 86_400 + seconds + microseconds / 1e6;
};

const twoDigits = (value: number) => String(value).padStart(2, "0");

/** As Python prints it: UTC, or UTC-05:30. */
const timezone: Builtin = (args) => {
  const [seconds, name] = args;
  if (!isWhole(seconds) || args.length > 2 || (args.length === 2 && typeof name !== "string")) {
    return undefined;
  }
  const minutes = Math.floor(Math.abs(seconds) / 60);
  const sign = seconds < 0 ? "-" : "+";
  return seconds === 0 ? "UTC" : `UTC${sign}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`;
};

/** The bytes that dates and times are pickled as; Python 2 wrote them as text. */
function packed(value: PickleValue, length: number): Uint8Array | undefined {
  const bytes = typeof value === "string" ? Uint8Array.from(value, (letter) => letter.charCodeAt(0)) : value;
  return bytes instanceof Uint8Array && bytes.length === length ? bytes : undefined;
}

const dateText = (bytes: Uint8Array): string => {
  const [high = 0, low = 0, month = 0, day = 0] = bytes;
  // The month's highest bit tells the two passes of an hour apart when clocks are set back.
  return `${String(256 * high + low).padStart(4, "0")}-${twoDigits(month & 0x7f)}-${twoDigits(day)}`;
};

const timeText = (bytes: Uint8Array): string => {
  const [hour = 0, minute = 0, second = 0, high = 0, middle = 0, low = 0] = bytes;
  const fraction = (high << 16) + (middle << 8) + low;
  const text = [hour & 0x7f, minute, second].map(twoDigits).join(":");
  return fraction === 0 ? text : `${text}.${String(fraction).padStart(6, "0")}`;
};

/** The offset in ISO 8601 of a time zone that {@link timezone} made; another kind of zone does not come so far. */
function offsetText(zone: PickleValue): string | undefined {
  if (zone === undefined || zone === null) {
    return "";
  }
  if (zone === "UTC") {
    return "+00:00";
  }
  return typeof zone === "string" ? /^UTC([+-]\d\d:\d\d)$/.exec(zone)?.[1] : undefined;
}

/** Text in ISO 8601, as Python's `isoformat()` gives it. */
function moment(length: number, text: (bytes: Uint8Array) => string): Builtin {
  return (args) => {
    const bytes = packed(args[0], length);
    const offset = offsetText(args[1]);
    return bytes === undefined || offset === undefined || args.length > 2 ? undefined : text(bytes) + offset;
  };
}

/** The names and what they make. */
export const standardLibrary: readonly (readonly [string, Builtin])[] = [
  ...["__builtin__", "builtins"].flatMap((module): (readonly [string, Builtin])[] => [
    [`${module}.complex`, complex],
    [`${module}.slice`, span],
    [`${module}.range`, span],
    [`${module}.xrange`, span],
  ]),
  ...["pathlib", "pathlib._local"].flatMap((module): (readonly [string, Builtin])[] => [
    [`${module}.PosixPath`, path("/")],
    [`${module}.PurePosixPath`, path("/")],
    [`${module}.WindowsPath`, path("\\")],
    [`${module}.PureWindowsPath`, path("\\")],
  ]),
  ["decimal.Decimal", decimal],
  ["fractions.Fraction", fraction],
  ["datetime.timedelta", timedelta],
  ["datetime.timezone", timezone],
  ["datetime.date", moment(4, dateText)],
  ["datetime.time", moment(6, timeText)],
  ["datetime.datetime", moment(10, (bytes) => `${dateText(bytes)}T${timeText(bytes.subarray(4))}`)],
];
