/** The most of a line that is shown, and how much of that stands before the position. */
const widest = 200;
const before = 120;

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
  // Of a line that is longer than what is shown, all lines lose their beginning.
  const start = column > widest ? column - before : 0;
  const cut = start > 0 ? "…" : "";
  const out: string[] = [];
  for (let n = from; n <= to; n++) {
    const text = (lines[n - 1] ?? "").replace(/\t/g, " ").slice(start);
    const shown = text.length > widest ? `${text.slice(0, widest)}…` : text;
    out.push(`${n === line ? "\u001b[31m>\u001b[39m" : " "} ${String(n).padStart(width)} | ${cut}${shown}`);
    if (n === line) {
      const at = column - start;
      const room = Math.max(1, Math.min(length, text.length - at + 1, widest - at + 1));
      out.push(`  ${" ".repeat(width)} | ${" ".repeat(at - 1 + cut.length)}\u001b[31m${"^".repeat(room)}\u001b[39m`);
    }
  }
  return out.join("\n");
}
