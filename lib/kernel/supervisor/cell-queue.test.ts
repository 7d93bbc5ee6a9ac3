/** The queue of cells with stand-ins for what it drives. */
import { expect, test } from "vitest";
import type { Message } from "../protocol/message.ts";
import { CellQueue, type CellQueueParts } from "./cell-queue.ts";

type Json = Record<string, unknown>;

/** A queue whose checker answers when the test says so. */
function queueWith(prepare: (code: string) => Promise<unknown>) {
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
    debug: { beforeCell: async () => {} },
    history: { add: () => {} },
    typesWait: 400,
    publish: () => {},
    reply: (content: Json) => replies.push(content),
  };
  const queue = new CellQueue(parts as unknown as CellQueueParts);
  const execute = (code: string) => queue.add({ content: { code } } as unknown as Message);
  return { queue, execute, replies, ran };
}

const prepared = { compiled: {}, magics: { shifted: [], timed: false }, warning: "", declare: () => {} };
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
  queue.interrupt();
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
  queue.interrupt();
  await turn();
  refuse(new Error("late"));
  await turn();
  await turn();
  expect(replies).toMatchObject([{ status: "error", ename: "KeyboardInterrupt" }]);
});
