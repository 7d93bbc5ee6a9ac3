/** Formulas in tables: a `|` in one is part of it, as Jupyter has it, and ends no cell. */

const rule = /^[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
/** Code, an escaped character, or a formula: dollars with no white space inside of them, and no digit behind. */
const part = /(`+)(?!`).*?(?<!`)\1(?!`)|\\.|\$\$.+?\$\$|\$(?![\s$])(?:\\.|[^$\\])*?(?<!\s)\$(?!\d)/g;

/** Escapes each `|` in a formula in a table, which Markdown then takes as part of its cell. */
export function tableFormulas(text: string): string {
  const lines = text.split("\n");
  let inTable = false;
  return lines
    .map((line, index) => {
      const isHead = rule.test(lines[index + 1] ?? "") && (lines[index + 1] ?? "").includes("|") && line.includes("|");
      inTable = isHead || (inTable && line.includes("|") && line.trim() !== "");
      return inTable ? line.replace(part, (whole) => (/^\$/.test(whole) ? escaped(whole) : whole)) : line;
    })
    .join("\n");
}

function escaped(formula: string): string {
  return formula.replace(/\\.|\|/g, (found) => (found === "|" ? "\\|" : found));
}
