/** `%time`, `%timeit` and `%%timeit` as TypeScript. */
import { maskLiterals } from "../types/declarations.ts";
import { MagicError } from "./magic-error.ts";

/** TypeScript, and where in its first line stands what the user wrote behind the magic. */
export interface TimedCode {
  readonly code: string;
  /** Where that begins, from 0. */
  readonly at: number;
  /** How many characters behind the magic it begins there: its options stand before it. */
  readonly skipped: number;
}

/** Statements, whose declarations have to stay the cell's: an arrow function would keep them. */
const statement =
  /^(?:(?:let|const|var|class|abstract|enum|interface|namespace|declare|export|if|for|while|do|switch|try|throw|await\s+using|using)\b|(?:async\s+)?function\b|type\s+[\p{ID_Start}$_])/u;

/** `%time` and what is to be timed: an expression, which is shown, or statements. */
export function timeLine(args: string): TimedCode {
  const code = withoutEnd(args, "%time");
  if (isStatements(code)) {
    const start = "$convbook.startTimer(); ";
    return { code: `${start}${code}; $convbook.stopTimer();`, at: start.length, skipped: 0 };
  }
  const start = "await $convbook.time(async () => (";
  return { code: `${start}${code}));`, at: start.length, skipped: 0 };
}

/** `%timeit` and what is to be timed, over and over in a function of its own. */
export function timeitLine(args: string): TimedCode {
  const { options, rest, skipped } = timeitOptions(args, "%timeit");
  const code = withoutEnd(rest, "%timeit");
  const start = `await $convbook.timeit(${options}, () => ${asyncIf(code)}() => ${isStatements(code) ? "{ " : "("}`;
  return { code: `${start}${code}${isStatements(code) ? " }" : ")"});`, at: start.length, skipped };
}

/** `%%timeit`, what is to be done before each run, and a cell. */
export function timeitCell(args: string, body: string): TimedCode {
  const { options, rest, skipped } = timeitOptions(args, "%%timeit");
  if (body.trim() === "") {
    throw new MagicError("%%timeit needs a cell below its line; what stands in the line is done before each run");
  }
  const start = `await $convbook.timeit(${options}, ${asyncIf(rest)}() => { `;
  return { code: `${start}${rest}; return ${asyncIf(body)}() => {\n${body}\n}; });`, at: start.length, skipped };
}

function asyncIf(code: string): string {
  return /\bawait\b/.test(maskLiterals(code)) ? "async " : "";
}

function isStatements(code: string): boolean {
  return (
    statement.test(code) ||
    [...maskLiterals(code)].some((_, i, all) => all[i] === ";" && depthOf(all.slice(0, i)) === 0)
  );
}

/** How many brackets are open behind characters. */
function depthOf(characters: readonly string[]): number {
  return characters.reduce((depth, one) => depth + ("({[".includes(one) ? 1 : ")}]".includes(one) ? -1 : 0), 0);
}

/** What is to be timed, without a comment behind it and its semicolon. */
function withoutEnd(args: string, magic: string): string {
  const code = args
    .replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\/\/.*$/g, (token) =>
      token.startsWith("//") ? "" : token,
    )
    .replace(/[;\s]+$/, "");
  if (/^import\b(?!\s*[(.])/.test(code)) {
    throw new MagicError(
      `${magic} cannot time an import: those of a cell are made before all else in it. Begin the cell with %%time instead`,
    );
  }
  if (code === "") {
    throw new MagicError(`${magic} needs something to time behind it in its line; %%time times a cell`);
  }
  if (depthOf([...maskLiterals(code)]) > 0) {
    throw new MagicError(
      `${magic} times what is in its line, and there is more to come behind ${JSON.stringify(code)}. Begin the cell with %${magic} to time all of it`,
    );
  }
  return code;
}

function timeitOptions(args: string, magic: string): { options: string; rest: string; skipped: number } {
  let rest = args;
  const options: Record<string, number> = {};
  for (let match = nextOption(rest); match !== null; match = nextOption(rest)) {
    const [all, name = "", value] = match;
    if (!/^[nr]$/.test(name) || value === undefined || Number(value) < 1) {
      throw new MagicError(
        `${magic} takes -n LOOPS and -r RUNS, whole numbers from 1, got ${JSON.stringify(all.trim())}`,
      );
    }
    options[name === "n" ? "loops" : "runs"] = Number(value);
    rest = rest.slice(all.length);
  }
  return { options: JSON.stringify(options), rest, skipped: args.length - rest.length };
}

function nextOption(text: string): RegExpExecArray | null {
  return /^-([a-z])(?:\s*(\d+))?(?:\s+|$)/.exec(text);
}
