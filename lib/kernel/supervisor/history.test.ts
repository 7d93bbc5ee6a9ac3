import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { History } from "./history.ts";

it("keeps inputs and outputs over sessions, past lines that are damaged", async () => {
  const folder = mkdtempSync(join(tmpdir(), "history-"));
  const file = join(folder, "deep/history.jsonl");
  const first = new History(file);
  first.add(1, "1 + 1", "2");
  first.add(2, "const a = 1", undefined);
  await first.written;
  appendFileSync(file, "{half a li\n");
  const second = new History(file);
  second.add(1, "1 + 1", "2");
  await second.written;
  const ask = (content: Record<string, unknown>) => second.answer(content).history;
  expect(ask({ hist_access_type: "tail", n: 2, output: true })).toEqual([
    [1, 2, ["const a = 1", null]],
    [2, 1, ["1 + 1", "2"]],
  ]);
  expect(ask({ hist_access_type: "range", session: -1, start: 1, stop: 2 })).toEqual([[1, 1, "1 + 1"]]);
  expect(ask({ hist_access_type: "search", pattern: "1 ? 1", unique: true })).toEqual([[2, 1, "1 + 1"]]);
  rmSync(folder, { recursive: true });
});
