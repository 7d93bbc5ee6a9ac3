/** Reading files out of a .tar.gz into memory: nothing is unpacked to disk, so no path in it can lead anywhere. */
import { list } from "tar";
import { messageOf } from "../../files/index.ts";
import { DataError } from "../error.ts";

/**
 * Gives the files of an archive that are asked for, one after the other, in the archive's order.
 *
 * @param archive path of a .tar.gz or .tgz
 * @param wanted full names in the archive, each with the largest size in bytes that is believed
 * @param onFile is given each file's bytes
 * @throws {DataError} naming the archive, when it is broken, or a file is missing, twice there or larger than believed
 */
export async function readTarGz(
  archive: string,
  wanted: ReadonlyMap<string, number>,
  onFile: (name: string, bytes: Uint8Array) => void,
): Promise<void> {
  const found = new Set<string>();
  let problem: unknown;
  const fail = (message: string, cause?: unknown): DataError =>
    new DataError("format", `${archive}: ${message}.`, { file: archive, cause });
  try {
    await list({
      file: archive,
      strict: true,
      maxReadSize: 1 << 22,
      onReadEntry: (entry) => {
        const { size, type } = entry;
        // As archives of one's own may have them: tar czf x.tar.gz ./folder, and tar's oldest format.
        const path = entry.path.replace(/^(\.\/)+/, "");
        const limit = wanted.get(path);
        const isFile = type === "File" || type === "OldFile" || type === "ContiguousFile";
        if (limit === undefined || !isFile || problem !== undefined) {
          return;
        }
        if (found.has(path)) {
          problem = fail(`the file ${path} is in it twice`);
        } else if (size > limit) {
          problem = fail(`${path} has ${size} bytes; at most ${limit} are expected`);
        }
        if (problem !== undefined) {
          return;
        }
        found.add(path);
        const chunks: Buffer[] = [];
        entry.on("data", (chunk) => chunks.push(chunk));
        entry.on("end", () => {
          const bytes = Buffer.concat(chunks);
          chunks.length = 0;
          // A file that the archive's end cuts off also ends; its archive is refused below.
          if (problem !== undefined || bytes.length !== size) {
            return;
          }
          try {
            onFile(path, bytes);
          } catch (error) {
            problem = error;
          }
        });
      },
    });
  } catch (error) {
    problem ??= fail(`not a whole .tar.gz: ${messageOf(error)}`, error);
  }
  if (problem !== undefined) {
    throw problem;
  }
  const missing = [...wanted.keys()].filter((name) => !found.has(name));
  if (missing.length > 0) {
    throw fail(`it does not hold ${missing.join(", ")}`);
  }
}
