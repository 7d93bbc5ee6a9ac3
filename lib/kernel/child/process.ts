/**
 * The kernel in the process that runs the user's code. The main thread belongs to the cells; an agent on a worker thread
 * listens to the supervisor, so that an interrupt arrives while the main thread is busy.
 */
import { MessageChannel, Worker } from "node:worker_threads";
import { installTexts, post, texts } from "../wire/channel.ts";
import { installCellContext } from "./cell-context.ts";
import { CellRunner } from "./cell-runner.ts";
import { installInput } from "./input.ts";
import { installNotebookIo } from "./notebook-io.ts";
import { keepMethods } from "./realm.ts";
import { installSignals } from "./signals.ts";
import { installStackTraces } from "./stack.ts";
import { installStdin } from "./stdin.ts";
import { installWidgets } from "./widgets.ts";

installStackTraces();
installCellContext();
installNotebookIo();
installWidgets();
installStdin();
// Ctrl-C in a terminal reaches the whole process group; the supervisor decides what it means.
process.on("SIGINT", () => {});
const listening = new SharedArrayBuffer(4);
installSignals(listening);

const inputs = new MessageChannel();
installInput(inputs.port1);
inputs.port1.unref();
const runner = new CellRunner(process.cwd());
const frames = new MessageChannel();
const agent = new Worker(new URL("./agent.js", import.meta.url), {
  stdout: true,
  stderr: true,
  execArgv: [],
  // What it forwards it keeps for a moment only.
  resourceLimits: { maxYoungGenerationSizeMb: 2 },
  workerData: { answers: inputs.port2, frames: frames.port2, texts: texts.memory, listening },
  transferList: [inputs.port2, frames.port2],
});
keepMethods(frames.port1);
// As text: an object would arrive as one of the cells' realm, and its arrays with the methods of that.
frames.port1.on("message", ({ json, buffers }: { json: string; buffers: Uint8Array[] }) =>
  runner.handle(JSON.parse(json), buffers),
);
agent.on("error", (error) => {
  post({ type: "stream", cell: 0, name: "stderr", text: `The kernel's agent failed: ${error.stack}\n` });
  process.kill(process.pid, "SIGKILL");
});
const wake = agent.postMessage;
installTexts((now) => Reflect.apply(wake, agent, [now]));
post({ type: "ready" });
