import { CheckpointError, type CheckpointReason } from "./error.ts";

/** Text for a message: short, and without characters that could disturb a terminal. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

/** Reads little-endian values one after the other and never past the end. */
export class ByteReader {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly end: number;
  readonly #view: DataView;
  offset: number;

  /**
   * @param bytes the whole file
   * @param file its name, for messages
   * @param start where to begin
   * @param end where to stop, at most the file's length
   */
  constructor(bytes: Uint8Array, file: string, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.file = file;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  error(reason: CheckpointReason, detail: string, offset = this.offset): CheckpointError {
    return new CheckpointError(this.file, offset, reason, detail);
  }

  /** Makes sure that `count` more bytes are there and steps over them; returns where they begin. */
  take(count: number, what: string): number {
    const { offset } = this;
    if (count > this.end - offset) {
      throw this.error("truncated", `the file ends within ${what}: ${count} bytes expected, ${this.end - offset} left`);
    }
    this.offset = offset + count;
    return offset;
  }

  uint8(what: string): number {
    return this.#view.getUint8(this.take(1, what));
  }

  uint16(what: string): number {
    return this.#view.getUint16(this.take(2, what), true);
  }

  uint32(what: string): number {
    return this.#view.getUint32(this.take(4, what), true);
  }

  int32(what: string): number {
    return this.#view.getInt32(this.take(4, what), true);
  }

  /** An unsigned 64-bit number that fits a double exactly; a larger one cannot be a size of anything here. */
  uint64(what: string): number {
    const start = this.take(8, what);
    const value = this.#view.getBigUint64(start, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw this.error("malformed", `${what} is ${value}, which is larger than any file`, start);
    }
    return Number(value);
  }

  float64BigEndian(what: string): number {
    return this.#view.getFloat64(this.take(8, what), false);
  }

  /** A view of the next bytes; nothing is copied. */
  slice(count: number, what: string): Uint8Array {
    const start = this.take(count, what);
    return this.bytes.subarray(start, start + count);
  }
}
