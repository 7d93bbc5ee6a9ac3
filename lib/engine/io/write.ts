/** Writing several files of one folder so that a failure leaves those of before as they were. */
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { renameOver } from "../platform.ts";

/**
 * Writes files beside their places, and renames them when all of them are on the disk. A full disk, an error or a crash while they are written
 * leaves the files of before; nobody ever opens half a file. Between the renames, and only there, some are new and some are not.
 *
 * @param folder where they go; it exists
 * @param files their names, and of what each consists; renamed in this order
 */
export async function writeTogether(
  folder: string,
  files: ReadonlyMap<string, string | readonly Uint8Array[]>,
): Promise<void> {
  const suffix = `${process.pid}.${randomBytes(6).toString("hex")}.tmp`;
  const written: { readonly from: string; readonly to: string }[] = [];
  try {
    for (const [name, content] of files) {
      const from = join(folder, `.${name}.${suffix}`);
      const file = await open(from, "wx");
      written.push({ from, to: join(folder, name) });
      try {
        for (const piece of typeof content === "string" ? [content] : content) {
          await file.writeFile(piece);
        }
        await file.sync();
      } finally {
        await file.close();
      }
    }
    for (const { from, to } of written) {
      await renameOver(() => rename(from, to));
    }
  } finally {
    // What has been renamed is not there any more, which is no error here.
    for (const { from } of written) {
      await rm(from, { force: true });
    }
  }
}
