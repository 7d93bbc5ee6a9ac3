/** What `npm start` says while a cell runs for minutes. */
import { type CellEvent, type RunEvents, RunningCells } from "nbconvert-ts-runner";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { progressEvents, StartLog } from "./start-progress.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const event = {
  path: "n.ipynb",
  index: 35,
  number: 22,
  codeCells: 28,
  name: "results = evaluateModels()",
} as CellEvent;
const bar = (done: number, seconds: number) =>
  `GoogleNet: ${done} % ░░░░ ${done}/100 images, 0:${seconds}, 0:${100 - seconds} left, 1.00 images/s`;

function run(isTTY: boolean) {
  const lines: string[] = [];
  const written: string[] = [];
  const stream = { isTTY, columns: 100, write: (text: string) => written.push(text) > 0 };
  const log = new StartLog((line) => lines.push(line));
  const events: RunEvents = progressEvents(log, RunningCells, { stream: stream as never });
  events.onCellStart?.(event);
  for (let second = 1; second <= 70; second++) {
    vi.advanceTimersByTime(1000);
    const data = { "text/plain": bar(second, second) };
    events.onOutput?.({ ...event, change: { kind: "update", displayId: "bar", data } });
  }
  events.onCellEnd?.({ ...event, result: { status: "passed", seconds: 70 } as never });
  return { lines, written };
}

it("in a log is images, rate and time left every 30 seconds", () => {
  const { lines, written } = run(false);
  expect(lines).toEqual([
    `[0:30] cell 22 of 28, running for 30 s: ${bar(29, 29)}`,
    `[1:00] cell 22 of 28, running for 60 s: ${bar(59, 59)}`,
    "[1:10] cell 22 of 28, 70.0 s: results = evaluateModels()",
  ]);
  expect(written).toEqual([]);
});

it("on a terminal is the same in one line, and nothing but the cell's own stays", () => {
  const { lines, written } = run(true);
  expect(lines).toEqual(["[1:10] cell 22 of 28, 70.0 s: results = evaluateModels()"]);
  for (let second = 1; second < 70; second++) {
    expect(written).toContain(`[22/28] ${bar(second, second)}\n`);
  }
  expect(written.at(-1)).toBe("\u001b[1A\u001b[0J");
});
