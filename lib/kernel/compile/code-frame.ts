/**
 * The lines around a position, with a mark under it.
 *
 * @param source The whole text.
 * @param line From 1.
 * @param column From 1, in UTF-16 units.
 * @param length How many characters to mark.
 */
export function codeFrame(source: string, line: number, column: number, length = 1): string {
  const lines = source.split("\n");
  const from = Math.max(1, line - 2);
  const to = Math.min(lines.length, line + 1);
  const width = String(to).length;
  const out: string[] = [];
  for (let n = from; n <= to; n++) {
    const text = (lines[n - 1] ?? "").replace(/\t/g, " ");
    const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
    out.push(`${n === line ? "\u001b[31m>\u001b[39m" : " "} ${String(n).padStart(width)} | ${shown}`);
    if (n === line && column <= 200) {
      const room = Math.max(1, Math.min(length, text.length - column + 1));
      out.push(`  ${" ".repeat(width)} | ${" ".repeat(column - 1)}\u001b[31m${"^".repeat(room)}\u001b[39m`);
    }
  }
  return out.join("\n");
}
