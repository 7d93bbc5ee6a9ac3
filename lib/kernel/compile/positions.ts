/** Positions between a cell's TypeScript and the script that was made of it. Lines and columns count from 1 in both. */
import { eachMapping, originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { resultOffset, type Segment, sourceOffset } from "./segments.ts";

/** What is needed of a compiled cell or module to find positions. */
export interface Compiled {
  readonly code: string;
  readonly js: string;
  readonly segments: readonly Segment[];
  readonly map: string;
}

export interface Position {
  readonly line: number;
  /** In UTF-16 units. */
  readonly column: number;
}

export class Positions {
  readonly #segments: readonly Segment[];
  readonly #codeLines: number[];
  readonly #jsLines: number[];
  readonly #trace: TraceMap;

  constructor({ code, js, segments, map }: Compiled) {
    this.#segments = segments;
    this.#codeLines = lineStarts(code);
    this.#jsLines = lineStarts(js);
    this.#trace = new TraceMap(map);
  }

  /** The position in the TypeScript of one in the script; undefined in what the compiler added. */
  original(line: number, column: number): Position | undefined {
    const offset = sourceOffset(this.#segments, (this.#codeLines[line - 1] ?? 0) + column - 1);
    if (offset === undefined) {
      return undefined;
    }
    const jsLine = lineOf(this.#jsLines, offset);
    const found = originalPositionFor(this.#trace, { line: jsLine + 1, column: offset - (this.#jsLines[jsLine] ?? 0) });
    return found.line === null ? undefined : { line: found.line, column: found.column + 1 };
  }

  /** The first position in the script that a line of the TypeScript, or else the next line with code, became. */
  generated(line: number): Position | undefined {
    let best: { readonly line: number; readonly offset: number } | undefined;
    eachMapping(this.#trace, ({ originalLine, generatedLine, generatedColumn }) => {
      if (originalLine === null || originalLine < line || (best !== undefined && originalLine > best.line)) {
        return;
      }
      const offset = resultOffset(this.#segments, (this.#jsLines[generatedLine - 1] ?? 0) + generatedColumn);
      if (offset !== undefined && (best === undefined || originalLine < best.line || offset < best.offset)) {
        best = { line: originalLine, offset };
      }
    });
    if (best === undefined) {
      return undefined;
    }
    const at = lineOf(this.#codeLines, best.offset);
    return { line: at + 1, column: best.offset - (this.#codeLines[at] ?? 0) + 1 };
  }
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
