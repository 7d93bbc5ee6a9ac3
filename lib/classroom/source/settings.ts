/** `class.yaml`: what an assignment says about itself. */
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { nearestName } from "nbconvert-ts-runner";
import { type Document, isNode, LineCounter, parseDocument } from "yaml";
import { ClassroomError } from "../errors.ts";
import { firstLine, leastMemory } from "../values.ts";
import { textOf } from "./places.ts";

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

/** What is wrong inside of a setting. */
interface Fault {
  /** The names that lead there from the setting. */
  readonly at: readonly string[];
  readonly got: unknown;
  readonly expected: string;
}

/** More than any machine of a class has. */
const mostThreads = 1024;

/** For each setting: puts a value into the draft, or returns what was expected instead, of it or of something in it. */
const setters: { readonly [Key in keyof ClassSettings]: (draft: Draft, value: unknown) => string | Fault | undefined } =
  {
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
      if (bytes < leastMemory) {
        return "at least 32M for a kernel; a number without a unit is bytes";
      }
      draft.memory = bytes;
    },
    threads: (draft, value) => {
      if (!isNumber(value) || !Number.isInteger(value) || value < 1 || value > mostThreads) {
        return `a whole number from 1 to ${mostThreads}`;
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
      const fault = variantsFault(value);
      if (fault !== undefined) {
        return fault;
      }
      draft.variants = value as ClassSettings["variants"];
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
  const other = path.replace(/\.yaml$/, ".yml");
  if (!existsSync(path) && existsSync(other)) {
    throw new ClassroomError(other, `is not read; call it ${basename(path)}`);
  }
  return existsSync(path)
    ? parseSettings(textOf(readFileSync(path), path), path, name)
    : { ...defaultSettings, title: name };
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
  const lineOf = (offset: number) => `line ${lines.linePos(offset).line}: `;
  const [error] = document.errors;
  if (error !== undefined) {
    const what = error.code === "DUPLICATE_KEY" ? "this setting is there already" : `is not YAML: ${error.message}`;
    throw new ClassroomError(path, lineOf(error.pos[0]) + what);
  }
  const json = asValues(document, path);
  if (!isRecord(json)) {
    throw new ClassroomError(path, "holds no settings; expected lines such as title: Residual blocks");
  }
  const problems: string[] = [];
  const settings: Draft = { ...defaultSettings, title: name };
  for (const [key, value] of Object.entries(json)) {
    const line = (...at: string[]) => {
      const node = document.getIn([key, ...at], true);
      return isNode(node) && node.range ? lineOf(node.range[0]) : "";
    };
    if (!isSetting(key)) {
      const near = nearestName(key, Object.keys(setters));
      const advice = near === undefined ? `known are ${Object.keys(setters).join(", ")}` : `did you mean "${near}"?`;
      problems.push(`${line()}unknown setting "${key}"; ${advice}`);
      continue;
    }
    const fault = setters[key](settings, value);
    if (typeof fault === "string") {
      problems.push(`${line()}${key} is ${show(value)}; expected ${fault}`);
    } else if (fault !== undefined) {
      problems.push(
        `${line(...fault.at)}${[key, ...fault.at].join(", ")} is ${show(fault.got)}; expected ${fault.expected}`,
      );
    }
  }
  if (problems.length > 0) {
    throw new ClassroomError(path, problems);
  }
  return settings;
}

function asValues(document: Document, path: string): unknown {
  try {
    return document.toJS() ?? {};
  } catch (error) {
    // Anchors that lead nowhere, or to too much.
    throw new ClassroomError(path, `is not YAML: ${firstLine(error)}`);
  }
}

/** A value of a stranger's file, short enough for a message. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
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

function variantsFault(value: unknown): string | Fault | undefined {
  if (!isRecord(value) || Object.keys(value).length === 0) {
    return "names, each with its values, such as a: { growth: 12 }";
  }
  for (const [name, values] of Object.entries(value)) {
    if (!/^[\w-]+$/.test(name)) {
      return { at: [name], got: values, expected: "a name of letters, digits, _ and - for it" };
    }
    if (!isRecord(values)) {
      return { at: [name], got: values, expected: "values such as { growth: 12 }" };
    }
    const unnamed = Object.keys(values).find((each) => !/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(each));
    if (unnamed !== undefined) {
      return { at: [name, unnamed], got: values[unnamed], expected: "the name of a variable for it" };
    }
    const wrong = Object.entries(values).find(
      ([, each]) => !isNumber(each) && typeof each !== "string" && typeof each !== "boolean",
    );
    if (wrong !== undefined) {
      return { at: [name, wrong[0]], got: wrong[1], expected: "a number, a text, true or false" };
    }
  }
  return undefined;
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
