/** Framing between the supervisor and the process that runs the user's code: length, JSON, binary buffers. */

import { utf8 } from "./realm.ts";

/** One message between the two processes; `type` says which. */
export interface Frame {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Layout: uint32 total length, uint32 JSON length, JSON, then each buffer; the JSON carries the buffers' lengths. */
export function encodeFrame(frame: Frame, buffers: readonly Uint8Array[] = []): Uint8Array {
  const json = utf8(JSON.stringify(buffers.length === 0 ? frame : { ...frame, $: buffers.map((b) => b.byteLength) }));
  const bytes = buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
  const out = new Uint8Array(8 + json.length + bytes);
  const numbers = new DataView(out.buffer);
  numbers.setUint32(0, 4 + json.length + bytes, true);
  numbers.setUint32(4, json.length, true);
  out.set(json, 8);
  let at = 8 + json.length;
  for (const buffer of buffers) {
    out.set(buffer, at);
    at += buffer.byteLength;
  }
  return out;
}

/** Puts a stream of bytes back together into frames. */
export class FrameReader {
  readonly #onFrame: (frame: Frame, buffers: Buffer[]) => void;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(onFrame: (frame: Frame, buffers: Buffer[]) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes >= 4) {
      const length = this.#peekLength();
      if (this.#bytes < 4 + length) {
        return;
      }
      const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
      this.#chunks = all.length === 4 + length ? [] : [all.subarray(4 + length)];
      this.#bytes = all.length - 4 - length;
      this.#decode(all.subarray(4, 4 + length));
    }
  }

  #peekLength(): number {
    if ((this.#chunks[0]?.length ?? 0) < 4) {
      this.#chunks = [Buffer.concat(this.#chunks)];
    }
    return (this.#chunks[0] as Buffer).readUInt32LE(0);
  }

  #decode(body: Buffer): void {
    const jsonLength = body.readUInt32LE(0);
    const frame = JSON.parse(body.toString("utf8", 4, 4 + jsonLength)) as Frame;
    const buffers: Buffer[] = [];
    let at = 4 + jsonLength;
    for (const length of (frame.$ as number[] | undefined) ?? []) {
      buffers.push(Buffer.from(body.subarray(at, at + length)));
      at += length;
    }
    this.#onFrame(frame, buffers);
  }
}
