/** Why a check failed, for the student: of an error whatever is theirs, and nothing of the test. */
import type { Reason } from "../results/index.ts";
import { CheckError } from "./check-error.ts";

/** What a failed check says. */
export type Failure = Pick<Reason, "message" | "got" | "expected">;

/** The most characters of a message, and of a value. */
const longest = 400;

/**
 * @param error What a check threw.
 * @param test The cell of the test, as stacks name it: messages of errors that were thrown there may quote it.
 */
export function failureOf(error: unknown, test: string | undefined): Failure {
  if (error instanceof CheckError) {
    const { message, got, expected } = error;
    return {
      message: short(message),
      ...(got !== undefined && { got: short(got) }),
      ...(expected !== undefined && { expected: short(expected) }),
    };
  }
  if (!(error instanceof Error)) {
    return { message: "The code threw something that is no error" };
  }
  const name = /^[\w$]{1,60}$/.test(String(error.name)) ? error.name : "Error";
  if (name === "NotDoneYet") {
    return { message: short(String(error.message)) };
  }
  const mine = test === undefined || ![undefined, test].includes(cellOf(String(error.stack)));
  return mine
    ? { message: short(`Your code ended with ${name}: ${error.message}`) }
    : // Such a message can name what only the test knows.
      { message: `The check ended with ${name}: what your code gives cannot be used as the task asks` };
}

function short(text: string): string {
  const line = text.split("\n", 1)[0] ?? "";
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}

/**
 * The cell in which the topmost frame of a stack is that belongs to one. Kernels name cells, such as `In [3]`; all else has a path or an address.
 *
 * @returns The cell's name; undefined where there is none, as outside of a notebook.
 */
export function cellOf(stack: string): string | undefined {
  for (const line of stack.split("\n")) {
    const [, file] = /^\s*at (?:.*? \()?([^/\\():]+):\d+:\d+\)?$/.exec(line) ?? [];
    if (file !== undefined && !/^(?:native|<anonymous>)$/.test(file)) {
      return file;
    }
  }
  return undefined;
}
