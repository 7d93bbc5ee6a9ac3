/**
 * The process that runs the user's code. Its main thread belongs to the cells; an agent on a worker thread listens to the
 * supervisor, so that an interrupt arrives while the main thread is busy.
 */
import { MessageChannel, Worker } from "node:worker_threads";
import { installCellContext } from "./cell-context.ts";
import { CellRunner } from "./cell-runner.ts";
import { installTexts, post, texts } from "./channel.ts";
import type { Frame } from "./frames.ts";
import { installInput } from "./input.ts";
import { installNotebookIo } from "./notebook-io.ts";
import { installSignals } from "./signals.ts";
import { installStackTraces } from "./stack.ts";
import { installWidgets } from "./widgets.ts";

installStackTraces();
installCellContext();
installNotebookIo();
installWidgets();
// Ctrl-C in a terminal reaches the whole process group; the supervisor decides what it means.
process.on("SIGINT", () => {});
const listening = new SharedArrayBuffer(4);
installSignals(listening);

const { port1, port2 } = new MessageChannel();
installInput(port1);
port1.unref();
const runner = new CellRunner(process.cwd());
const agent = new Worker(new URL("./agent.js", import.meta.url), {
  stdout: true,
  stderr: true,
  execArgv: [],
  workerData: { answers: port2, texts: texts.memory, listening },
  transferList: [port2],
});
agent.on("message", (frame: Frame) => runner.handle(frame));
agent.on("error", (error) => {
  post({ type: "stream", cell: 0, name: "stderr", text: `The kernel's agent failed: ${error.stack}\n` });
  process.kill(process.pid, "SIGKILL");
});
installTexts((now) => agent.postMessage(now));
post({ type: "ready" });
