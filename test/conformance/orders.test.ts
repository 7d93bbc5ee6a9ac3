/** What the supervisor sends is for the process that runs the cells: where somebody else has read some of it, that process ends. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { expect, it } from "vitest";
import { encodeFrame, FrameReader } from "../../lib/kernel/wire/frames.ts";
import type { Order, Report } from "../../lib/kernel/wire/messages.ts";
import { root } from "./harness.ts";

it("a process that misses an order does no other, and ends", async () => {
  const child = spawn(
    process.execPath,
    [
      "--experimental-vm-modules",
      "--experimental-import-meta-resolve",
      "--disable-warning=ExperimentalWarning",
      join(root, "lib/kernel/dist/child/main.js"),
    ],
    // A group of its own, which ends as a whole.
    { stdio: ["ignore", "ignore", "inherit", "pipe", "pipe"], detached: true },
  );
  const ended = once(child, "exit");
  const agent = child.stdio[4] as Duplex;
  agent.on("error", () => {});
  const answers: number[] = [];
  let answered = () => {};
  const reader = new FrameReader<Report>((frame) => {
    if (frame.type === "inspected") {
      answers.push(frame.id);
      answered();
    }
  });
  agent.on("data", (chunk: Buffer) => reader.push(chunk));
  const send = (number: number) => {
    const order: Order = { type: "inspect", id: number, method: "Runtime.evaluate", params: { expression: "1" } };
    const numbered = { ...order, number };
    for (const part of encodeFrame(numbered)) {
      agent.write(part);
    }
  };
  for (const number of [0, 1]) {
    const answer = new Promise<void>((resolve) => {
      answered = resolve;
    });
    send(number);
    await Promise.race([answer, ended]);
  }
  expect([answers, child.exitCode, child.signalCode]).toEqual([[0, 1], null, null]);
  // As if a cell's own thread had read the third from the descriptor.
  send(3);
  await ended;
  expect(answers).toEqual([0, 1]);
});
