/** Values of options. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { UsageError } from "../errors.ts";

/** A number of seconds, memory and the like. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0) {
    throw new UsageError(`expected a number that is not negative, got "${text}"`);
  }
  return value;
}

export function positiveInteger(text: string): number {
  const value = positiveNumber(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new UsageError(`expected a whole number from 1, got "${text}"`);
  }
  return value;
}

/** Bytes: `2G`, `512M`; a bare number is MiB. */
export function memorySize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  if (match === null) {
    throw new UsageError(`expected an amount of memory such as 2G, 512M or 512 (MiB), got "${text}"`);
  }
  const unit =
    { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, "": 2 ** 20 }[(match[2] ?? "").toLowerCase()] ?? 2 ** 20;
  return Number(match[1]) * unit;
}

/** A parameter's value: a number, true, false, null, a list or object in JSON, else the text itself. */
export function parameterValue(text: string): unknown {
  if (/^(true|false)$/i.test(text)) {
    return text.toLowerCase() === "true";
  }
  if (/^(null|none)$/i.test(text)) {
    return null;
  }
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    return Number(text);
  }
  if (/^[[{"]/.test(text)) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return text;
}

/** Parameters from a file of YAML or JSON. */
export function parameterFile(path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UsageError(`the parameter file ${path} cannot be read: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UsageError(`the parameter file ${path} must hold names with values`);
  }
  return value as Record<string, unknown>;
}

/** Separates name and value of `-p NAME VALUE` in one argument; no name holds it. */
const separator = "\u0000";

/** `-p NAME VALUE` takes two arguments, which option parsers do not know: they are made one. */
export function joinParameters(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string;
    const next = args[index + 1];
    const value = args[index + 2];
    if (arg !== "-p" && arg !== "--parameters" && arg !== "-r") {
      joined.push(arg);
      continue;
    }
    if (next?.includes("=")) {
      const at = next.indexOf("=");
      joined.push(arg, next.slice(0, at) + separator + next.slice(at + 1));
      index++;
    } else if (next === undefined || value === undefined) {
      throw new UsageError(`${arg} needs a name and a value, for instance: ${arg} epochs 3`);
    } else {
      joined.push(arg, next + separator + value);
      index += 2;
    }
  }
  return joined;
}

/** Collects `-p` and `-r` options. */
export function collectParameter(
  raw: boolean,
): (text: string, before: Record<string, unknown> | undefined) => Record<string, unknown> {
  return (text, before = {}) => {
    const at = text.indexOf(separator);
    const value = text.slice(at + 1);
    return { ...before, [text.slice(0, at)]: raw ? value : parameterValue(value) };
  };
}

/** Collects an option that may be given more than once. */
export function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}
