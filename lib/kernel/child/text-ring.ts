/**
 * Text of stdout and stderr on its way from the main thread to the agent, which writes it out: a system call for each of
 * a thousand prints would take longer than the prints. Memory shared by both threads; the main thread only appends, so
 * that it can be terminated anywhere, and only the agent takes out.
 */

export type StreamName = "stdout" | "stderr";

/** Text that one cell wrote to one stream without a break. */
export interface TextRun {
  readonly cell: number;
  readonly name: StreamName;
  readonly text: Buffer;
}

const capacity = 1 << 20;
/** Cell (int32), stream (uint8) and length of the text (uint32) go before each text. */
const headLength = 9;
const [head, tail] = [0, 1];
/** How long the main thread waits for the agent before it goes on without it, ms. */
const patience = 5000;

export class TextRing {
  /** What the other thread makes its end of. */
  readonly memory: SharedArrayBuffer;
  readonly #ends: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(memory = new SharedArrayBuffer(8 + capacity)) {
    this.memory = memory;
    this.#ends = new Int32Array(memory, 0, 2);
    this.#bytes = new Uint8Array(memory, 8);
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
    const length = Buffer.byteLength(text);
    const start = Atomics.load(this.#ends, head);
    const used = (start - Atomics.load(this.#ends, tail) + capacity) % capacity;
    if (headLength + length >= capacity - used) {
      return "full";
    }
    const record = Buffer.allocUnsafe(headLength + length);
    record.writeInt32LE(cell, 0);
    record.writeUInt8(name === "stdout" ? 1 : 2, 4);
    record.writeUInt32LE(length, 5);
    record.write(text, headLength, "utf8");
    const first = Math.min(record.length, capacity - start);
    this.#bytes.set(record.subarray(0, first), start);
    this.#bytes.set(record.subarray(first), 0);
    Atomics.store(this.#ends, head, (start + record.length) % capacity);
    // Looked at after: the other thread looks for more after it has said how far it is, so that one of both sees the other.
    return Atomics.load(this.#ends, tail) === start ? "wake" : "appended";
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
    for (const run of runsOf(all)) {
      write(run);
    }
    Atomics.store(this.#ends, tail, to);
    Atomics.notify(this.#ends, tail);
  }
}

function runsOf(records: Buffer): TextRun[] {
  const runs: { cell: number; name: StreamName; parts: Buffer[] }[] = [];
  for (let at = 0; at < records.length; ) {
    const cell = records.readInt32LE(at);
    const name = records.readUInt8(at + 4) === 1 ? "stdout" : "stderr";
    const end = at + headLength + records.readUInt32LE(at + 5);
    const part = records.subarray(at + headLength, end);
    const last = runs.at(-1);
    if (last?.cell === cell && last.name === name) {
      last.parts.push(part);
    } else {
      runs.push({ cell, name, parts: [part] });
    }
    at = end;
  }
  return runs.map(({ cell, name, parts }) => ({ cell, name, text: Buffer.concat(parts) }));
}
