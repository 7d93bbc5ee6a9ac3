/** Worker threads that cells and packages start: TypeScript runs in them, and a path means what it means to the checker. */
import { existsSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { isAbsolute, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import workerThreads, { type WorkerOptions } from "node:worker_threads";
import { fileAt, isUsers } from "../modules/files.ts";
import { exposed } from "./realm.ts";

/** Where threads find the notebook's folder. */
export const folderKey = "convbook.kernel.folder";

/** Flags of the process that a thread cannot have for itself. */
const ofProcess = /^--max-old-space-size/;

/**
 * Has every worker thread from now on begin with what loads TypeScript.
 *
 * @param folder The notebook's folder: a relative path that leads nowhere from the working directory is looked for there.
 */
export function hookWorkers(folder: string): void {
  // A thread was itself started with what goes before it.
  const isOwn = (flag = "") => flag.endsWith("/worker-preload.js");
  const flags = process.execArgv.filter((flag, i, all) => !ofProcess.test(flag) && !isOwn(flag) && !isOwn(all[i + 1]));
  const preload = new URL("worker-preload.js", import.meta.url);
  // A text that is evaluated does not wait for what is imported.
  const first = { file: ["--import", preload.href], text: ["--require", fileURLToPath(preload)] };
  const { Worker, setEnvironmentData } = workerThreads;
  setEnvironmentData(folderKey, folder);
  class HookedWorker extends Worker {
    constructor(entry: string | URL, options: WorkerOptions = {}) {
      const path = options.eval === true ? undefined : entryPath(entry);
      if (path !== undefined && !isUsers(path) && options.execArgv !== undefined) {
        // A package that says what its own threads run.
        super(entry, options);
        return;
      }
      const execArgv = [...(options.execArgv ?? flags), ...first[options.eval === true ? "text" : "file"]];
      const missing = path !== undefined && !existsSync(path);
      const found = missing ? (fileAt(path) ?? fileAt(resolve(folder, relative(process.cwd(), path)))) : undefined;
      super(found ?? entry, { ...options, execArgv });
    }
  }
  Object.defineProperty(HookedWorker, "name", { value: "Worker" });
  (workerThreads as { Worker: typeof Worker }).Worker = exposed(HookedWorker);
  syncBuiltinESMExports();
}

/** The path that a thread begins with, where it is one. */
function entryPath(entry: string | URL): string | undefined {
  const address = typeof entry === "string" ? entry : entry?.href;
  if (address?.startsWith("file:")) {
    return fileURLToPath(address);
  }
  return typeof entry === "string" && (isAbsolute(entry) || /^\.{1,2}[\\/]/.test(entry)) ? resolve(entry) : undefined;
}
