/** Names of files for students. */
import { createHash } from "node:crypto";

/** Bytes of a name that any file system takes, with an ending and what is put in front while it is written. */
const longestName = 180;

/**
 * A name as it is, or where it is too long for a file system its beginning with a mark by which it is told from others that begin so.
 *
 * @param name Of a file, without its ending.
 */
export function shortName(name: string): string {
  if (Buffer.byteLength(name) <= longestName) {
    return name;
  }
  const mark = `~${createHash("sha256").update(name).digest("hex").slice(0, 8)}`;
  let short = "";
  for (const letter of name) {
    if (Buffer.byteLength(short + letter + mark) > longestName) {
      break;
    }
    short += letter;
  }
  return short + mark;
}

/**
 * Names of files that say whose they are, whatever an id holds, and are all different: also where a system knows no upper case.
 *
 * @param ids Ids of students.
 * @returns A name for each, without an ending.
 */
export function fileNames(ids: readonly string[]): string[] {
  const taken = new Set<string>();
  return ids.map((id) => {
    const plain = id
      .normalize("NFC")
      .replace(/[^\p{L}\p{N}@._-]+/gu, "_")
      .replace(/^[.-]+/, "_")
      .replace(/\.+$/, "_");
    // Windows' names of devices are those of files, too, whatever their ending.
    const base = shortName(
      plain === "" || /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(plain) ? `student_${plain}` : plain,
    );
    let name = base;
    for (let i = 2; taken.has(name.toLowerCase()); i++) {
      name = `${base}-${i}`;
    }
    taken.add(name.toLowerCase());
    return name;
  });
}
