/** The queue of cells with stand-ins for what it drives. */
import { expect, test } from "vitest";
import type { Header, Message } from "../protocol/message.ts";
import { CellQueue, type CellQueueParts } from "./cell-queue.ts";

type Json = Record<string, unknown>;

/** A queue whose checker answers when the test says so. */
function queueWith(prepare: (code: string) => Promise<unknown>, debug = { beforeCell: async () => {} }) {
  const replies: Json[] = [];
  const ran: string[] = [];
  const parts = {
    preparer: { prepare },
    user: {
      interrupt: () => {},
      takeLoss: () => undefined,
      run: async ({ source }: { source: string }) => {
        ran.push(source);
        return { status: "ok", expressions: {} };
      },
    },
    outputs: { message: () => {}, stream: () => {}, flush: () => {} },
    debug,
    history: { add: () => {} },
    typesWait: 400,
    publish: () => {},
    reply: (content: Json) => replies.push(content),
  };
  const queue = new CellQueue(parts as unknown as CellQueueParts);
  const execute = (code: string, header: Partial<Header> = {}) =>
    queue.add({ content: { code }, header, metadata: {} } as unknown as Message);
  return { queue, execute, replies, ran };
}

const prepared = { compiled: {}, magics: { shifted: [], timed: false }, warning: "", declare: () => {} };
const now = { header: { date: "2026-11-30T08:00:00.000000Z" } };
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("an interrupt ends a cell that waits for the checker; the next one is checked behind it", async () => {
  const checked: string[] = [];
  const done: (() => void)[] = [];
  const { queue, execute, replies, ran } = queueWith((code) => {
    checked.push(code);
    return new Promise((resolve) => done.push(() => resolve(prepared)));
  });
  execute("first");
  await turn();
  queue.interrupt(now);
  await turn();
  await turn();
  expect(replies).toMatchObject([{ status: "error", ename: "KeyboardInterrupt" }]);
  execute("second");
  await turn();
  expect(checked).toEqual(["first"]);
  done[0]?.();
  await turn();
  expect(checked).toEqual(["first", "second"]);
  done[1]?.();
  await turn();
  await turn();
  expect(replies).toMatchObject([{ status: "error" }, { status: "ok" }]);
  expect(ran).toEqual(["second"]);
});

test("what the checker refuses after an interrupt is no error of anybody", async () => {
  let refuse = (_: Error): void => {};
  const { queue, execute, replies } = queueWith(() => new Promise((_, reject) => (refuse = reject)));
  execute("first");
  await turn();
  queue.interrupt(now);
  await turn();
  refuse(new Error("late"));
  await turn();
  await turn();
  expect(replies).toMatchObject([{ status: "error", ename: "KeyboardInterrupt" }]);
});

test("an interrupt that is heard of before the cell that was sent before it ends that cell, and no other", async () => {
  const { queue, execute, replies, ran } = queueWith(async () => prepared);
  const run = async (code: string, header: Partial<Header>) => {
    execute(code, header);
    await turn();
    await turn();
    return replies.at(-1)?.ename ?? replies.at(-1)?.status;
  };
  const at = (date: string, session = "one") => ({ session, date: `2026-11-30T08:00:${date}Z` });
  const interrupt = () => queue.interrupt({ header: at("01.500010") });
  interrupt();
  expect(await run("before", at("01.500009"))).toBe("KeyboardInterrupt");
  expect(await run("next", at("01.500009"))).toBe("ok");
  interrupt();
  expect(await run("after", at("01.500011"))).toBe("ok");
  expect(await run("old", at("00"))).toBe("ok");
  interrupt();
  expect(await run("of another client, whose clock is another", at("00", "two"))).toBe("ok");
  queue.interrupt({ header: { date: at("02").date } });
  expect(await run("before a signal", at("01.9"))).toBe("KeyboardInterrupt");
  queue.interrupt();
  expect(await run("idle", at("00"))).toBe("ok");
  expect(ran).toEqual(["next", "after", "old", "of another client, whose clock is another", "idle"]);
});

test("an interrupt while the debugger is told of a cell ends it before it runs", async () => {
  let told = () => {};
  const { queue, execute, replies, ran } = queueWith(async () => prepared, {
    beforeCell: () => new Promise<void>((resolve) => (told = resolve)),
  });
  execute("first");
  await turn();
  queue.interrupt(now);
  await turn();
  told();
  await turn();
  await turn();
  expect(replies).toMatchObject([{ status: "error", ename: "KeyboardInterrupt" }]);
  expect(ran).toEqual([]);
});
