/** Positions between a cell's TypeScript and the script that was made of it. Lines and columns count from 1 in both. */
import { eachMapping, originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { resultOffset, type Segment, sourceOffset } from "./segments.ts";

/** What is needed of a compiled cell or module to find positions. */
export interface Compiled {
  readonly code: string;
  readonly js: string;
  readonly segments: readonly Segment[];
  /** Source map of `js` to the TypeScript; empty where they are the same. */
  readonly map: string;
}

export interface Position {
  readonly line: number;
  /** In UTF-16 units. */
  readonly column: number;
}

export class Positions {
  readonly #js: string;
  readonly #segments: readonly Segment[];
  readonly #codeLines: number[];
  readonly #jsLines: number[];
  readonly #trace: TraceMap | undefined;

  constructor({ code, js, segments, map }: Compiled) {
    this.#js = js;
    this.#segments = segments;
    this.#codeLines = lineStarts(code);
    this.#jsLines = lineStarts(js);
    this.#trace = map === "" ? undefined : new TraceMap(map);
  }

  /** The position in the TypeScript of one in the script; undefined in what the compiler added. */
  original(line: number, column: number): Position | undefined {
    const offset = sourceOffset(this.#segments, (this.#codeLines[line - 1] ?? 0) + column - 1);
    if (offset === undefined) {
      return undefined;
    }
    const jsLine = lineOf(this.#jsLines, offset);
    const jsColumn = offset - (this.#jsLines[jsLine] ?? 0);
    if (this.#trace === undefined) {
      return { line: jsLine + 1, column: jsColumn + 1 };
    }
    const found = originalPositionFor(this.#trace, { line: jsLine + 1, column: jsColumn });
    return found.line === null ? undefined : { line: found.line, column: found.column + 1 };
  }

  /** The first position in the script that a line of the TypeScript, or else the next line with code, became. */
  generated(line: number): Position | undefined {
    let best: { readonly line: number; readonly offset: number } | undefined;
    if (this.#trace === undefined) {
      const begin = this.#jsLines[line - 1] ?? this.#js.length;
      const start = begin + Math.max(0, this.#js.slice(begin).search(/\S/));
      const piece = this.#segments
        .filter(([, from, length]) => from + length > start)
        .reduce<Segment | undefined>(
          (first, piece) => (first === undefined || piece[1] < first[1] ? piece : first),
          undefined,
        );
      return piece === undefined ? undefined : this.#positionOf(piece[0] + Math.max(0, start - piece[1]));
    }
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
    return this.#positionOf(best.offset);
  }

  /** The position in the script of an offset in it. */
  #positionOf(offset: number): Position {
    const at = lineOf(this.#codeLines, offset);
    return { line: at + 1, column: offset - (this.#codeLines[at] ?? 0) + 1 };
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
    if ((starts[middle] ?? 0) <= offset) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}
