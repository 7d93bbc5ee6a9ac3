/** Values of options. */
import { UsageError } from "../errors.ts";
import { parameterValue } from "./parameter-values.ts";

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

/** Separates name and value of `-p NAME VALUE` in one argument; no name holds it. */
const separator = "\u0000";

/** The options of parameters in papermill's spellings, and ours. */
const parameterOptions: Readonly<Record<string, string>> = {
  "-p": "-p",
  "--parameters": "-p",
  "-r": "-r",
  "--parameters-raw": "-r",
  "--parameters_raw": "-r",
};

/** The option of a parameter that an argument is or begins with, and what stands behind it in the same argument. */
function parameterOption(arg: string): { option: string; attached: string | undefined } | undefined {
  const at = arg.indexOf("=");
  const name = arg.startsWith("--") ? (at < 0 ? arg : arg.slice(0, at)) : arg.slice(0, 2);
  const option = Object.hasOwn(parameterOptions, name) ? parameterOptions[name] : undefined;
  if (option === undefined) {
    return undefined;
  }
  const rest = arg.slice(name.length);
  return { option, attached: rest === "" ? undefined : rest.replace(/^=/, "") };
}

/**
 * `-p NAME VALUE` takes two arguments, which option parsers do not know: they are made one. So are `-pNAME VALUE`, `--parameters=NAME VALUE` and
 * NAME=VALUE in one argument.
 */
export function joinParameters(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string;
    if (arg === "--") {
      return [...joined, ...args.slice(index)];
    }
    const found = parameterOption(arg);
    if (found === undefined) {
      joined.push(/^--parameters_(?:file|yaml|base64)(?:=|$)/.test(arg) ? arg.replace("_", "-") : arg);
      continue;
    }
    const name = found.attached ?? args[++index];
    if (name?.includes("=")) {
      const at = name.indexOf("=");
      joined.push(found.option, name.slice(0, at) + separator + name.slice(at + 1));
      continue;
    }
    const value = args[++index];
    if (name === undefined || value === undefined) {
      throw new UsageError(`${arg} needs a name and a value, for instance: ${found.option} epochs 3`);
    }
    joined.push(found.option, name + separator + value);
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
