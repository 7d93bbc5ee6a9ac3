import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { History, historyFile } from "./history.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "history-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it("keeps inputs and outputs over sessions, past lines that are damaged", async () => {
  const file = join(folder, "deep/history.jsonl");
  const first = new History(file);
  first.add(1, "1 + 1", "2", true);
  first.add(2, "const a = 1", undefined, true);
  await first.written;
  appendFileSync(file, "{half a li\n");
  const second = new History(file);
  second.add(1, "1 + 1", "2", true);
  await second.written;
  const ask = (content: Record<string, unknown>) => second.answer(content).history;
  expect(ask({ hist_access_type: "tail", n: 2, output: true })).toEqual([
    [1, 2, ["const a = 1", null]],
    [2, 1, ["1 + 1", "2"]],
  ]);
  expect(ask({ hist_access_type: "range", session: -1, start: 1, stop: 2 })).toEqual([[1, 1, "1 + 1"]]);
  expect(ask({ hist_access_type: "search", pattern: "1 ? 1", unique: true })).toEqual([[2, 1, "1 + 1"]]);
});

it("finds what is like a pattern, however many stars that has", async () => {
  const history = new History(join(folder, "history.jsonl"));
  const inputs = ["a.b", "aXb", "ab", "a\nb", "*", "a".repeat(5000), "abab"];
  for (const [i, input] of inputs.entries()) {
    history.add(i, input, undefined, true);
  }
  const ask = (pattern?: string) =>
    (history.answer({ hist_access_type: "search", pattern }).history as [number, number, string][]).map(
      ([, , input]) => input,
    );
  expect(ask()).toEqual(inputs);
  expect(ask("a?b")).toEqual(["a.b", "aXb", "a\nb"]);
  expect(ask("*b")).toEqual(["a.b", "aXb", "ab", "a\nb", "abab"]);
  expect(ask("a*ab")).toEqual(["abab"]);
  expect(ask("?")).toEqual(["*"]);
  expect([ask(""), ask("a.")]).toEqual([[], []]);
  expect(ask("*a*b**")).toEqual(["a.b", "aXb", "ab", "a\nb", "abab"]);
  expect(ask(`${"*a".repeat(30)}*b`)).toEqual([]);
});

it("says which part of a request it cannot use", () => {
  const history = new History(join(folder, "history.jsonl"));
  const ask = (content: Record<string, unknown>) => () => history.answer(content);
  expect(ask({ hist_access_type: "tail", n: "5" })).toThrow('"n" in the request is "5"; expected a number');
  expect(ask({ hist_access_type: "range", session: [1] })).toThrow(
    '"session" in the request is [1]; expected a number',
  );
  expect(ask({ hist_access_type: "search", pattern: {} })).toThrow('"pattern" in the request is {}; expected text');
});

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

it.skipIf(process.platform === "win32")(
  "is readable by its owner only, also where it was readable by all",
  async () => {
    vi.stubEnv("CONVBOOK_HISTORY", "");
    vi.stubEnv("XDG_STATE_HOME", join(folder, "state"));
    const file = historyFile();
    const first = new History();
    first.add(1, "const key = 'secret'", undefined, true);
    await first.written;
    expect([mode(file), mode(join(folder, "state/convbook"))]).toEqual(["600", "700"]);
    chmodSync(file, 0o644);
    chmodSync(join(folder, "state/convbook"), 0o755);
    const second = new History();
    second.add(1, "2", undefined, true);
    await second.written;
    expect([mode(file), mode(join(folder, "state/convbook"))]).toEqual(["600", "700"]);
  },
);

it.skipIf(process.platform === "win32")("leaves the mode of a folder that the user names", async () => {
  mkdirSync(join(folder, "shared"), { mode: 0o755 });
  const history = new History(join(folder, "shared/history.jsonl"));
  history.add(1, "1", undefined, true);
  await history.written;
  expect([mode(join(folder, "shared/history.jsonl")), mode(join(folder, "shared"))]).toEqual(["600", "755"]);
});

it("keeps the beginning of a cell of 20 MB, and of its output", async () => {
  const file = join(folder, "history.jsonl");
  const history = new History(file);
  history.add(1, `const data = "${"x".repeat(20_000_000)}"`, "y".repeat(20_000_000), true);
  await history.written;
  expect(statSync(file).size).toBeLessThan(65_000);
  const { history: found } = new History(file).answer({ hist_access_type: "tail", n: 1, output: true });
  expect(found).toEqual([
    [
      1,
      1,
      [
        `const data = "${"x".repeat(50_000 - 14)}\n… and 19950015 more characters`,
        `${"y".repeat(10_000)}\n… and 19990000 more characters`,
      ],
    ],
  ]);
});

it("reads the end of a file that grew long, and writes it anew, shorter", async () => {
  const file = join(folder, "history.jsonl");
  const line = (n: number, input: string) => `${JSON.stringify({ session: 3, line: n, input })}\n`;
  writeFileSync(file, line(1, "first") + line(2, "x".repeat(20_000_000)) + line(3, "after") + line(4, "last"));
  const history = new History(file);
  const tail = { hist_access_type: "tail", n: 10 };
  expect(history.answer(tail).history).toEqual([
    [3, 3, "after"],
    [3, 4, "last"],
  ]);
  await history.written;
  expect(readFileSync(file, "utf8")).toBe(line(3, "after") + line(4, "last"));
  expect(process.platform === "win32" ? "600" : mode(file)).toBe("600");
  expect(new History(file).answer(tail).history).toEqual(history.answer(tail).history);
});

it("does not write what an unattended run executes, which knows it itself", async () => {
  const file = join(folder, "deep/history.jsonl");
  const history = new History(file);
  history.add(1, "in CI", undefined, false);
  await history.written;
  expect(existsSync(join(folder, "deep"))).toBe(false);
  expect(history.answer({ hist_access_type: "tail", n: 1 }).history).toEqual([[1, 1, "in CI"]]);
});
