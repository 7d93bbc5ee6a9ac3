/** What the processes other than rank 0 print goes to files. */
import { mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Has what this process prints written to `rank-N.log` in a folder, unless it is rank 0. The file is made when there is something to write. */
export function logToFile(folder: string, rank: number): void {
  if (rank === 0) {
    return;
  }
  let file: number | undefined;
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
      if (file === undefined) {
        mkdirSync(folder, { recursive: true });
        file = openSync(join(folder, `rank-${rank}.log`), "a");
      }
      writeSync(file, typeof chunk === "string" ? Buffer.from(chunk) : chunk);
      const done = rest.at(-1);
      if (typeof done === "function") {
        done();
      }
      return true;
    };
  }
}
