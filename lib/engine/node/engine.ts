/** The engine in Node: it starts when it is imported. */
import { engine, joinEngine, startEngine } from "../engine.ts";
import { loadNative } from "../native.ts";
import { nodeHost } from "./host.ts";

if (!joinEngine()) {
  startEngine(nodeHost, loadNative());
}

export { engine };
