export { type NotebookPlugin, type NotebookTestOptions, notebooks } from "./plugin.ts";
