/** `class.yaml`: what an assignment says about itself. */
import { existsSync, readFileSync } from "node:fs";
import { nearestName } from "nbconvert-ts-runner";
import { isNode, LineCounter, parseDocument } from "yaml";
import { ClassroomError } from "../errors.ts";

/** What may differ between students' notebooks: values for the variables of the cell tagged `parameters`. */
export type VariantValues = Readonly<Record<string, number | string | boolean>>;

/** The settings of an assignment, with what is so where the file does not say. */
export interface ClassSettings {
  /** Default: the name of the folder or the notebook. */
  readonly title: string;
  /** When it is to be handed in, as an ISO 8601 date or time; null where nobody waits. */
  readonly due: string | null;
  /** The sum of all points, where the teacher wants it checked; null otherwise. */
  readonly points: number | null;
  /** By it students get their variants, and tests their random numbers; default 0. */
  readonly seed: number;
  /** Seconds for each cell; default 60. */
  readonly timeout: number;
  /** Bytes for a kernel with what it starts; default 2 GiB. */
  readonly memory: number;
  /** Threads that the engine may use; default 1, so that numbers are the same on every desk. */
  readonly threads: number;
  /** Whether submissions may reach the network while they are graded; default false. */
  readonly network: boolean;
  /** How near numbers must come; default 1e-5 of the value, and 1e-8. */
  readonly tolerance: { readonly rtol: number; readonly atol: number };
  /** By name; without any, all students get the same. */
  readonly variants: Readonly<Record<string, VariantValues>>;
}

/** What an assignment without a `class.yaml` has. */
export const defaultSettings: Omit<ClassSettings, "title"> = {
  due: null,
  points: null,
  seed: 0,
  timeout: 60,
  memory: 2 * 2 ** 30,
  threads: 1,
  network: false,
  tolerance: { rtol: 1e-5, atol: 1e-8 },
  variants: {},
};

type Draft = { -readonly [Key in keyof ClassSettings]: ClassSettings[Key] };

/** For each setting: puts a value into the draft, or returns what was expected instead. */
const setters: { readonly [Key in keyof ClassSettings]: (draft: Draft, value: unknown) => string | undefined } = {
  title: (draft, value) => {
    if (typeof value !== "string" || value.trim() === "") {
      return "a text";
    }
    draft.title = value.trim();
  },
  due: (draft, value) => {
    if (typeof value !== "string" || !isDue(value.trim())) {
      return "a date such as 2027-03-31, or a time such as 2027-03-31T18:00+02:00";
    }
    draft.due = value.trim();
  },
  points: (draft, value) => {
    if (!isNumber(value) || value < 0) {
      return "a number that is 0 or more";
    }
    draft.points = value;
  },
  seed: (draft, value) => {
    if (!isNumber(value) || !Number.isInteger(value) || value < 0 || value >= 2 ** 32) {
      return "a whole number from 0 to 4294967295";
    }
    draft.seed = value;
  },
  timeout: (draft, value) => {
    if (!isNumber(value) || value <= 0) {
      return "a number of seconds greater than 0";
    }
    draft.timeout = value;
  },
  memory: (draft, value) => {
    const bytes = memoryBytes(value);
    if (bytes === undefined || bytes <= 0) {
      return "an amount such as 2G or 512M";
    }
    draft.memory = bytes;
  },
  threads: (draft, value) => {
    if (!isNumber(value) || !Number.isInteger(value) || value < 1) {
      return "a whole number that is 1 or more";
    }
    draft.threads = value;
  },
  network: (draft, value) => {
    if (typeof value !== "boolean") {
      return "true or false";
    }
    draft.network = value;
  },
  tolerance: (draft, value) => {
    const { rtol, atol, ...others } = isNumber(value) ? { rtol: value } : isRecord(value) ? value : { rtol: null };
    const { tolerance } = defaultSettings;
    const given = { rtol: rtol ?? tolerance.rtol, atol: atol ?? tolerance.atol };
    if (rtol === null || !isBound(given.rtol) || !isBound(given.atol) || Object.keys(others).length > 0) {
      return "a number, or rtol and atol, each 0 or more";
    }
    draft.tolerance = { rtol: given.rtol, atol: given.atol };
  },
  variants: (draft, value) => {
    if (!isVariants(value)) {
      return "names of letters, digits, _ and -, each with its values: numbers, texts, true or false";
    }
    draft.variants = value;
  },
};

/**
 * Reads the settings of an assignment.
 *
 * @param path The file `class.yaml`; where there is none, the defaults count.
 * @param name What the assignment is called where the file does not say.
 * @throws ClassroomError with all that is wrong, each with its line.
 */
export function readSettings(path: string, name: string): ClassSettings {
  return existsSync(path) ? parseSettings(readFileSync(path, "utf8"), path, name) : { ...defaultSettings, title: name };
}

/**
 * Settings from YAML.
 *
 * @param text The contents of a `class.yaml`.
 * @param path For messages.
 * @param name The title where the text has none.
 * @throws ClassroomError as {@link readSettings} does.
 */
export function parseSettings(text: string, path: string, name: string): ClassSettings {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    throw new ClassroomError(path, `line ${lines.linePos(error.pos[0]).line}: is not YAML: ${error.message}`);
  }
  const json: unknown = document.toJS() ?? {};
  if (!isRecord(json)) {
    throw new ClassroomError(path, "holds no settings; expected lines such as title: Residual blocks");
  }
  const problems: string[] = [];
  const settings: Draft = { ...defaultSettings, title: name };
  for (const [key, value] of Object.entries(json)) {
    const node = document.get(key, true);
    const line = isNode(node) && node.range ? `line ${lines.linePos(node.range[0]).line}: ` : "";
    if (!isSetting(key)) {
      const near = nearestName(key, Object.keys(setters));
      const advice = near === undefined ? `known are ${Object.keys(setters).join(", ")}` : `did you mean "${near}"?`;
      problems.push(`${line}unknown setting "${key}"; ${advice}`);
      continue;
    }
    const expected = setters[key](settings, value);
    if (expected !== undefined) {
      problems.push(`${line}${key} is ${JSON.stringify(value)}; expected ${expected}`);
    }
  }
  if (problems.length > 0) {
    throw new ClassroomError(path, problems);
  }
  return settings;
}

function isSetting(key: string): key is keyof ClassSettings {
  return Object.hasOwn(setters, key);
}

/** An amount of memory in bytes: a number of bytes, or a text with its unit. */
function memoryBytes(value: unknown): number | undefined {
  if (isNumber(value)) {
    return Number.isInteger(value) ? value : undefined;
  }
  const match = typeof value === "string" ? /^(\d+(?:\.\d+)?)\s*([KMGT])i?B?$/i.exec(value.trim()) : null;
  if (match === null) {
    return undefined;
  }
  const [, amount, unit = ""] = match;
  return Math.round(Number(amount) * 1024 ** ("KMGT".indexOf(unit.toUpperCase()) + 1));
}

function isVariants(value: unknown): value is Record<string, VariantValues> {
  return (
    isRecord(value) &&
    Object.entries(value).length > 0 &&
    Object.entries(value).every(
      ([name, values]) =>
        /^[\w-]+$/.test(name) &&
        isRecord(values) &&
        Object.values(values).every((each) => isNumber(each) || typeof each === "string" || typeof each === "boolean"),
    )
  );
}

function isBound(value: unknown): value is number {
  return isNumber(value) && value >= 0;
}

function isDue(text: string): boolean {
  const isTime = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?\s?(Z|[+-]\d\d:?\d\d)?)?$/.test(text);
  return isTime && isDate(text.slice(0, 10)) && !Number.isNaN(Date.parse(text.replace(" ", "T").replace(" ", "")));
}

/** A day that the calendar has: JavaScript takes February 30 for March 2. */
function isDate(day: string): boolean {
  const date = new Date(`${day}T00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
