/**
 * Our side as a process that takes its turn, with the protocol of peer.py: reads "train LAYOUT" or "infer LAYOUT", makes one step (there is
 * one layout) and answers in milliseconds; answers "memory" with the most bytes that the process has held.
 * Arguments: the network's name, the batch size, the backend.
 */
import { createInterface } from "node:readline";
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { engine } from "@convbook/engine";
import type { Mode } from "./contest.ts";
import { ours } from "./networks.ts";

const [name = "ResNet", batch = "128", backend = "native"] = process.argv.slice(2);
if (backend === "native" && !engine.available) {
  throw new Error(`The native engine is not available: ${engine.reason}`);
}
if (!(await tf.setBackend(backend))) {
  throw new Error(`The backend "${backend}" does not start`);
}
await tf.ready();
const contestant = ours(name, Number(batch));
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "memory") {
    console.log(process.resourceUsage().maxRSS * 1024);
  } else {
    console.log(await contestant.step(line.split(" ")[0] as Mode));
  }
}
