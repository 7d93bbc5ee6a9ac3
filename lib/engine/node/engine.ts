/** The engine in Node: it starts when it is imported. */
import { engine, startEngine } from "../engine.ts";
import { loadNative } from "../native.ts";
import { nodeHost } from "./host.ts";

startEngine(nodeHost, loadNative());

export { engine };
