/** Stack traces in the cells' own lines: compiled positions go back to TypeScript, the kernel's frames are left out. */
import { type Compiled, type Position, Positions } from "../compile/positions.ts";
import { items, userGlobal } from "./realm.ts";

/** What is kept of a compiled cell or module for its stack traces. */
export interface CompiledSource extends Compiled {
  /** The TypeScript that the user wrote. */
  readonly source: string;
}

interface Known {
  readonly compiled: CompiledSource;
  positions?: Positions;
}

const sources = new Map<string, Known>();
const ownFolder = new URL("..", import.meta.url).href;

/** Remembers how the script named `file` was compiled. */
export function registerSource(file: string, compiled: CompiledSource): void {
  sources.set(file, { compiled });
}

export function sourceOf(file: string): string | undefined {
  return sources.get(file)?.compiled.source;
}

/** The position in the user's TypeScript of a position in a compiled script. */
export function originalPosition(file: string, line: number, column: number): Position | undefined {
  const known = sources.get(file);
  if (known === undefined) {
    return undefined;
  }
  known.positions ??= new Positions(known.compiled);
  return known.positions.original(line, column);
}

function formatFrame(frame: NodeJS.CallSite): string | undefined {
  const file = frame.getFileName() ?? "";
  if (file.startsWith(ownFolder) || /^node:(?:internal\/|vm$|async_hooks$|events$|timers$)/.test(file)) {
    return undefined;
  }
  const text = frame.toString();
  const line = frame.getLineNumber();
  const column = frame.getColumnNumber();
  if (line === null || column === null || !sources.has(file)) {
    return text;
  }
  const original = originalPosition(file, line, column);
  const at = `${file}:${line}:${column}`;
  return text.replace(at, original === undefined ? file : `${file}:${original.line}:${original.column}`);
}

/** Makes `error.stack` show the user's lines from now on. */
export function installStackTraces(): void {
  const prepare = (error: Error, frames: NodeJS.CallSite[]): string => {
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
