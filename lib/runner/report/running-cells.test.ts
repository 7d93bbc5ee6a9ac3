/** What is shown of a cell that runs for long. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { OutputEvent } from "../run/outputs.ts";
import type { NotebookOutcome } from "../run/run-many.ts";
import type { CellEvent } from "../run/types.ts";
import { LiveReport } from "./live.ts";
import { type RunningCell, RunningCells } from "./running-cells.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const event = { path: "a.ipynb", index: 3, number: 2, codeCells: 5, name: "results = evaluate()" } as CellEvent;
const update = (text: string): OutputEvent => ({ kind: "update", displayId: "bar", data: { "text/plain": text } });

function sink(isTTY: boolean, columns = 80) {
  const written: string[] = [];
  const stream = { isTTY, columns, write: (text: string) => written.push(text) };
  return { written, stream: stream as unknown as NodeJS.WriteStream };
}

/** What a terminal shows of what was written to it. */
function screenOf(written: readonly string[]): string[] {
  const lines = [""];
  for (const [text, up] of written
    .join("")
    .replaceAll("\u001b[", "␛")
    .matchAll(/␛(\d+)A␛0J|\n|[^\n␛]+/g)) {
    if (up !== undefined) {
      lines.splice(lines.length - 1 - Number(up), Number(up) + 1, "");
    } else if (text === "\n") {
      lines.push("");
    } else {
      lines[lines.length - 1] += text;
    }
  }
  return lines.filter((line) => line !== "");
}

describe("RunningCells", () => {
  it("on a terminal is one line, which changes with the cell's output", () => {
    const { written, stream } = sink(true);
    const cells = new RunningCells({ stream, head: ({ event: { number, codeCells } }) => `[${number}/${codeCells}] ` });
    cells.start(event);
    vi.advanceTimersByTime(200);
    expect(screenOf(written)).toEqual(["[2/5] results = evaluate()"]);
    for (const done of [128, 256]) {
      cells.output("a.ipynb", update(`ResNet:  ${done / 64} % ${"░".repeat(20)} ${done}/6,400 images, 0:09`));
      vi.advanceTimersByTime(200);
      expect(screenOf(written)).toEqual([`[2/5] ResNet:  ${done / 64} % ${"░".repeat(20)} ${done}/6,400 images, 0:09`]);
    }
    cells.output("b.ipynb", update("of another"));
    cells.output("a.ipynb", { kind: "stream", name: "stdout", text: "one\n\u001b[1mtwo\u001b[0m\n\n" });
    vi.advanceTimersByTime(200);
    expect(screenOf(written)).toEqual(["[2/5] two"]);
    cells.print("a line above");
    expect(screenOf(written)).toEqual(["a line above", "[2/5] two"]);
    cells.end("a.ipynb");
    expect(screenOf(written)).toEqual(["a line above"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves out the bar where the line is too long, and cuts off what is longer still", () => {
    const long = "ResNetPreAct:  45 % █████████░░░░░░░░░░░ 12,700/15,000 images, 1:05, 0:06 left, 140 images/s";
    const numbers = "[2/5] ResNetPreAct: 45 % 12,700/15,000 images, 1:05, 0:06 left, 140 images/s";
    for (const [columns, shown] of [
      [120, `[2/5] ${long}`],
      [80, numbers],
      [40, `${numbers.slice(0, 38)}…`],
    ] as const) {
      const { written, stream } = sink(true, columns);
      const cells = new RunningCells({ stream, head: () => "[2/5] " });
      cells.start(event);
      cells.output("a.ipynb", update(long));
      vi.advanceTimersByTime(100);
      expect(screenOf(written)).toEqual([shown]);
      cells.stop();
    }
  });

  it("in a log is a note every 30 seconds", () => {
    const { written, stream } = sink(false);
    const notes: [number, string][] = [];
    const note = ({ seconds, lastLine }: RunningCell) => notes.push([Math.round(seconds), lastLine]);
    const cells = new RunningCells({ stream, head: () => "", note });
    cells.start(event);
    vi.advanceTimersByTime(29_000);
    expect(notes).toEqual([]);
    vi.advanceTimersByTime(2000);
    cells.output("a.ipynb", update("ResNet: 10 %"));
    vi.advanceTimersByTime(60_000);
    expect(notes).toEqual([
      [30, "results = evaluate()"],
      [60, "ResNet: 10 %"],
      [90, "ResNet: 10 %"],
    ]);
    cells.end("a.ipynb");
    vi.advanceTimersByTime(100_000);
    expect(notes.length).toBe(3);
    expect(written).toEqual([]);
  });
});

describe("LiveReport", () => {
  const run = (isTTY: boolean, quiet = false) => {
    const { written, stream } = sink(isTTY, 120);
    const report = new LiveReport({ stream, quiet });
    report.events.onCellStart?.(event);
    report.events.onOutput?.({ ...event, change: update("epoch 3: loss 0.25") });
    return { written, report };
  };

  it("shows on a terminal what a progress bar says, not only what is printed", () => {
    const { written, report } = run(true);
    vi.advanceTimersByTime(1000);
    expect(screenOf(written)).toEqual(["▸ a.ipynb [2/5] 1.00 s  epoch 3: loss 0.25"]);
    report.end([] as NotebookOutcome[]);
    vi.advanceTimersByTime(1000);
    expect(screenOf(written)).toEqual(["0 notebooks: nothing to run in 1.00 s"]);
  });

  it("tells a log every 30 seconds that a cell runs, unless it is to be quiet", () => {
    const { written } = run(false);
    vi.advanceTimersByTime(65_000);
    expect(written).toEqual([
      "a.ipynb [2/5] running 30.0 s  epoch 3: loss 0.25\n",
      "a.ipynb [2/5] running 1 min 0 s  epoch 3: loss 0.25\n",
    ]);
    const quiet = run(false, true);
    vi.advanceTimersByTime(65_000);
    expect(quiet.written).toEqual([]);
  });
});
