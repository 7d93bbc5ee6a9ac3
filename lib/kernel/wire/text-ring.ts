/**
 * Text of stdout and stderr on its way from the main thread to the agent, which writes it out: a system call for each of
 * a thousand prints would take longer than the prints. Memory shared by both threads; the main thread only appends, so
 * that it can be terminated anywhere, and only the agent takes out.
 *
 * Two rings: one of bytes, and one of marks that say at which byte the text of another cell or stream begins. A loop that
 * prints makes one mark.
 */

import { utf8, utf8Into } from "../child/realm.ts";

export type StreamName = "stdout" | "stderr";

/** Text that one cell wrote to one stream without a break. */
export interface TextRun {
  readonly cell: number;
  readonly name: StreamName;
  readonly text: Buffer;
}

const capacity = 1 << 20;
/** How many marks there is room for, and the int32 of each: the byte that it stands before, cell, stream. */
const mostMarks = 1 << 12;
const markLength = 3;
/** The most bytes that UTF-8 has for one UTF-16 unit. */
export const widest = 3;
/** Where the ends of the rings are kept. Only the main thread moves the heads, only the agent the tails. */
const [head, tail, marksHead, marksTail, endsLength] = [0, 1, 2, 3, 4];
/** How long the main thread waits for the agent before it goes on without it, ms: only one that is gone takes as long. */
const patience = 60_000;

export class TextRing {
  /** What the other thread makes its end of. */
  readonly memory: SharedArrayBuffer;
  readonly #ends: Int32Array;
  readonly #marks: Int32Array;
  readonly #bytes: Uint8Array;
  /** Whose text was appended last, or taken out last. */
  #cell = 0;
  #name: StreamName | undefined;

  constructor(memory = new SharedArrayBuffer(4 * (endsLength + markLength * mostMarks) + capacity)) {
    this.memory = memory;
    this.#ends = new Int32Array(memory, 0, endsLength);
    this.#marks = new Int32Array(memory, 4 * endsLength, markLength * mostMarks);
    this.#bytes = new Uint8Array(memory, 4 * (endsLength + markLength * mostMarks), capacity);
  }

  get empty(): boolean {
    return Atomics.load(this.#ends, head) === Atomics.load(this.#ends, tail);
  }

  /**
   * Appends text.
   *
   * @returns "full" where there is not enough room; "wake" where the other thread had taken out all that was there, and
   *   may not look again by itself; else "appended".
   */
  append(cell: number, name: StreamName, text: string): "full" | "wake" | "appended" {
    const ends = this.#ends;
    const start = Atomics.load(ends, head);
    const free = capacity - 1 - ((start - Atomics.load(ends, tail) + capacity) % capacity);
    const most = text.length * widest;
    const encoded = most > free || start + most > capacity ? utf8(text) : undefined;
    if (encoded !== undefined && encoded.length > free) {
      return "full";
    }
    if ((cell !== this.#cell || name !== this.#name) && !this.#mark(start, cell, name)) {
      return "full";
    }
    let end: number;
    if (encoded === undefined) {
      end = start + utf8Into(text, this.#bytes.subarray(start));
    } else {
      const first = Math.min(encoded.length, capacity - start);
      this.#bytes.set(new Uint8Array(encoded.buffer, encoded.byteOffset, first), start);
      this.#bytes.set(new Uint8Array(encoded.buffer, encoded.byteOffset + first, encoded.length - first), 0);
      end = start + encoded.length;
    }
    Atomics.store(ends, head, end % capacity);
    // Looked at after: the other thread looks for more after it has said how far it is, so that one of both sees the other.
    return Atomics.load(ends, tail) === start ? "wake" : "appended";
  }

  /** Says that the text from a byte on is another's. Before that text: who sees the text sees the mark. */
  #mark(at: number, cell: number, name: StreamName): boolean {
    const index = Atomics.load(this.#ends, marksHead);
    const next = (index + 1) % mostMarks;
    if (next === Atomics.load(this.#ends, marksTail)) {
      return false;
    }
    this.#marks.set([at, cell, name === "stdout" ? 1 : 2], index * markLength);
    Atomics.store(this.#ends, marksHead, next);
    // Last: one that is terminated on its way here marks the same place again.
    this.#cell = cell;
    this.#name = name;
    return true;
  }

  /** Waits until the other thread took everything out. */
  waitUntilEmpty(): void {
    const deadline = performance.now() + patience;
    for (;;) {
      const at = Atomics.load(this.#ends, tail);
      if (at === Atomics.load(this.#ends, head) || performance.now() > deadline) {
        return;
      }
      Atomics.wait(this.#ends, tail, at, 50);
    }
  }

  /** Has `write` take out what is there now, in order, what belongs together in one piece. */
  take(write: (run: TextRun) => void): void {
    const from = Atomics.load(this.#ends, tail);
    const to = Atomics.load(this.#ends, head);
    const all =
      from <= to
        ? Buffer.from(this.#bytes.subarray(from, to))
        : Buffer.concat([this.#bytes.subarray(from), this.#bytes.subarray(0, to)]);
    const lastMark = Atomics.load(this.#ends, marksHead);
    let mark = Atomics.load(this.#ends, marksTail);
    for (let at = 0; at < all.length; ) {
      let end = all.length;
      for (; mark !== lastMark; mark = (mark + 1) % mostMarks) {
        const [place = 0, cell = 0, stream] = this.#marks.subarray(mark * markLength, (mark + 1) * markLength);
        const distance = (place - from + capacity) % capacity;
        if (distance > at) {
          end = Math.min(distance, all.length);
          break;
        }
        this.#cell = cell;
        this.#name = stream === 1 ? "stdout" : "stderr";
      }
      write({ cell: this.#cell, name: this.#name ?? "stdout", text: all.subarray(at, end) });
      at = end;
    }
    Atomics.store(this.#ends, marksTail, mark);
    Atomics.store(this.#ends, tail, to);
    Atomics.notify(this.#ends, tail);
  }
}
