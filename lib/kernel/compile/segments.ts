/** Text put together from pieces of another text, with the way back from its offsets to theirs. */

/** `length` characters from `from` in the source stand at `to` in the result. */
export type Segment = readonly [to: number, from: number, length: number];

export class SegmentedText {
  readonly #source: string;
  readonly #parts: string[] = [];
  readonly segments: Segment[] = [];
  #length = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** Appends text that has no counterpart in the source. */
  add(text: string): this {
    this.#parts.push(text);
    this.#length += text.length;
    return this;
  }

  /** Appends source[start, end). */
  copy(start: number, end: number): this {
    if (end > start) {
      this.segments.push([this.#length, start, end - start]);
      this.add(this.#source.slice(start, end));
    }
    return this;
  }

  toString(): string {
    return this.#parts.join("");
  }
}

/**
 * The source offset of an offset in the result: within a piece exactly, between pieces the nearest piece to the left.
 *
 * @returns The offset, or undefined before the first piece.
 */
export function sourceOffset(segments: readonly Segment[], offset: number): number | undefined {
  let low = 0;
  let high = segments.length - 1;
  let found: Segment | undefined;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const segment = segments[middle] as Segment;
    if (segment[0] <= offset) {
      found = segment;
      low = middle + 1;
    } else {
      high = middle - 1;
    }
  }
  return found === undefined ? undefined : found[1] + Math.min(offset - found[0], found[2]);
}

/** The result offset of a source offset, or undefined when that character was left out. */
export function resultOffset(segments: readonly Segment[], offset: number): number | undefined {
  const segment = segments.find(([, from, length]) => offset >= from && offset < from + length);
  return segment === undefined ? undefined : segment[0] + offset - segment[1];
}
