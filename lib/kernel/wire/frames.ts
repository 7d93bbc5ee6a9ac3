/** Framing between the supervisor and the process that runs the user's code: length, JSON, binary buffers. */

import { utf8 } from "../child/realm.ts";
import type { Frame } from "./messages.ts";

/** What every frame begins with, and how many bytes there are before its JSON length. */
const mark = 0xc0_4b_0f_fe;
const head = 8;

/**
 * The bytes of a frame, in the order in which they are written. Layout: a mark, uint32 length of the rest, uint32 JSON
 * length, JSON, then each buffer as it is; the JSON carries the buffers' lengths.
 */
export function encodeFrame(frame: Frame, buffers: readonly Uint8Array[] = []): Uint8Array[] {
  const json = utf8(JSON.stringify(buffers.length === 0 ? frame : { ...frame, $: buffers.map((b) => b.byteLength) }));
  const bytes = buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
  const out = new Uint8Array(head + 4 + json.length);
  const numbers = new DataView(out.buffer);
  numbers.setUint32(0, mark, true);
  numbers.setUint32(4, 4 + json.length + bytes, true);
  numbers.setUint32(head, json.length, true);
  out.set(json, head + 4);
  return [out, ...buffers];
}

/** Bytes that are no frames: something else was written where they come from. */
export class BrokenFrameError extends Error {
  override readonly name = "BrokenFrameError";
}

/** Puts a stream of bytes back together into the frames that come one way. */
export class FrameReader<F extends Frame> {
  readonly #onFrame: (frame: F, buffers: Buffer[]) => void;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(onFrame: (frame: F, buffers: Buffer[]) => void) {
    this.#onFrame = onFrame;
  }

  /** @throws BrokenFrameError where the bytes are no frames */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes >= head) {
      const length = this.#peekLength();
      if (this.#bytes < head + length) {
        return;
      }
      const [only, ...more] = this.#chunks;
      const all = only !== undefined && more.length === 0 ? only : Buffer.concat(this.#chunks);
      this.#chunks = all.length === head + length ? [] : [all.subarray(head + length)];
      this.#bytes = all.length - head - length;
      this.#decode(all.subarray(head, head + length));
    }
  }

  #peekLength(): number {
    if ((this.#chunks[0]?.length ?? 0) < head) {
      this.#chunks = [Buffer.concat(this.#chunks)];
    }
    const first = this.#chunks[0] as Buffer;
    if (first.readUInt32LE(0) !== mark) {
      throw new BrokenFrameError("bytes where a frame begins that are not its mark");
    }
    return first.readUInt32LE(4);
  }

  #decode(body: Buffer): void {
    const jsonLength = body.readUInt32LE(0);
    let frame: F & { readonly $?: readonly number[] };
    try {
      frame = JSON.parse(body.toString("utf8", 4, 4 + jsonLength));
    } catch (cause) {
      throw new BrokenFrameError("a frame whose JSON cannot be read", { cause });
    }
    const buffers: Buffer[] = [];
    let at = 4 + jsonLength;
    for (const length of frame.$ ?? []) {
      buffers.push(Buffer.from(body.subarray(at, at + length)));
      at += length;
    }
    this.#onFrame(frame, buffers);
  }
}
