import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MimeBundle } from "./index.ts";
import { progress } from "./index.ts";

const io = Symbol.for("jupyter.notebook.io");
class Sink extends Writable {
  text = "";
  isTTY: boolean;
  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  delete (globalThis as Record<symbol, unknown>)[io];
});

describe("progress", () => {
  it("in a notebook is one output, updated five times a second, with its last state", async () => {
    const sent: { bundle: MimeBundle; id: string; update: boolean }[] = [];
    (globalThis as Record<symbol, unknown>)[io] = {
      display: (bundle: MimeBundle, { displayId: id, update }: { displayId: string; update: boolean }) =>
        sent.push({ bundle, id, update }),
      clearOutput: () => {},
    };
    const seen: number[] = [];
    for (const item of progress(
      Array.from({ length: 100 }, (_, i) => i),
      { label: "testing <x>", unit: "image" },
    )) {
      seen.push(item);
      vi.advanceTimersByTime(20);
    }
    expect(seen).toHaveLength(100);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
    expect(sent.map(({ update }) => update)).toEqual([false, ...Array(sent.length - 1).fill(true)]);
    // Two seconds.
    expect(sent.length).toBeGreaterThan(8);
    expect(sent.length).toBeLessThan(14);
    const last = sent.at(-1)?.bundle as MimeBundle;
    expect(last["text/plain"]).toBe("testing <x>: 100 % ████████████████████ 100/100 images, 0:02, 50.0 images/s");
    expect(last["text/html"]).toContain('max="100" value="100"');
    expect(last["text/html"]).toContain("testing &#60;x&#62;");
  });

  it("shows what was set last even if nothing follows", () => {
    const sink = new Sink(true);
    const bar = progress(10, { stream: sink });
    bar.advance(3, "loss 0.5");
    expect(sink.text).toContain("0/10");
    expect(sink.text).not.toContain("3/10");
    vi.advanceTimersByTime(250);
    expect(sink.text).toContain("3/10");
    expect(sink.text).toContain("loss 0.5");
    bar.close();
    expect(sink.text.endsWith("\n")).toBe(true);
    const closed = sink.text;
    bar.advance();
    vi.advanceTimersByTime(1000);
    expect(sink.text).toBe(closed);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("in a terminal overwrites one line wholly", () => {
    const sink = new Sink(true);
    const bar = progress(2, { stream: sink });
    bar.set(1, "a long note about something");
    vi.advanceTimersByTime(250);
    bar.set(2, "x");
    bar.close();
    const lines = sink.text.split("\r").map((line) => line.replace("\n", ""));
    for (let i = 1; i < lines.length; i++) {
      expect((lines[i] as string).length).toBeGreaterThanOrEqual((lines[i - 1] as string).trimEnd().length);
    }
  });

  it("in a log writes a line every ten seconds and one at the end", () => {
    const sink = new Sink(false);
    for (const _ of progress(Array(60), { stream: sink, label: "epoch" })) {
      vi.advanceTimersByTime(1000);
    }
    const lines = sink.text.trim().split("\n");
    expect(lines.length).toBeGreaterThanOrEqual(6);
    expect(lines.length).toBeLessThanOrEqual(8);
    expect(lines.at(-1)).toMatch(/^epoch: 100 % .* 60\/60, 1:00, 1.00 \/s$|^epoch: 100 % .* 60\/60, 1:00, 1\.00\/s$/);
  });

  it("keeps no times where it is told so, and shows them until it is done", () => {
    const sent: string[] = [];
    (globalThis as Record<symbol, unknown>)[io] = {
      display: (bundle: MimeBundle) => sent.push(`${bundle["text/plain"]}${bundle["text/html"]}`),
      clearOutput: () => {},
    };
    for (const _ of progress(Array(4), { label: "ResNet", unit: "image", keepTimes: false })) {
      vi.advanceTimersByTime(1000);
    }
    expect(sent.some((text) => text.includes("2/4 images, 0:02, 0:02 left, 1.00 images/s"))).toBe(true);
    expect(sent.at(-1)).toMatch(/^ResNet: 100 % █{20} 4\/4 images<div/);
    expect(sent.at(-1)).not.toMatch(/\d:\d\d|images\/s/);
  });

  it("says when a loop broke off", () => {
    const sink = new Sink(false);
    for (const item of progress([1, 2, 3], { stream: sink })) {
      if (item === 2) {
        break;
      }
    }
    expect(sink.text).toMatch(/1\/3.*broken off\n$/);
    expect(() => {
      for (const _ of progress([1], { stream: sink })) {
        throw new Error("own");
      }
    }).toThrow("own");
  });

  it("counts what comes asynchronously and without a known number", async () => {
    const sink = new Sink(false);
    async function* numbers(): AsyncGenerator<number> {
      yield* [1, 2, 3];
    }
    const seen: number[] = [];
    for await (const item of progress(numbers(), { stream: sink })) {
      seen.push(item);
    }
    expect(seen).toEqual([1, 2, 3]);
    expect(sink.text).toBe("3, 0:00\n");
    expect(() => [...progress(numbers(), { stream: sink })]).toThrow(
      "these items come asynchronously; loop with `for await`",
    );
  });

  it("refuses what cannot be looped over", () => {
    expect(() => progress(null as never)).toThrow(
      "progress: items is null; expected a number, an iterable or an async iterable",
    );
    // As many as there are of what is not counted in ones.
    expect(progress(2.5).total).toBe(2.5);
    expect(() => progress(-1)).toThrow("progress: items is -1; expected a number from 0 up");
  });
});
