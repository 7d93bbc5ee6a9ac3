/** What MathJax, which Jupyter has, takes and KaTeX does not, in KaTeX's spelling. */
import { TexReader, texTokens } from "./tex-tokens.ts";

/** Their arguments are texts, in which no character but a dollar is a command. */
const texts = new Set("text textrm textbf textit textsf texttt textup textmd textnormal mbox hbox fbox".split(" "));

/** Commands of one argument that may stand alone behind `_` and `^`. */
const accents = new Set(
  `acute bar bcancel boxed boldsymbol breve cancel check ddot dot grave hat mathring overbrace overleftarrow overline overrightarrow
   sout sqrt tilde underbrace underline vec widecheck widehat widetilde xcancel`.split(/\s+/),
);

/** A formula with escapes for what is no command in texts, and braces around the arguments of `_` and `^`. */
export function asMathJax(tex: string): string {
  const reader = new TexReader(texTokens(tex));
  let result = "";
  for (let token = reader.next(); token !== undefined; token = reader.next()) {
    const isText = token.kind === "command" && texts.has(token.name);
    const isArgument = token.kind === "command" && accents.has(token.name) && /[_^]\s*$/.test(result);
    const argument = isText || isArgument ? reader.argument() : undefined;
    if (argument === undefined) {
      result += token.text;
    } else {
      result += isText ? `${token.text}{${escapedText(argument)}}` : `{${token.text}{${asMathJax(argument)}}}`;
    }
  }
  return result;
}

const escapes: Readonly<Record<string, string>> = { _: "\\_", "#": "\\#", "&": "\\&", "^": "\\textasciicircum " };

/** A text with what is no command in it escaped; formulas between dollars are left. */
function escapedText(text: string): string {
  return text.replace(/\$[^$]*\$|\\[\s\S]|[_#&^]/g, (found) => escapes[found] ?? found);
}
