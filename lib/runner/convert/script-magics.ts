/** Takes out of a cell what only a kernel understands, and leaves the code that it runs. */
import { mask } from "../run/languages/mask.ts";
import { pythonStatements } from "../run/languages/python.ts";
import { beginsStatement, scriptDeclarations } from "../run/languages/script-declarations.ts";

/** Cell magics whose cell is code of the notebook's language. */
const ofCode = /^%%(?:capture|debug|heat|ipytest|lprun|memit|mprun|prun|snakeviz|time|timeit)\b/;

/** Lines that IPython reads, and Python cannot: magics, commands, help. */
const magicLine = /^\s*(?:[%!]|\?{1,2}[\w.]|[\w.]+\?{1,2}\s*$)|^\s*[\w.]+(?:\s*,\s*[\w.]+)*\s*=\s*(?:!|%(?!=)\w)/;

/**
 * The code of a cell, with comments for what only a kernel understands.
 *
 * @param source The cell.
 * @param language Its language's name.
 * @param comment How a comment begins.
 */
export function withoutMagics(source: string, language: string, comment: string): string {
  const commented = (text: string) => text.replace(/^.*$/gm, (line) => `${comment} ${line}`.trimEnd());
  if (source.trimStart().startsWith("%%") && !ofCode.test(source.trimStart())) {
    return commented(source);
  }
  const isScript = /^(?:type|java)script$/.test(language);
  const lines: string[] = [];
  for (const line of source.split("\n")) {
    if (language === "python") {
      lines.push(magicLine.test(line) && !isInside(lines) ? pythonLine(line) : line);
    } else if (isScript ? isScriptMagic(line, source) && beginsStatement(lines.join("\n")) : /^%\w/.test(line)) {
      lines.push(line.replace(/^%time[ \t]+(?=\S)|^/, (time) => (time === "" ? `${comment} ` : "")));
    } else {
      lines.push(line);
    }
  }
  return lines.join("\n");
}

/** A magic, or a command: `!ready` is an expression where the cell declares the name, and so is what a command cannot begin with. */
function isScriptMagic(line: string, cell: string): boolean {
  const [, word = ""] = /^!\s*([A-Za-z_./~$"'][^\s;(&|.]*)/.exec(line) ?? [];
  const isName = /^[\w$]+$/.test(word);
  const isExpression =
    /^(?:await|new|this|typeof|function|async|globalThis)$/.test(word) ||
    (isName && scriptDeclarations(cell).some(({ name }) => name === word));
  return /^%{1,2}[A-Za-z]/.test(line) || (word !== "" && !isExpression);
}

/** Whether what comes behind these lines is in a text, or in brackets. */
function isInside(lines: readonly string[]): boolean {
  // Of a text that does not end the last character is seen.
  return mask([...lines, "xx"].join("\n"), pythonStatements).at(-2) !== "x";
}

/** A statement whose time is told is run; what else there is becomes a comment, where a block needs one with a statement. */
function pythonLine(line: string): string {
  const [, indent = "", rest = ""] = /^(\s*)(.*)$/.exec(line) ?? [];
  const timed = /^%time\s+(\S.*)$/.exec(rest)?.[1];
  return timed !== undefined ? indent + timed : indent === "" ? `# ${rest}` : `${indent}pass  # ${rest}`;
}
