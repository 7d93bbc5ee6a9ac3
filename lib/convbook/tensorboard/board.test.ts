import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { MimeBundle, NotebookIo } from "../display/index.ts";
import { tensorBoard } from "./board.ts";
import { SummaryWriter } from "./writer.ts";

const hook = Symbol.for("jupyter.notebook.io");

interface Sent {
  readonly bundle: MimeBundle;
  readonly id: string | undefined;
  readonly update: boolean | undefined;
}

let folder: string;
let sent: Sent[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "board-"));
  sent = [];
  const io: NotebookIo = {
    display: (bundle, { displayId, update } = {}) => sent.push({ bundle, id: displayId, update }),
    clearOutput: () => {},
  };
  Object.assign(globalThis, { [hook]: io });
});
afterEach(() => {
  Object.assign(globalThis, { [hook]: undefined });
  rmSync(folder, { recursive: true });
});

const last = () => (sent.at(-1) as Sent).bundle;
/** Longer than a test takes: only what it asks for is drawn. */
const never = 1e8;

it("draws what a run writes in the place where it stands", () => {
  using writer = new SummaryWriter(join(folder, "run"));
  writer.addScalar("loss", 4, 0);
  writer.flush();
  using board = tensorBoard(folder, { interval: never });
  expect(sent).toHaveLength(1);
  expect(Object.keys(last())).toEqual(["application/vnd.vegalite.v5+json", "image/png", "text/plain"]);
  expect(last()["text/plain"]).toContain("run ends at 4");
  board.refresh();
  expect(sent).toHaveLength(1);
  writer.addScalar("loss", 0.5, 1);
  writer.flush();
  board.refresh();
  expect(sent.map(({ update }) => update)).toEqual([false, true]);
  expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
  expect(last()["text/plain"]).toContain("run ends at 0.5");
});

it("waits for a folder that a run has yet to make, and for its first scalar", () => {
  const logs = join(folder, "later");
  using board = tensorBoard([logs], { interval: never });
  expect(last()).toEqual({
    "text/plain": `${logs}: there is no event file yet; the curves appear here when a run writes them.`,
  });
  using writer = new SummaryWriter(join(logs, "a"));
  writer.flush();
  board.refresh();
  expect(last()["text/plain"]).toContain(`${logs}: no scalars were written yet; the curves appear`);
  writer.addScalar("accuracy", 0.25, 3);
  writer.flush();
  board.refresh();
  expect(last()["text/plain"]).toContain('"accuracy" of values over step: a ends at 0.25');
});

it("looks by itself, and no more once it is closed", async () => {
  using writer = new SummaryWriter(folder);
  const board = tensorBoard({ mine: folder }, { interval: 20, tags: ["loss"] });
  writer.addScalar("other", 1, 0);
  writer.flush();
  board.refresh();
  expect(last()["text/plain"]).toContain('no scalar "loss"; there are other; the curves appear here');
  writer.addScalar("loss", 1, 0);
  writer.flush();
  await expect.poll(() => last()["text/plain"], { timeout: 300_000 }).toContain("mine ends at 1");
  writer.addScalar("loss", 2, 1);
  writer.flush();
  board.close();
  expect(last()["text/plain"]).toContain("mine ends at 2");
  const closed = sent.length;
  writer.addScalar("loss", 3, 2);
  writer.flush();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(sent).toHaveLength(closed);
});

it("refuses a damaged file at first, and tells of one later in place", () => {
  const damaged = join(folder, "events.out.tfevents.1");
  writeFileSync(damaged, "this is no event file, whatever its name says");
  expect(() => tensorBoard(folder)).toThrow(`${damaged}: at byte 0: the checksum of the record's length is wrong`);
  rmSync(damaged);
  using board = tensorBoard(folder, { interval: never });
  writeFileSync(damaged, "this is no event file, whatever its name says");
  board.refresh();
  expect(last()["text/plain"]).toContain("(is it an event file?)");
});
