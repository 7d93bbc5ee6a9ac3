/** What a kernelspec starts: `node main.js CONNECTION_FILE`. */
import { ConnectionFileError, readConnectionFile } from "./protocol/connection.ts";
import { BindError } from "./protocol/sockets.ts";
import { Kernel } from "./supervisor/kernel.ts";

async function main(args: readonly string[]): Promise<void> {
  const file = args.filter((arg) => arg !== "-f").at(0);
  if (file === undefined) {
    throw new ConnectionFileError("(none)", "give its path as the argument; Jupyter does so through the kernelspec");
  }
  const limit = Number(process.env.CONVBOOK_HEAP_MB);
  const kernel = await Kernel.start(readConnectionFile(file), {
    folder: process.cwd(),
    heapLimit: Number.isInteger(limit) && limit > 0 ? limit : undefined,
  });
  process.on("SIGINT", () => kernel.interrupt());
  process.on("SIGTERM", () => kernel.shutdown());
  process.on("uncaughtException", (error) => kernel.log(`Internal error: ${error.stack}`));
  process.on("unhandledRejection", (reason) => kernel.log(`Internal error: ${(reason as Error)?.stack ?? reason}`));
  watchParent(() => kernel.shutdown());
  await kernel.closed;
  process.exit(0);
}

/** A server that died without a word must not leave its kernels behind. Jupyter says through the variable that it started us. */
function watchParent(lost: () => void): void {
  const parent = process.ppid;
  if (process.env.JPY_PARENT_PID !== undefined) {
    setInterval(() => {
      if (process.ppid !== parent) {
        lost();
      }
    }, 1000).unref();
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const known = error instanceof ConnectionFileError || error instanceof BindError;
  process.stderr.write(`${known ? error.message : ((error as Error).stack ?? error)}\n`);
  process.exit(1);
});
