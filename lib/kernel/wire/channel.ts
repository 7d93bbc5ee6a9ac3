/** The way out of the process that runs the user's code: frames written at once, so that nothing is lost in a crash. */
import { writevSync } from "node:fs";
import { utf8Into } from "../child/realm.ts";
import { codeOf } from "../values.ts";
import { encodeFrame } from "./frames.ts";
import type { Report } from "./messages.ts";
import { type StreamName, TextRing, widest } from "./text-ring.ts";

/** File descriptors that the supervisor opens for its child. */
export const descriptors = { outbox: 3, agent: 4 } as const;

/** Text that the agent writes out; what is posted after it waits for that. */
export const texts = new TextRing();
/** From how many UTF-16 units on text is long. */
const long = 1 << 16;
/**
 * The most UTF-16 units of long text that go in one frame. On its way text is copied several times; pieces are freed while
 * the next ones come, what is large stays in both processes for long.
 */
const piece = 1 << 18;
const encodedPiece = new Uint8Array(piece * widest);
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
    for (const part of inPieces(text)) {
      post({ type: "stream", cell, name }, [encodedPiece.subarray(0, utf8Into(part, encodedPiece))]);
    }
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

/** Long text in pieces that each begin and end between characters. */
function* inPieces(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + piece, text.length);
    if (end < text.length && (text.codePointAt(end - 1) ?? 0) > 0xffff) {
      end--;
    }
    yield text.slice(start, end);
    start = end;
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
export function post(frame: Report, buffers: readonly Uint8Array[] = []): void {
  flushTexts();
  write(frame, buffers);
}

/** Writes a frame out, whichever thread it is: in one call, so that a cell that is stopped stops before it or after it. */
export function write(frame: Report, buffers: readonly Uint8Array[] = []): void {
  let rest = encodeFrame(frame, buffers);
  while (rest.length > 0) {
    try {
      rest = without(rest, writevSync(descriptors.outbox, rest));
    } catch (error) {
      const code = codeOf(error);
      if (code === "EPIPE" || code === "EBADF") {
        return;
      }
      if (code !== "EAGAIN" && code !== "EINTR") {
        throw error;
      }
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

/** What is left of bytes of which so many are written. */
function without(parts: readonly Uint8Array[], written: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  let before = written;
  for (const part of parts) {
    if (before < part.length) {
      rest.push(part.subarray(before));
    }
    before = Math.max(0, before - part.length);
  }
  return rest;
}

const pause = new Int32Array(new SharedArrayBuffer(4));
