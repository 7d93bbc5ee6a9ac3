/** The way out of the process that runs the user's code: frames written at once, so that nothing is lost in a crash. */
import { writeSync } from "node:fs";
import { encodeFrame, type Frame } from "./frames.ts";

/** File descriptors that the supervisor opens for its child. */
export const descriptors = { outbox: 3, agent: 4 } as const;

/**
 * Sends a frame to the supervisor. The descriptor blocks: a cell that prints faster than the supervisor reads waits.
 */
export function post(frame: Frame, buffers: readonly Uint8Array[] = []): void {
  let rest = encodeFrame(frame, buffers);
  while (rest.length > 0) {
    let written = 0;
    try {
      written = writeSync(descriptors.outbox, rest);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE" || code === "EBADF") {
        return;
      }
      if (code !== "EAGAIN" && code !== "EINTR") {
        throw error;
      }
      Atomics.wait(pause, 0, 0, 1);
    }
    if (written === rest.length) {
      return;
    }
    rest = rest.subarray(written);
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4));
