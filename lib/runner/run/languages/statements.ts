/** Reads declarations of languages in which each is a statement: `n: int = 3`, `a, b = 1, 2`, `x <- y <- 1`. */
import type { Declaration } from "./language.ts";
import { type Lexis, mask, splitText, withoutComments } from "./mask.ts";

export interface Statements extends Lexis {
  readonly name: RegExp;
  /** What stands between a name and its value. */
  readonly assign: RegExp;
  /** What stands between a value and the name that it is given to. */
  readonly assignRight?: RegExp;
  /** What stands between a name and its type. */
  readonly typed?: RegExp;
  /** What begins a declaration; group 1 is there where it is of a constant. Without one, any assignment declares something. */
  readonly keyword?: RegExp;
  /** Whether only what begins with the keyword declares something. */
  readonly needsKeyword?: boolean;
  /** Whether a type without a value declares a name. */
  readonly bareType?: boolean;
  /** Whether a name may stand before the brackets around several names, as in `Array(a, b)`. */
  readonly patterns?: boolean;
  /** Whether a line of the outermost level may be indented. */
  readonly indented?: boolean;
}

/** What the statements of a source's outermost level declare, in their order. */
export function declarationsOf(source: string, language: Statements): Declaration[] {
  const code = withoutComments(source, language);
  return linesOf(code, language)
    .filter((line) => language.indented === true || !/^\s/.test(line))
    .flatMap((line) => splitText(line, language, /;/g))
    .flatMap((text) => statement(text, language));
}

/** Lines of code, which may be several of the text. */
function linesOf(code: string, language: Lexis): string[] {
  let at = 0;
  return mask(code, language)
    .split("\n")
    .map((masked) => {
      const line = code.slice(at, at + masked.length);
      at += masked.length + 1;
      return line;
    });
}

function statement(text: string, language: Statements): Declaration[] {
  const [keyword = "", constant] = language.keyword?.exec(text) ?? [];
  if (language.needsKeyword === true && keyword === "") {
    return [];
  }
  const parts = splitText(text.slice(keyword.length), language, language.assign);
  const reversed = language.assignRight === undefined ? [text] : splitText(text, language, language.assignRight);
  if (reversed.length > 1) {
    return reversed.slice(1).flatMap((part) => named(part, reversed[0], language));
  }
  const value = parts.length > 1 ? parts.pop() : undefined;
  return parts
    .flatMap((part) => named(part, value, language))
    .filter(({ type }) => value !== undefined || (language.bareType === true && type !== undefined))
    .map((declared) => ({ ...declared, constant: constant !== undefined }));
}

/** What stands before an assignment: a name, with its type, or several, in brackets or not. */
function named(text: string, value: string | undefined, language: Statements): Declaration[] {
  const inner = inBrackets(text, language, language.patterns === true) ?? text;
  const parts = listOf(inner, language);
  if (parts.length > 1 || inner !== text) {
    const values = value === undefined ? [] : listOf(inBrackets(value, language, false) ?? value, language);
    // What takes the rest takes any number of them.
    const oneEach = values.length === parts.length && !parts.some((part) => part.startsWith("*"));
    return parts.flatMap((part, index) =>
      named(part.replace(/^[*;]\s*/, ""), oneEach ? values[index] : undefined, language),
    );
  }
  const [name = "", ...types] = language.typed === undefined ? [text] : splitText(text, language, language.typed);
  return language.name.test(name) ? [{ name: name.replaceAll("`", ""), constant: false, type: types[0], value }] : [];
}

function listOf(text: string, language: Lexis): string[] {
  return splitText(text, language, /,/g).filter((part, index, all) => part !== "" || index < all.length - 1);
}

/** What a text that is all in brackets has in them. */
function inBrackets(text: string, language: Lexis, patterns: boolean): string | undefined {
  const masked = mask(text, language);
  const whole = (patterns ? /^\w*[([]\0*[)\]]$/ : /^[([]\0*[)\]]$/).test(masked);
  return whole ? text.slice(text.search(/[([]/) + 1, -1).trim() : undefined;
}
