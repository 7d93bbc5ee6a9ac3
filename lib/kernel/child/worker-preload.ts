/** What a worker thread of the cells runs first: TypeScript loads in it, and its errors name lines of that. */
import { register } from "node:module";
import { join } from "node:path";
import { getEnvironmentData } from "node:worker_threads";
import { Resolver } from "../modules/resolver.ts";
import { hookImport } from "./import-hook.ts";
import { hookRequire } from "./require-hook.ts";
import { findSources, installStackTraces } from "./stack.ts";
import { compiledFile } from "./typescript.ts";
import { folderKey, hookWorkers } from "./workers.ts";

const folder = String(getEnvironmentData(folderKey));
const resolver = new Resolver(folder);
installStackTraces();
hookRequire(resolver, join(folder, "notebook.mjs"), true);
if (!hookImport(resolver)) {
  register("./thread-hooks.js", import.meta.url, { data: folder });
  // What the hooks compile they do in a thread of their own.
  findSources((file) => compiledFile(file, resolver.emit));
}
hookWorkers(folder);
