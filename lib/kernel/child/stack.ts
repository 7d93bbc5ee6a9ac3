/** Stack traces in the cells' own lines: compiled positions go back to TypeScript, the kernel's frames are left out. */
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { type Segment, sourceOffset } from "../compile/segments.ts";

/** What is kept of a compiled cell or module for its stack traces. */
export interface CompiledSource {
  readonly code: string;
  readonly js: string;
  readonly segments: readonly Segment[];
  readonly map: string;
  /** The TypeScript that the user wrote. */
  readonly source: string;
}

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
}

interface Known extends CompiledSource {
  codeLines?: number[];
  jsLines?: number[];
  trace?: TraceMap;
}

const sources = new Map<string, Known>();
const ownFolder = new URL("..", import.meta.url).href;

/** Remembers how the script named `file` was compiled. */
export function registerSource(file: string, source: CompiledSource): void {
  sources.set(file, { ...source });
}

export function sourceOf(file: string): string | undefined {
  return sources.get(file)?.source;
}

/** The position in the user's TypeScript of a position in a compiled script. */
export function originalPosition(file: string, line: number, column: number): Position | undefined {
  const known = sources.get(file);
  if (known === undefined) {
    return undefined;
  }
  known.codeLines ??= lineStarts(known.code);
  known.jsLines ??= lineStarts(known.js);
  const offset = sourceOffset(known.segments, (known.codeLines[line - 1] ?? 0) + column - 1);
  if (offset === undefined) {
    return undefined;
  }
  const jsLine = lineOf(known.jsLines, offset);
  known.trace ??= new TraceMap(known.map);
  const found = originalPositionFor(known.trace, { line: jsLine + 1, column: offset - (known.jsLines[jsLine] ?? 0) });
  return found.line === null ? undefined : { line: found.line, column: found.column + 1 };
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
    starts.push(at + 1);
  }
  return starts;
}

function lineOf(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= offset) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

function formatFrame(frame: NodeJS.CallSite): string | undefined {
  const file = frame.getFileName() ?? "";
  if (
    file.startsWith(ownFolder) ||
    file.startsWith("node:internal/") ||
    file === "node:vm" ||
    file === "node:async_hooks"
  ) {
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
  Error.prepareStackTrace = (error, frames) => {
    let header: string;
    try {
      header = Error.prototype.toString.call(error);
    } catch {
      header = "Error";
    }
    const lines = frames.map(formatFrame).filter((line) => line !== undefined);
    return [header, ...lines.map((line) => `    at ${line}`)].join("\n");
  };
  Error.stackTraceLimit = 30;
}
