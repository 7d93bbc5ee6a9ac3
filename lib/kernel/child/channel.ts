/** The way out of the process that runs the user's code: frames written at once, so that nothing is lost in a crash. */
import { writeSync } from "node:fs";
import { encodeFrame, type Frame } from "./frames.ts";
import { utf8 } from "./realm.ts";
import { type StreamName, TextRing } from "./text-ring.ts";

/** File descriptors that the supervisor opens for its child. */
export const descriptors = { outbox: 3, agent: 4 } as const;

/** Text that the agent writes out; what is posted after it waits for that. */
export const texts = new TextRing();
/** From how many UTF-16 units on text is long. */
const long = 1 << 16;
/** Text that comes sooner than this after other text goes through the agent, ms. */
const burst = 2;

let textAt = Number.NEGATIVE_INFINITY;
let wakeAgent: ((now: boolean) => void) | undefined;

/** Tells how the agent is woken: soon, or at once. Until then texts are posted one by one. */
export function installTexts(wake: (now: boolean) => void): void {
  wakeAgent = wake;
}

/**
 * Sends text of a stream to the supervisor. The first text after a silence is out before this returns; of a burst, what
 * ends the process from outside of JavaScript can lose the last millisecond.
 */
export function postText(cell: number, name: StreamName, text: string): void {
  if (text.length > long) {
    // Long text goes beside the JSON, which would encode and decode it character by character.
    post({ type: "stream", cell, name }, [utf8(text)]);
  } else if (wakeAgent === undefined || (texts.empty && silenceEnds())) {
    post({ type: "stream", cell, name, text });
  } else {
    let appended = texts.append(cell, name, text);
    if (appended === "full") {
      flushTexts();
      appended = texts.append(cell, name, text);
    }
    if (appended === "wake") {
      wakeAgent(false);
    }
  }
}

/** Whether there was no text for a while, as far as is known: time is told only when the agent has taken out all. */
function silenceEnds(): boolean {
  const before = textAt;
  textAt = performance.now();
  return textAt - before >= burst;
}

/** Waits until all text is written out. */
export function flushTexts(): void {
  if (!texts.empty) {
    wakeAgent?.(true);
    texts.waitUntilEmpty();
  }
}

/**
 * Sends a frame to the supervisor, after all text before it. The descriptor blocks: a cell that prints faster than the
 * supervisor reads waits.
 */
export function post(frame: Frame, buffers: readonly Uint8Array[] = []): void {
  flushTexts();
  write(frame, buffers);
}

/** Writes a frame out, whichever thread it is. */
export function write(frame: Frame, buffers: readonly Uint8Array[] = []): void {
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
