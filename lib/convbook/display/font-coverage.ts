/** Which characters a TrueType font has. */
/**
 * Reads a font's table of characters (`cmap`, format 12; Microsoft, "OpenType specification").
 *
 * @returns whether the font has a glyph for a code point; undefined where its table is of another kind
 */
export function coverageOf(file: string): ((codePoint: number) => boolean) | undefined {
  const bytes = process.getBuiltinModule("node:fs").readFileSync(file);
  const tables = bytes.readUInt16BE(4);
  for (let i = 0; i < tables; i++) {
    const entry = 12 + 16 * i;
    if (bytes.toString("latin1", entry, entry + 4) === "cmap") {
      return charactersOf(bytes, bytes.readUInt32BE(entry + 8));
    }
  }
  return undefined;
}

function charactersOf(bytes: Buffer, cmap: number): ((codePoint: number) => boolean) | undefined {
  const count = bytes.readUInt16BE(cmap + 2);
  for (let i = 0; i < count; i++) {
    const table = cmap + bytes.readUInt32BE(cmap + 8 + 8 * i);
    if (bytes.readUInt16BE(table) !== 12) {
      continue;
    }
    const groups = Array.from({ length: bytes.readUInt32BE(table + 12) }, (_, g) => {
      const at = table + 16 + 12 * g;
      return [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)] as const;
    });
    return (codePoint) => groups.some(([first, last]) => codePoint >= first && codePoint <= last);
  }
  return undefined;
}
