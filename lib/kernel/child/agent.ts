/**
 * The agent: a worker thread beside the user's main thread. It forwards the supervisor's frames, and stops the main
 * thread through the inspector wherever it is, with all state kept.
 */
import { Session } from "node:inspector";
import { Socket } from "node:net";
import { parentPort } from "node:worker_threads";
import { descriptors } from "./channel.ts";
import { type Frame, FrameReader } from "./frames.ts";

// Typings of Node 20 know connectToMainThread on Session.
const inspector = new Session();
inspector.connectToMainThread();

function ask(method: string, params: object = {}): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    inspector.post(method, params, (error: Error | null, result?: object) => {
      if (error) {
        reject(error);
      } else {
        resolve((result ?? {}) as Record<string, unknown>);
      }
    });
  });
}

/**
 * Stops what the main thread does and has it end the cell. Termination takes effect at the next JavaScript of the main
 * thread: where that is busy, in the cell; where it is idle, in the first evaluation here, so that one is repeated.
 */
async function interrupt(cell: number): Promise<void> {
  await ask("Runtime.terminateExecution").catch(() => {});
  const expression = `globalThis[Symbol.for("convbook.kernel.runner")].interrupted(${cell})`;
  for (let attempt = 0; attempt < 20; attempt++) {
    const answer = await ask("Runtime.evaluate", { expression, returnByValue: true }).catch(() => undefined);
    if ((answer?.result as { value?: unknown } | undefined)?.value === true) {
      return;
    }
  }
}

const reader = new FrameReader((frame: Frame) => {
  if (frame.type === "interrupt") {
    interrupt(frame.cell as number);
  } else {
    parentPort?.postMessage(frame);
  }
});
const socket = new Socket({ fd: descriptors.agent, readable: true, writable: true });
socket.on("data", (chunk) => reader.push(chunk));
// Without the supervisor there is nobody to run for.
socket.on("close", () => process.kill(-process.pid, "SIGKILL"));
