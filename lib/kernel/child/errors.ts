/** What a thrown value looks like in a notebook: name, message, and a traceback with the lines of the cell. */
import { inspect, types } from "node:util";
import { codeFrame } from "../compile/code-frame.ts";
import { guardedMessageOf } from "../values.ts";
import { items } from "./realm.ts";
import { sourceOf } from "./stack.ts";

/** The fields of Jupyter's error message. */
export interface ErrorContent {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

const red = (text: string) => `\u001b[31m${text}\u001b[39m`;
const dim = (text: string) => `\u001b[2m${text}\u001b[22m`;

/** How many errors one traceback tells of, and how many of those that an AggregateError has. */
const mostErrors = 40;
const mostInner = 10;

/** Describes anything that a cell threw, with its own properties, its causes and the errors that it gathers. */
export function describeError(thrown: unknown): ErrorContent {
  try {
    const { ename, evalue } = nameAndValue(thrown);
    const traceback: string[] = [];
    describe(thrown, "", "", traceback, new Set());
    return { ename, evalue, traceback };
  } catch {
    const { ename, evalue } = unreadable;
    return { ename, evalue, traceback: [`${red(ename)}: ${evalue}`] };
  }
}

const unreadable = { ename: "Error", evalue: "a thrown value that cannot be shown" };

function describe(error: unknown, intro: string, indent: string, out: string[], seen: Set<unknown>): void {
  if (seen.size >= mostErrors) {
    return;
  }
  const first = seen.size === 0;
  const { ename, evalue } = nameAndValue(error);
  const text = isErrorLike(error) || first ? `${red(ename)}: ${evalue}` : evalue;
  const lines = [`${intro}${text}`];
  if (seen.has(error)) {
    lines.push("(described above)");
  } else {
    seen.add(error);
    lines.push(...frames(error, first), ...ownProperties(error));
  }
  out.push(...lines.map((line) => indented(line, indent)));
  if (lines.at(-1) === "(described above)" || !isErrorLike(error)) {
    return;
  }
  const inner = property(error, "errors");
  if (Array.isArray(inner)) {
    const all = items<unknown>(inner);
    all.slice(0, mostInner).forEach((one, i) => {
      describe(one, `[${i + 1}/${all.length}] `, `${indent}  `, out, seen);
    });
    if (all.length > mostInner) {
      out.push(`${indent}  and ${all.length - mostInner} more`);
    }
  }
  const cause = property(error, "cause");
  if (cause !== undefined) {
    describe(cause, "Caused by ", indent, out, seen);
  }
  if (isSuppressed(error)) {
    describe(property(error, "error"), "Thrown while another error was on its way: ", indent, out, seen);
    describe(property(error, "suppressed"), "The other error: ", indent, out, seen);
  }
}

/** Whether it is what `using` throws where disposing fails while an error is on its way. */
function isSuppressed(error: object): boolean {
  return property(error, "error") !== undefined && property(error, "suppressed") !== undefined;
}

function indented(text: string, indent: string): string {
  return indent === "" ? text : text.replace(/^/gm, indent);
}

/** A property, or nothing where reading it throws. */
function property(value: unknown, name: string): unknown {
  try {
    return (value as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

function isErrorLike(value: unknown): value is object {
  return (
    types.isNativeError(value) ||
    (typeof value === "object" && value !== null && typeof property(value, "message") === "string")
  );
}

/** A property as text, whatever it is; undefined where it has none. */
function textOf(value: unknown, name: string): string | undefined {
  try {
    const text = property(value, name);
    return text === undefined || text === null || text === "" ? undefined : String(text);
  } catch {
    return undefined;
  }
}

function nameAndValue(thrown: unknown): { ename: string; evalue: string } {
  try {
    if (isErrorLike(thrown)) {
      const name = textOf(thrown, "name") ?? textOf(property(thrown, "constructor"), "name") ?? "Error";
      const errors = property(thrown, "errors");
      const inner = Array.isArray(errors)
        ? items<unknown>(errors)
            .slice(0, mostInner)
            .map((error) => `\n  ${isErrorLike(error) ? guardedMessageOf(error) : nameAndValue(error).evalue}`)
            .join("")
        : "";
      return { ename: name, evalue: `${guardedMessageOf(thrown)}${inner}` };
    }
    return { ename: "Thrown", evalue: String(inspect(thrown)) };
  } catch {
    return unreadable;
  }
}

/** What the traceback shows of an error by other means. */
const shownOtherwise = new Set(["name", "message", "stack", "cause"]);

function isShownOtherwise(error: object, name: string): boolean {
  return (
    shownOtherwise.has(name) ||
    (name === "errors" && Array.isArray(property(error, name))) ||
    ((name === "error" || name === "suppressed") && isSuppressed(error))
  );
}

/** The properties that an error has of its own, such as a system error's code and path. */
function ownProperties(error: unknown): string[] {
  try {
    if (!isErrorLike(error)) {
      return [];
    }
    const own: Record<string, unknown> = Object.create(null);
    for (const name of Object.keys(error)) {
      if (!isShownOtherwise(error, name)) {
        Object.defineProperty(own, name, Object.getOwnPropertyDescriptor(error, name) ?? {});
      }
    }
    if (Object.keys(own).length === 0) {
      return [];
    }
    const text = inspect(own, { depth: 2, maxArrayLength: 20, maxStringLength: 1000, breakLength: 100 });
    return [text.replace(/^\[Object: null prototype\] /, "")];
  } catch {
    return [];
  }
}

function frames(error: unknown, withCode: boolean): string[] {
  const stack = isErrorLike(error) ? property(error, "stack") : undefined;
  if (typeof stack !== "string") {
    return [];
  }
  const lines = stack.split("\n").filter((line) => /^\s+at /.test(line));
  const at = withCode
    ? lines
        .map((line) => /(?:^\s+at |\()((?:In \[|\/|[A-Za-z]:\\).*):(\d+):(\d+)\)?$/.exec(line))
        .find((match) => match && sourceOf(match[1] ?? "") !== undefined)
    : undefined;
  const source = at ? sourceOf(at[1] ?? "") : undefined;
  const shown = lines.map((line) => dim(line));
  return at && source !== undefined ? [codeFrame(source, Number(at[2]), Number(at[3])), ...shown] : shown;
}
