/** Values of parameters as they are given: on the command line, in files of YAML and JSON, as YAML and as Base64. */
import { readFileSync } from "node:fs";
import { isScalar, parseDocument, type Scalar, visit } from "yaml";
import { UsageError } from "../errors.ts";
import { parseJsonText } from "../notebook/json/index.ts";
import { asWritten } from "../run/as-written.ts";
import { numberAsWritten, SpelledNumber } from "../run/spelled-number.ts";

/** A parameter's value: a number, true, false, null, a list or object in JSON, else the text itself. */
export function parameterValue(text: string): unknown {
  if (/^(true|false)$/i.test(text)) {
    return text.toLowerCase() === "true";
  }
  if (/^(null|none)$/i.test(text)) {
    return null;
  }
  // Python reads 1_000 as a number, and so does papermill.
  const digits = text.replace(/(?<=\d)_(?=\d)/g, "");
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(digits)) {
    return numberAsWritten(digits);
  }
  const [, minus, word] = /^(?:\+|(-))?(nan|inf(?:inity)?)$/i.exec(text) ?? [];
  if (word !== undefined) {
    return /^nan$/i.test(word) ? Number.NaN : minus === undefined ? Infinity : -Infinity;
  }
  if (/^[[{"]/.test(text)) {
    try {
      return asWritten(parseJsonText(text));
    } catch {
      return text;
    }
  }
  return text;
}

/** Parameters from a file of YAML or JSON. */
export function parameterFile(path: string): Record<string, unknown> {
  const what = `the parameter file ${path}`;
  return read(what, () => {
    const text = readFileSync(path, "utf8");
    // NaN, Infinity and tabs between values are JSON of Python's kind, but not YAML.
    return path.endsWith(".json") ? asWritten(parseJsonText(text)) : yamlValue(text);
  });
}

/** Parameters from YAML on the command line. */
export function parameterYaml(text: string): Record<string, unknown> {
  return read(`the YAML of --parameters-yaml ${JSON.stringify(text)}`, () => yamlValue(text));
}

/** Parameters from YAML in Base64 on the command line, which no shell takes apart. */
export function parameterBase64(text: string): Record<string, unknown> {
  return read(`the YAML in Base64 of --parameters-base64 ${JSON.stringify(text)}`, () => {
    const plain = text.replace(/\s/g, "");
    const bytes = Buffer.from(plain, "base64");
    if (bytes.toString("base64").replace(/=+$/, "") !== plain.replace(/=+$/, "")) {
      throw new Error("it is not Base64");
    }
    return yamlValue(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  });
}

/** Names with values; where there is nothing but comments, none, as papermill has it. */
function read(what: string, parse: () => unknown): Record<string, unknown> {
  let value: unknown;
  try {
    value = parse();
  } catch (error) {
    throw new UsageError(`${what} cannot be read: ${(error as Error).message}`);
  }
  if (value === null) {
    return {};
  }
  if (!(value instanceof Map)) {
    throw new UsageError(`${what} must hold names with values`);
  }
  return Object.fromEntries(value);
}

/**
 * A value of YAML 1.2, with the switches and integers of 1.1, numbers as they are spelled, and objects as maps, which keep the order of their
 * keys.
 */
function yamlValue(text: string): unknown {
  const document = parseDocument(text, { merge: true });
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw problem;
  }
  visit(document, {
    Scalar(key, scalar) {
      readScalar(scalar, key === "key");
    },
    Collection(_, collection) {
      checkTag(collection.tag);
    },
    Pair(_, { key }) {
      // A name or a key is text, whatever it looks like.
      if (isScalar(key) && typeof key.source === "string") {
        key.value = key.source;
      }
    },
  });
  return document.toJS({ mapAsMap: true });
}

/** What PyYAML reads as true or false, beside `true` and `false`. */
const switches = /^(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$/;

const tags = "str int float bool null seq map".split(" ").map((name) => `tag:yaml.org,2002:${name}`);

/** A set would come out empty, and bytes as an object. */
function checkTag(tag: string | undefined): void {
  if (tag !== undefined && !tags.includes(tag)) {
    throw new Error(`a value has the tag ${tag.replace("tag:yaml.org,2002:", "!!")}, and no parameter can be that`);
  }
}

/** Gives a scalar the value that papermill reads, which is YAML 1.1: `flag: no` is false, where a text "no" would count as true. */
function readScalar(scalar: Scalar, isKey: boolean): void {
  const { value, source = "", tag } = scalar;
  checkTag(tag);
  if (isKey) {
    return;
  }
  if (tag?.endsWith(":float") && typeof value === "string") {
    scalar.value = floatOf(value);
  } else if (tag?.endsWith(":bool") && switches.test(source)) {
    scalar.value = /^(yes|on)$/i.test(source);
  } else if (tag === undefined && scalar.type === "PLAIN") {
    scalar.value = switches.test(source) ? /^(yes|on)$/i.test(source) : plainValue(value, source);
  }
}

/** @throws Error where it is no number */
function floatOf(text: string): number | SpelledNumber {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    throw new Error(`${JSON.stringify(text)} is said to be a float`);
  }
  return numberAsWritten(/^[+-]?\d+$/.test(text) ? `${text}.0` : text);
}

/** What stands there without quotation marks: numbers, where it may be one. */
function plainValue(value: unknown, source: string): unknown {
  const digits = source.replaceAll("_", "");
  const [, sign, base, number] =
    /^([+-]?)(0[xob])([\da-f]+)$/i.exec(/^[+-]?0[xb]/.test(source) ? digits : source) ?? [];
  if (base !== undefined) {
    // 0xff and 0o17, which not every language has.
    const isNumber = { x: /./, o: /^[0-7]+$/, b: /^[01]+$/ }[base[1] as "x" | "o" | "b"]?.test(number ?? "");
    return isNumber ? new SpelledNumber(String(BigInt(base + number) * (sign === "-" ? -1n : 1n))) : value;
  }
  if (/^[+-]?0[\d_]*\d$/.test(source)) {
    // PyYAML takes 08001 for text, which keeps its zero.
    if (/[89]/.test(source)) {
      return source;
    }
    const octal = digits.replace(/^([+-]?)0+(?=\d)/, "$10o");
    throw new Error(
      `${source} is an octal number to papermill, and none to YAML 1.2: write ${octal}, or ${JSON.stringify(source)} for a text`,
    );
  }
  if (/^[+-]?\d[\d_]*(\.[\d_]*)?$/.test(source) && source.includes("_")) {
    return numberAsWritten(digits);
  }
  return typeof value === "number" && Number.isFinite(value) ? numberAsWritten(source) : value;
}
