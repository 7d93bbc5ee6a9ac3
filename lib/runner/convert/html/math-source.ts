/** Formulas in Markdown that the plugin for formulas does not see as Jupyter does. Code keeps its own. */
import { tableFormulas } from "./table-formulas.ts";

/** Fences, in quotations and lists, too, and spans of code. */
const code =
  /^[ \t>]*(?:```+[^`\n]*|~~~+[^\n]*)\n(?:[\s\S]*?^[ \t>]*(?:```|~~~)[^\n]*$|[\s\S]*)|(`+)(?!`)(?:(?!\n[ \t]*\n)[\s\S])*?(?<!`)\1(?!`)/gm;

/** What is passed over on the way to an environment: escapes, and formulas with dollars around them. Two backslashes make a dollar one. */
const opening =
  /\\\\(?=\$)|\\(?!begin\s*\{)[\s\S]|\$\$[\s\S]*?\$\$|\$(?:(?!\n[ \t]*\n)(?:[^$\\]|\\[\s\S]))+\$|\\begin\s*\{([^{}\n]+)\}/g;

/**
 * Writes Jupyter's formulas so that they can be found: those in `\\[…\\]` and `\\(…\\)` with dollars, and environments without
 * any (`\begin{align}…\end{align}`), which may stand anywhere in the text and hold what Markdown would take for its own, as
 * `keep` says; so are displayed ones with text behind them (https://github.com/jupyter/nbconvert/issues/504 has such a line).
 *
 * @param text Markdown.
 * @param keep Takes an environment, or what stands between double dollars, and gives what is to stand for it in the text.
 */
export function findFormulas(text: string, keep: (tex: string) => string): string {
  return outsideCode(withoutFences(text, tableFormulas), (part) => inText(part, keep));
}

/** Changes what is in no fence and no span of code. */
export function outsideCode(text: string, change: (text: string) => string): string {
  let result = "";
  let from = 0;
  for (const { 0: whole, index } of text.matchAll(code)) {
    result += change(text.slice(from, index)) + whole;
    from = index + whole.length;
  }
  return result + change(text.slice(from));
}

/** Changes what is outside of fences. */
function withoutFences(text: string, change: (text: string) => string): string {
  let result = "";
  let from = 0;
  for (const { 0: whole, 1: span, index } of text.matchAll(code)) {
    if (span === undefined) {
      result += change(text.slice(from, index)) + whole;
      from = index + whole.length;
    }
  }
  return result + change(text.slice(from));
}

function inText(text: string, keep: (tex: string) => string): string {
  const dollars = text
    .replace(/\\\\\[([\s\S]+?)\\\\\]/g, (_, tex: string) => `\n$$\n${tex.trim()}\n$$\n`)
    .replace(/\\\\\(([\s\S]+?)\\\\\)/g, (_, tex: string) => `$${tex.trim()}$`);
  let result = "";
  let from = 0;
  const endless = new Set<string>();
  opening.lastIndex = 0;
  for (let match = opening.exec(dollars); match !== null; match = opening.exec(dollars)) {
    const [whole, name] = match;
    if (whole === "\\\\" && dollars[opening.lastIndex] === "$") {
      // Markdown takes the first of the backslashes, MathJax in Jupyter the second.
      result += `${dollars.slice(from, match.index)}\\$`;
      opening.lastIndex += 1;
      from = opening.lastIndex;
      continue;
    }
    if (
      whole.startsWith("$$") &&
      isCutOff(whole, lineBefore(dollars, match.index), lineAfter(dollars, opening.lastIndex))
    ) {
      result += dollars.slice(from, match.index) + keep(whole);
      from = opening.lastIndex;
      continue;
    }
    // In a quotation each line has its mark, which is none of the formula's.
    if (name === undefined || endless.has(name) || /^[ \t]*>/.test(lineBefore(dollars, match.index))) {
      continue;
    }
    const end = endOf(dollars, name, match.index);
    if (end === undefined) {
      endless.add(name);
      continue;
    }
    result += dollars.slice(from, match.index) + keep(dollars.slice(match.index, end));
    from = end;
    opening.lastIndex = end;
  }
  return result + dollars.slice(from);
}

/**
 * Whether the plugin takes a formula between double dollars for a block of lines, though text goes on behind it: that, and the formula's last line,
 * would be lost.
 */
function isCutOff(formula: string, before: string, after: string): boolean {
  const inner = formula.slice(2, -2);
  return (
    /^[ \t>*+-]*(?:\d+[.)][ \t]+)?$/.test(before) &&
    after.trim() !== "" &&
    inner.trim() !== "" &&
    !(before.includes(">") && inner.includes("\n"))
  );
}

function lineAfter(text: string, index: number): string {
  const end = text.indexOf("\n", index);
  return text.slice(index, end === -1 ? undefined : end);
}

function lineBefore(text: string, index: number): string {
  return text.slice(text.lastIndexOf("\n", index - 1) + 1, index);
}

/** Where an environment ends that begins at a place; those of its name in it are passed over. */
function endOf(text: string, name: string, begin: number): number | undefined {
  const side = /\\(begin|end)\s*\{([^{}\n]+)\}/g;
  side.lastIndex = begin;
  let depth = 0;
  for (let match = side.exec(text); match !== null; match = side.exec(text)) {
    depth += match[2] !== name ? 0 : match[1] === "begin" ? 1 : -1;
    if (depth === 0) {
      return side.lastIndex;
    }
  }
  return undefined;
}
