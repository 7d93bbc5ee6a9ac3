/** TypeScript as a sequence of tokens in which names, numbers and texts are all alike: renaming and reformatting change nothing. */

const token =
  /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*(?:`|$)|(?:\d[\w.]*|\.\d[\w.]*)|[\p{ID_Start}$_][\p{ID_Continue}$]*|=>|\.\.\.|\?\.|\?\?=?|[=!<>]==?|[-+*/%&|^]=|&&=?|\|\|=?|\*\*|\+\+|--|\S/gu;

/** Words that are the language's own: they keep their meaning. */
const words = new Set(
  `as async await break case catch class const continue default do else enum export extends false finally for from function if import in instanceof
   interface is let new null of return static super switch this throw true try type typeof undefined var void while with yield`.split(
    /\s+/,
  ),
);

/**
 * The tokens of code in TypeScript, or in a language that looks like it. Comments and semicolons are left out.
 *
 * @param source The code.
 */
export function tokensOf(source: string): string[] {
  const tokens: string[] = [];
  for (const [text] of source.matchAll(token)) {
    const first = text[0] as string;
    if (/^(?:\/\/|\/\*)/.test(text)) {
      continue;
    }
    if (first === '"' || first === "'" || first === "`") {
      tokens.push("s");
    } else if (/^\.?\d/.test(text)) {
      tokens.push("0");
    } else if (/[\p{ID_Start}$_]/u.test(first)) {
      tokens.push(words.has(text) ? text : "n");
    } else if (text !== ";") {
      tokens.push(text);
    }
  }
  return tokens;
}
