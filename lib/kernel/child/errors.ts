/** What a thrown value looks like in a notebook: name, message, and a traceback with the lines of the cell. */
import { inspect } from "node:util";
import { codeFrame } from "../compile/code-frame.ts";
import { sourceOf } from "./stack.ts";

/** The fields of Jupyter's error message. */
export interface ErrorContent {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

const red = (text: string) => `\u001b[31m${text}\u001b[39m`;
const dim = (text: string) => `\u001b[2m${text}\u001b[22m`;

/** Describes anything that a cell threw, with its chain of causes. */
export function describeError(thrown: unknown): ErrorContent {
  const { ename, evalue } = nameAndValue(thrown);
  const traceback: string[] = [];
  const seen = new Set<unknown>();
  for (let error = thrown, first = true; first || (error !== undefined && !seen.has(error)); first = false) {
    seen.add(error);
    const described = nameAndValue(error);
    traceback.push(`${first ? "" : "Caused by "}${red(described.ename)}: ${described.evalue}`);
    traceback.push(...frames(error, first));
    error = isErrorLike(error) ? (error as { cause?: unknown }).cause : undefined;
  }
  return { ename, evalue, traceback };
}

function isErrorLike(value: unknown): value is Error {
  return typeof value === "object" && value !== null && typeof (value as Error).message === "string";
}

function nameAndValue(thrown: unknown): { ename: string; evalue: string } {
  try {
    if (isErrorLike(thrown)) {
      const name = thrown.name || thrown.constructor?.name || "Error";
      const errors = (thrown as { errors?: unknown }).errors;
      const inner = Array.isArray(errors) ? errors.map((error) => `\n  ${nameAndValue(error).evalue}`).join("") : "";
      return { ename: String(name), evalue: `${thrown.message}${inner}` };
    }
    return { ename: "Thrown", evalue: inspect(thrown) };
  } catch {
    return { ename: "Error", evalue: "a thrown value that cannot be shown" };
  }
}

function frames(error: unknown, withCode: boolean): string[] {
  let stack: unknown;
  try {
    stack = isErrorLike(error) ? error.stack : undefined;
  } catch {
    return [];
  }
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
