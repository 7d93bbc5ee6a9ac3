import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { liveFigure, type MimeBundle } from "./index.ts";

const io = Symbol.for("jupyter.notebook.io");
let sent: { text: unknown; id: string; update: boolean }[];
beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  (globalThis as Record<symbol, unknown>)[io] = {
    display: (bundle: MimeBundle, { displayId: id, update }: { displayId: string; update: boolean }) =>
      sent.push({ text: bundle["text/plain"], id, update }),
    clearOutput: () => {},
  };
});
afterEach(() => {
  vi.useRealTimers();
  delete (globalThis as Record<symbol, unknown>)[io];
});

it("draws now and then, in one place, and the last state at the end", () => {
  const live = liveFigure({ interval: 1000 });
  let drawn = 0;
  for (let step = 0; step < 100; step++) {
    live.update(() => `${++drawn}: step ${step}`);
    vi.advanceTimersByTime(33);
  }
  live.close();
  live.update(() => "late");
  vi.advanceTimersByTime(5000);
  expect(sent.map(({ text }) => text)).toEqual(["1: step 0", "2: step 30", "3: step 60", "4: step 90", "5: step 99"]);
  expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
  expect(sent.map(({ update }) => update)).toEqual([false, true, true, true, true]);
  expect(vi.getTimerCount()).toBe(0);
});

it("takes no more than its share of the time", () => {
  const live = liveFigure({ interval: 0, share: 0.1 });
  const slow = (): string => {
    vi.advanceTimersByTime(100);
    return "figure";
  };
  for (let i = 0; i < 1000; i++) {
    live.update(slow);
    vi.advanceTimersByTime(10);
  }
  live.close();
  // Ten seconds of steps, a tenth of them and of the time drawing itself.
  expect(sent.length).toBeGreaterThan(8);
  expect(sent.length).toBeLessThan(15);
});

it("prints its last state only where nothing can be replaced", () => {
  delete (globalThis as Record<symbol, unknown>)[io];
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    const live = liveFigure();
    for (const text of ["one", "two", "three"]) {
      live.update(() => text);
    }
    live.close();
    live.close();
    expect(write.mock.calls.map(([text]) => text)).toEqual(["three\n"]);
  } finally {
    write.mockRestore();
  }
});

it("refuses options out of range", () => {
  expect(() => liveFigure({ share: 0 })).toThrow("liveFigure: share is 0; expected a number above 0, up to 1");
  expect(() => liveFigure({ interval: -1 })).toThrow("liveFigure: interval is -1; expected milliseconds from 0 up");
});
