/**
 * The agent: a worker thread beside the user's main thread. It forwards the supervisor's frames, stops the main thread
 * through the inspector wherever it is, with all state kept, and hands the debugger's commands to it.
 */
import { Session } from "node:inspector";
import { Socket } from "node:net";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { endTree } from "../platform.ts";
import type { Json } from "../protocol/message.ts";
import { isObject, messageOf } from "../values.ts";
import { descriptors, write } from "../wire/channel.ts";
import { encodeFrame, FrameReader } from "../wire/frames.ts";
import type { Order, Report } from "../wire/messages.ts";
import { TextRing } from "../wire/text-ring.ts";

interface AgentData {
  readonly answers: MessagePort;
  /** Where the main thread takes frames. */
  readonly frames: MessagePort;
  readonly texts: SharedArrayBuffer;
  /** How many listeners to SIGINT the running cell has. */
  readonly listening: SharedArrayBuffer;
}

const { answers, frames, texts: memory, listening }: AgentData = workerData;
const listeners = new Int32Array(listening);
const inspector = new Session();
inspector.connectToMainThread();

function ask(method: string, params: object = {}): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    inspector.post(method, params, (error: Error | null, result?: object) => {
      if (error) {
        reject(error);
      } else {
        resolve({ ...result });
      }
    });
  });
}

/** Ends what a breakpoint holds: a paused thread takes no termination, and resumed without more it would come to the next breakpoint first. */
function resumeToEnd(): Promise<unknown> {
  return ask("Debugger.resume", { terminateOnResume: true }).catch(() => {});
}

/** How often what runs is stopped until the main thread is found idle. */
const mostAttempts = 20;

/**
 * Stops what the main thread does and has it end the cell. Termination takes effect at once: on the JavaScript that runs, or
 * on nothing where none does. Then the cell may begin only after it, so that one is stopped again until the main thread is
 * found idle.
 */
async function stopAndEnd(cell: number): Promise<void> {
  let runs = true;
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    if (runs) {
      await ask("Runtime.terminateExecution").catch(() => {});
    }
    const answer = await ask("Runtime.callFunctionOn", {
      objectId: runner,
      functionDeclaration: "function (cell, last) { return this.interrupted(cell, last); }",
      arguments: [{ value: cell }, { value: attempt === mostAttempts }],
      returnByValue: true,
    }).catch(() => undefined);
    // Undefined where the call itself was stopped, by an earlier termination.
    const ended = isObject(answer?.result) ? answer.result.value : undefined;
    if (ended === true) {
      return;
    }
    runs = ended === false;
  }
}

/** Interrupts come here one after the other. */
async function interrupt(cell: number): Promise<void> {
  interrupting = true;
  if (paused) {
    await resumeToEnd();
  }
  await stopAndEnd(cell);
  interrupting = false;
}

const socket = new Socket({ fd: descriptors.agent, readable: true, writable: true });
let paused = false;
/** Whether an interrupt is under way. */
let interrupting = false;

function report(frame: Report): void {
  for (const part of encodeFrame(frame)) {
    socket.write(part);
  }
}

async function inspect(id: number, method: string, params: Json): Promise<void> {
  try {
    report({ type: "inspected", id, result: await ask(method, params) });
  } catch (error) {
    report({ type: "inspected", id, error: messageOf(error) });
  }
}

inspector.on("inspectorNotification", ({ method, params }: { method: string; params: Json }) => {
  if (method === "Debugger.paused" || method === "Debugger.resumed") {
    paused = method === "Debugger.paused";
    if (paused && interrupting) {
      resumeToEnd();
    }
    report({ type: "inspector-event", method, params });
  } else if (method === "Debugger.scriptParsed" && /^In \[/.test(String(params.url))) {
    const { scriptId, url } = params;
    report({ type: "inspector-event", method, params: { scriptId, url } });
  }
});

/** How long text may wait for more, ms. */
const gather = 1;
const texts = new TextRing(memory);
let gathering: NodeJS.Timeout | undefined;

function writeTexts(): void {
  clearTimeout(gathering);
  gathering = undefined;
  texts.take(({ cell, name, text }) => write({ type: "stream", cell, name }, [text]));
  // A loop that prints for ever must not keep an interrupt from being heard.
  if (!texts.empty) {
    gathering = setTimeout(writeTexts, gather);
  }
}

// The main thread has text: to be written soon, or at once because it waits.
parentPort?.on("message", (now: boolean) => {
  if (now) {
    writeTexts();
  } else {
    gathering ??= setTimeout(writeTexts, gather);
  }
});

function handOver(frame: Order, buffers: readonly Uint8Array[]): void {
  frames.postMessage({ json: JSON.stringify(frame), buffers });
}

/** Orders that have come. */
let orders = 0;
/** Settles when no interrupt is under way: what comes behind one must not be what it stops. */
let stopping: Promise<void> = Promise.resolve();

function inOrder(act: () => void | Promise<void>): void {
  stopping = stopping.then(act);
}

const reader = new FrameReader<Order & { readonly number: number }>((frame, buffers) => {
  // One is missing: the cells' code has read it from the descriptor. What was meant for this process is known to others, and not done.
  if (frame.number !== orders++) {
    endTree(process.pid);
    return;
  }
  switch (frame.type) {
    case "interrupt":
      inOrder(() =>
        frame.gentle === true && Atomics.load(listeners, 0) > 0 ? handOver(frame, []) : interrupt(frame.cell),
      );
      return;
    case "input":
      answers.postMessage(frame);
      return;
    case "inspect":
      inspect(frame.id, frame.method, frame.params);
      return;
    default:
      inOrder(() => handOver(frame, buffers));
  }
});
socket.on("error", () => {});
// Without the supervisor there is nobody to run for.
socket.on("close", () => endTree(process.pid));
// The runner is asked for before any cell runs: one may leave nothing of the names by which it is found.
const found = await ask("Runtime.evaluate", { expression: 'globalThis[Symbol.for("convbook.kernel.runner")]' });
const runner = isObject(found.result) ? found.result.objectId : undefined;
socket.on("data", (chunk) => {
  try {
    reader.push(chunk);
  } catch {
    // A part of an order is missing.
    endTree(process.pid);
  }
});
