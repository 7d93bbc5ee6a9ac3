/** Names of files for students. */

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
      .replace(/\.+$/, "_")
      .slice(0, 100);
    // Windows' names of devices are those of files, too, whatever their ending.
    const base = plain === "" || /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(plain) ? `student_${plain}` : plain;
    let name = base;
    for (let i = 2; taken.has(name.toLowerCase()); i++) {
      name = `${base}-${i}`;
    }
    taken.add(name.toLowerCase());
    return name;
  });
}
