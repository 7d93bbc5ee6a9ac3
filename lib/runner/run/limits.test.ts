import { expect, test, vi } from "vitest";
import type { KernelManager } from "../kernels/manager.ts";
import type { CodeCell, Notebook } from "../notebook/types.ts";
import { CellGuard } from "./guard.ts";
import { limitInCi, timeLimits } from "./limits.ts";

const make = (cell: object, metadata: object): { cell: CodeCell; notebook: Notebook } => {
  const code: CodeCell = {
    cell_type: "code",
    metadata: { runner: cell },
    source: "1",
    execution_count: null,
    outputs: [],
  };
  return { cell: code, notebook: { cells: [code], metadata: { ...metadata }, nbformat: 4, nbformat_minor: 5 } };
};
const limits = (own: object, metadata: object, options: object, env: NodeJS.ProcessEnv) => {
  const { cell, notebook } = make(own, metadata);
  const { cellSeconds, notebookSeconds } = timeLimits(cell, notebook, options, env);
  return [cellSeconds, notebookSeconds];
};

test("in CI a notebook has a limit, which options and its settings replace, and 0 takes away", () => {
  expect(limits({}, {}, {}, { CI: "true" })).toEqual([undefined, limitInCi]);
  expect(limits({}, {}, {}, { CI: "1" })).toEqual([undefined, limitInCi]);
  expect(limits({}, {}, {}, { CI: "false" })).toEqual([undefined, undefined]);
  expect(limits({}, {}, {}, { CI: "" })).toEqual([undefined, undefined]);
  expect(limits({}, {}, {}, {})).toEqual([undefined, undefined]);
  expect(limits({}, { runner: { notebookTimeout: 7 } }, {}, { CI: "true" })).toEqual([undefined, 7]);
  expect(limits({}, { runner: { notebookTimeout: 7 } }, { notebookTimeout: 8 }, { CI: "true" })).toEqual([
    undefined,
    8,
  ]);
  expect(limits({}, {}, { notebookTimeout: 0 }, { CI: "true" })).toEqual([undefined, undefined]);
  const { cell, notebook } = make({}, {});
  expect(timeLimits(cell, notebook, {}, { CI: "true" }).notebookLimitNote).toBe(
    "the limit where CI is set; --notebook-timeout SECONDS sets another, 0 none",
  );
});

test("a cell's own limit goes before the option, that before the notebook's, that before nbmake's", () => {
  const metadata = { runner: { timeout: 3 }, execution: { timeout: 4 } };
  expect(limits({ timeout: 1 }, metadata, { timeout: 2 }, {})).toEqual([1, undefined]);
  expect(limits({}, metadata, { timeout: 2 }, {})).toEqual([2, undefined]);
  expect(limits({}, metadata, {}, {})).toEqual([3, undefined]);
  expect(limits({}, { execution: { timeout: 4 } }, {}, {})).toEqual([4, undefined]);
});

test("a cell that is still running then is interrupted, and its error says whose limit it was", () => {
  vi.useFakeTimers();
  try {
    const { cell, notebook } = make({}, {});
    const interrupted: string[] = [];
    const kernel = {
      memory: 0,
      interrupt: () => interrupted.push("interrupt"),
      killNow: () => interrupted.push("kill"),
    };
    const { cellSeconds, notebookSeconds, notebookLimitNote } = timeLimits(cell, notebook, {}, { CI: "true" });
    using guard = new CellGuard(kernel as unknown as KernelManager, {
      cellSeconds,
      notebookSeconds,
      notebookDeadline: performance.now() + (notebookSeconds as number) * 1000,
      notebookLimitNote,
      memory: undefined,
      interruptGrace: 5,
      signal: undefined,
    });
    vi.advanceTimersByTime(3_599_000);
    expect(interrupted).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(interrupted).toEqual(["interrupt"]);
    expect(guard.reason).toEqual({
      status: "timed-out",
      name: "TimeoutError",
      message:
        "the notebook took longer than 3600 s, the limit where CI is set; --notebook-timeout SECONDS sets another, 0 none",
    });
  } finally {
    vi.useRealTimers();
  }
});
