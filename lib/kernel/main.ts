/** What a kernelspec starts: `node main.js CONNECTION_FILE`. */
import "./supervisor/heap.ts";
import { isOrphan } from "./platform.ts";
import { ConnectionFileError, readConnectionFile } from "./protocol/connection.ts";
import { BindError } from "./protocol/sockets.ts";
import { checkHistoryFile, SettingError, wholeNumber } from "./settings.ts";
import { Kernel } from "./supervisor/kernel.ts";
import { messageOf, stackOf } from "./values.ts";

/**
 * Limit of the heap where the environment sets none, MiB. It is here and not in the kernelspec, whose environment Jupyter
 * puts over the user's.
 */
const defaultHeap = 4096;

const parent = process.ppid;

async function main(args: readonly string[]): Promise<void> {
  const file = args.filter((arg) => arg !== "-f" && arg !== "--detached").at(0);
  if (file === undefined) {
    throw new ConnectionFileError("(none)", "give its path as the argument; Jupyter does so through the kernelspec");
  }
  const options = {
    folder: process.cwd(),
    heapLimit: (wholeNumber("CONVBOOK_HEAP_MB", "mebibytes") ?? defaultHeap) || undefined,
    interruptGrace: wholeNumber("CONVBOOK_INTERRUPT_GRACE", "milliseconds") ?? 10_000,
    typesWait: wholeNumber("CONVBOOK_TYPES_WAIT", "milliseconds") ?? 400,
  };
  const orphanSeconds = wholeNumber("CONVBOOK_ORPHAN_SECONDS", "seconds") ?? 600;
  checkHistoryFile();
  let kernel: Kernel | undefined;
  let signalled: Date | undefined;
  process.on("SIGINT", () => {
    signalled = new Date();
    kernel?.interrupt();
  });
  kernel = await Kernel.start(readConnectionFile(file), options);
  if (signalled !== undefined) {
    // A cell that was sent to a kernel that starts is interrupted as one that runs.
    kernel.interrupt(signalled);
  }
  process.on("SIGTERM", () => kernel.shutdown());
  process.on("uncaughtException", (error) => kernel.log(`Internal error: ${error.stack}`));
  process.on("unhandledRejection", (reason) => kernel.log(`Internal error: ${stackOf(reason)}`));
  if (!args.includes("--detached")) {
    watchParent(kernel, orphanSeconds);
  }
  await kernel.closed;
  process.exit(0);
}

/**
 * A server that died without a word must not leave its kernels behind. Where Jupyter says through JPY_PARENT_PID that the
 * kernel is its own, the kernel ends with it; else it ends once the process that started it is gone and nobody has been
 * connected for a while.
 */
function watchParent(kernel: Kernel, orphanSeconds: number): void {
  const patience = process.env.JPY_PARENT_PID !== undefined ? 0 : orphanSeconds * 1000;
  const timer = setInterval(() => {
    if (isOrphan(parent) && (process.env.JPY_PARENT_PID !== undefined || kernel.idleFor > patience)) {
      clearInterval(timer);
      kernel.shutdown();
    }
  }, 1000);
  timer.unref();
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const known = [ConnectionFileError, BindError, SettingError].some((type) => error instanceof type);
  process.stderr.write(`${known ? messageOf(error) : stackOf(error)}\n`);
  process.exit(1);
});
