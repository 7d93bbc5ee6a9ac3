/** Stack traces in the cells' own lines: compiled positions go back to TypeScript, the kernel's frames are left out. */
import { fileURLToPath } from "node:url";
import { type Compiled, type Position, Positions } from "../compile/positions.ts";
import { isTypeScript } from "../modules/files.ts";
import { items, userGlobal } from "./realm.ts";

/** What is kept of a compiled cell or module for its stack traces. */
export interface CompiledSource extends Compiled {
  /** The TypeScript that the user wrote. */
  readonly source: string;
  /** By line: how many characters further right a line of it was compiled. */
  readonly shifted?: readonly (readonly [line: number, by: number])[] | undefined;
}

interface Known {
  readonly compiled: CompiledSource;
  positions?: Positions;
}

const sources = new Map<string, Known>();
let finder: ((file: string) => CompiledSource) | undefined;
/** Of the stack that was last made into text: its calls, the kernel's and Node's among them. */
let calls = 0;
const ownFolder = new URL("..", import.meta.url).href;

/** Remembers how the script named `file` was compiled. */
export function registerSource(file: string, compiled: CompiledSource): void {
  sources.set(file, { compiled });
}

/** Has the sources of TypeScript that was compiled elsewhere be found when an error mentions it. */
export function findSources(find: (file: string) => CompiledSource): void {
  finder = find;
}

export function sourceOf(file: string): string | undefined {
  return knownOf(file)?.compiled.source;
}

function knownOf(file: string): Known | undefined {
  const known = sources.get(file);
  if (known !== undefined || finder === undefined || !isTypeScript(file)) {
    return known;
  }
  try {
    registerSource(file, finder(pathOf(file)));
  } catch {
    // Gone, or no TypeScript any more.
  }
  return sources.get(file);
}

/** Modules of Node's loader have addresses. */
function pathOf(file: string): string {
  return file.startsWith("file:") ? fileURLToPath(file) : file;
}

/** The position in the user's TypeScript of a position in a compiled script. */
export function originalPosition(file: string, line: number, column: number): Position | undefined {
  const known = knownOf(file);
  if (known === undefined) {
    return undefined;
  }
  known.positions ??= new Positions(known.compiled);
  const found = known.positions.original(line, column);
  const by = found && known.compiled.shifted?.find(([one]) => one === found.line)?.[1];
  return found && by ? { ...found, column: Math.max(1, found.column - by) } : found;
}

function formatFrame(frame: NodeJS.CallSite): string | undefined {
  const file = frame.getFileName() ?? "";
  if (file.startsWith(ownFolder) || /^node:(?:internal\/|vm$|async_hooks$|events$|timers$)/.test(file)) {
    return undefined;
  }
  const text = frame.toString();
  const line = frame.getLineNumber();
  const column = frame.getColumnNumber();
  if (line === null || column === null || knownOf(file) === undefined) {
    return text;
  }
  const original = originalPosition(file, line, column);
  const place = original === undefined ? "" : `:${original.line}:${original.column}`;
  return text.replace(`${file}:${line}:${column}`, () => pathOf(file) + place);
}

/** Makes `error.stack` show the user's lines from now on. */
export function installStackTraces(): void {
  const prepare = (error: Error, frames: NodeJS.CallSite[]): string => {
    calls = frames.length;
    let header: string;
    try {
      header = Error.prototype.toString.call(error);
    } catch {
      header = "Error";
    }
    const lines = items(frames)
      .map(formatFrame)
      .filter((line) => line !== undefined);
    return [header, ...lines.map((line) => `    at ${line}`)].join("\n");
  };
  for (const realm of new Set([globalThis, userGlobal])) {
    realm.Error.prepareStackTrace = prepare;
    realm.Error.stackTraceLimit = 30;
  }
}

/**
 * Whether more JavaScript is under way than the caller's, as it is where the inspector calls while the thread is busy.
 *
 * @param own The caller's calls.
 */
export function isNested(own: number): boolean {
  // Only who reads a stack has it made into text.
  void new Error().stack;
  return calls > own + 1;
}
