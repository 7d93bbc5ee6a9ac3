import { afterEach, expect, it, vi } from "vitest";
import { type DownloadProgress, formatProgress, terminalProgress } from "./progress.ts";

const state = (changes: Partial<DownloadProgress>): DownloadProgress => ({
  phase: "downloading",
  file: "data.tgz",
  received: 50_000_000,
  size: 200_000_000,
  receivedOfAll: 50_000_000,
  sizeOfAll: 200_000_000,
  bytesPerSecond: 10_000_000,
  address: "https://example.org/data.tgz",
  ...changes,
});

afterEach(() => vi.restoreAllMocks());

it("says how far it is, how fast and how long it will take", () => {
  expect(formatProgress(state({}))).toBe("data.tgz: 25% of 200.0 MB, 10.0 MB/s, 15 s left");
  expect(formatProgress(state({ bytesPerSecond: 100_000 }))).toBe("data.tgz: 25% of 200.0 MB, 100.0 kB/s, 25 min left");
  expect(formatProgress(state({ phase: "verifying", bytesPerSecond: 0 }))).toBe("checking data.tgz: 25% of 200.0 MB");
  expect(formatProgress(state({ size: 0, received: 0, bytesPerSecond: 0 }))).toBe("data.tgz: 100% of 0 B");
});

function written(isTTY: boolean, states: DownloadProgress[]): string {
  let text = "";
  const show = terminalProgress({ isTTY, columns: 30, write: (part: string) => (text += part) });
  for (const item of states) {
    show(item);
  }
  return text;
}

it("rewrites one line on a terminal and ends it", () => {
  expect(written(true, [state({}), state({ phase: "done" })])).toBe(
    "\r\x1b[Kdata.tgz: 25% of 200.0 MB, 10\r\x1b[Kdata.tgz: 200.0 MB\n",
  );
});

it("rewrites it ten times a second, from the first milliseconds of the process on", () => {
  let now = 3;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  let text = "";
  const show = terminalProgress({ isTTY: true, columns: 80, write: (part: string) => (text += part) });
  for (const [time, received] of [
    [3, 1],
    [102, 2],
    [103, 3],
    [150, 4],
    [203, 5],
  ] as const) {
    now = time;
    show(state({ received: received * 1_000_000, size: 100_000_000, bytesPerSecond: 0 }));
  }
  expect(text.split("\r\x1b[K").slice(1)).toEqual([1, 3, 5].map((percent) => `data.tgz: ${percent}% of 100.0 MB`));
});

it("writes only whole lines elsewhere", () => {
  const waiting = state({ phase: "waiting", message: "waiting for process 7, which downloads it" });
  expect(written(false, [waiting, waiting, state({}), state({ phase: "done" })])).toBe(
    "data.tgz: waiting for process 7, which downloads it\ndata.tgz: 200.0 MB\n",
  );
});

it("does not mention files that were in the cache", () => {
  const cached = { ...state({ phase: "done" }) };
  delete (cached as { address?: string }).address;
  expect(written(false, [cached])).toBe("");
  expect(written(true, [cached])).toBe("");
});
