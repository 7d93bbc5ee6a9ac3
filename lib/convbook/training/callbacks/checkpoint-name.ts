/** Names of checkpoints from patterns such as `{epoch:02d}-{val_acc:.3f}`, as PyTorch Lightning makes them. */
import { nearestNames, shortened } from "../../arguments/names.ts";
import { rankZeroWarn } from "../core/rank-zero.ts";
import { ConfigurationError } from "../errors.ts";
import type { Metrics } from "../logging/results.ts";

/** A metric in a pattern. */
interface Field {
  readonly name: string;
  readonly format: Format | undefined;
}

/** What of Python's formats names of files need. */
interface Format {
  readonly zero: boolean;
  readonly width: number;
  readonly precision: number | undefined;
  /** `d`, `e`, `f`, `g`, `%`, or none. */
  readonly kind: string;
}

/** Text and metrics in turn. */
export type NamePattern = readonly (string | Field)[];

/**
 * Takes a pattern apart. What Lightning finds out at the first save, after an epoch of training, is found out here.
 *
 * @param pattern with metrics in braces and Python's formats behind colons
 * @throws ConfigurationError for a brace without its other half, braces without a name, and a format that there is not
 */
export function parseNamePattern(pattern: string): NamePattern {
  const parts: (string | Field)[] = [];
  for (const [text, name, format] of pattern.matchAll(/\{([^{}:]+)(?::([^{}]*))?\}|[^{}]+|[{}]/g)) {
    if (name !== undefined) {
      parts.push({ name, format: parseFormat(name, format) });
    } else if (text !== "{" && text !== "}") {
      parts.push(text);
    } else {
      const expected = 'text with the names of metrics in pairs of braces, such as "{epoch:02d}-{val_acc:.3f}"';
      throw new ConfigurationError("ModelCheckpoint.filename", pattern, expected);
    }
  }
  return parts;
}

function parseFormat(name: string, format: string | undefined): Format | undefined {
  if (format === undefined || format === "") {
    return undefined;
  }
  const [, zero, width, digits, kind = ""] = /^(0?)(\d{0,2})(?:\.(\d{1,2}))?([defg%])?$/.exec(format) ?? [];
  // As Python has it: whole numbers have no digits behind the point.
  if (width === undefined || (digits !== undefined && (kind === "" || kind === "d"))) {
    const option = `ModelCheckpoint.filename, {${name}:${format}}`;
    throw new ConfigurationError(option, format, 'a format such as "02d", ".3f", ".2e", ".4g" or ".1%"');
  }
  const precision = digits === undefined ? undefined : Number(digits);
  return { zero: zero === "0", width: Number(width), precision, kind };
}

/** The metrics of a pattern that are not among `metrics`. */
export function missingMetrics(pattern: NamePattern, metrics: Metrics): string[] {
  return pattern.flatMap((part) => (typeof part === "string" || Object.hasOwn(metrics, part.name) ? [] : [part.name]));
}

/**
 * @param pattern from {@link parseNamePattern}
 * @param metrics those that are not there count as 0, as in Lightning
 * @param insertsNames whether `{epoch}` gives `epoch=3` or `3`
 */
export function checkpointName(pattern: NamePattern, metrics: Metrics, insertsNames: boolean): string {
  const texts = pattern.map((part) => {
    if (typeof part === "string") {
      return part;
    }
    const text = formatNumber((Object.hasOwn(metrics, part.name) ? metrics[part.name] : undefined) ?? 0, part.format);
    return insertsNames ? `${part.name.replaceAll("/", "_")}=${text}` : text;
  });
  return texts.join("");
}

function formatNumber(value: number, format: Format | undefined): string {
  const { zero, width, precision = 6, kind } = format ?? { zero: false, width: 0, kind: "" };
  const text = Number.isFinite(value) ? formatFinite(value, kind, precision) : nonFinite(value, kind);
  if (!zero) {
    return text.padStart(width);
  }
  // Zeros go behind the sign.
  const sign = text.startsWith("-") ? "-" : "";
  return sign + text.slice(sign.length).padStart(width - sign.length, "0");
}

/** As Python writes them. */
function nonFinite(value: number, kind: string): string {
  const text = Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  return kind === "%" ? `${text}%` : text;
}

function formatFinite(value: number, kind: string, precision: number): string {
  if (kind === "d") {
    return BigInt(Math.trunc(value)).toString();
  }
  if (kind === "f") {
    return toFixed(value, precision);
  }
  if (kind === "%") {
    return `${toFixed(value * 100, precision)}%`;
  }
  if (kind === "e") {
    return toExponential(value, precision);
  }
  if (kind === "g") {
    return toGeneral(value, Math.max(1, precision));
  }
  return String(value);
}

function toExponential(value: number, digits: number): string {
  return value.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2");
}

/** The shorter form, without zeros at the end. */
function toGeneral(value: number, digits: number): string {
  const [mantissa = "", exponent = ""] = toExponential(value, digits - 1).split("e");
  const size = Number(exponent);
  const bare = (text: string) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  return size < -4 || size >= digits ? `${bare(mantissa)}e${exponent}` : bare(value.toFixed(digits - 1 - size));
}

/** As Python rounds: what lies in the middle goes to the even digit, where JavaScript goes away from zero. */
function toFixed(value: number, digits: number): string {
  // JavaScript would go over to exponents.
  if (Math.abs(value) >= 1e21) {
    return `${BigInt(value)}${digits > 0 ? `.${"0".repeat(digits)}` : ""}`;
  }
  const away = value.toFixed(digits);
  const toward = (Number(away) - Math.sign(value) * 10 ** -digits).toFixed(digits);
  const isMiddle = Number(away) - value === value - Number(toward) && Math.abs(value) < 2 ** 33;
  return isMiddle && Number(away.at(-1)) % 2 === 1 ? toward : away;
}

/**
 * Files that say 0 where nothing is known are as Lightning names them; who named a metric that there is not, hears of it, once.
 *
 * @param warned the metrics that were warned of; those that are now, come to them
 */
export function warnOfMissing(pattern: NamePattern, metrics: Metrics, warned: Set<string>): void {
  for (const name of missingMetrics(pattern, metrics).filter((each) => !warned.has(each))) {
    warned.add(name);
    const [nearest] = nearestNames(name, Object.keys(metrics), 1);
    const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
    const known = Object.keys(metrics).sort().join(", ");
    rankZeroWarn(
      `ModelCheckpoint.filename: "${shortened(name)}" is not logged, so that names say 0 for it.${hint} Known: ${known}.`,
    );
  }
}
