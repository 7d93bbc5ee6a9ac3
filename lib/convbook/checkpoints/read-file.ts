import { constants, open } from "node:fs/promises";
import { OptionError } from "../arguments/option-error.ts";
import { codeOf, messageOf } from "../files/index.ts";
import { CheckpointError } from "./error.ts";

/** Checkpoints are read as a whole; a typed array of more than 4 GiB is beyond Node's older releases. */
const maxFileBytes = 2 ** 32 - 1;

/**
 * Reads a whole file.
 *
 * @throws OptionError when the path is no string
 * @throws CheckpointError with the reason `io` (no file, no permission), or `limit` when it is too large
 */
export async function readWholeFile(path: string): Promise<Uint8Array> {
  if (typeof path !== "string" || path === "") {
    throw new OptionError("A checkpoint", "path", path, "the path of a file");
  }
  try {
    // Without O_NONBLOCK opening a named pipe would wait for a writer for ever.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const found = await file.stat();
      if (!found.isFile()) {
        throw new CheckpointError(path, null, "io", "this is not a file");
      }
      if (found.size > maxFileBytes) {
        throw new CheckpointError(
          path,
          null,
          "limit",
          `the file has ${found.size} bytes; at most ${maxFileBytes} are read`,
        );
      }
      const bytes = new Uint8Array(found.size);
      let length = 0;
      while (length < bytes.length) {
        const { bytesRead } = await file.read(bytes, length, Math.min(bytes.length - length, 1 << 28), length);
        if (bytesRead === 0) {
          break;
        }
        length += bytesRead;
      }
      return bytes.subarray(0, length);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof CheckpointError) {
      throw error;
    }
    const code = codeOf(error);
    const detail = code === "ENOENT" ? "there is no such file" : `cannot read the file: ${messageOf(error)}`;
    throw new CheckpointError(path, null, "io", detail, { cause: error });
  }
}
