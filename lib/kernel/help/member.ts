/**
 * What the checker is shown while the name of a member is typed after its dot. A text that it knows it need not check again,
 * so it is the same text for each letter of the name.
 */
import { maskLiterals } from "../types/declarations.ts";

/** A text with one name in place of the one that is typed, and where that begins. */
export interface MemberText {
  readonly source: string;
  readonly offset: number;
}

/** What stands for the name that is typed. */
export const anyName = "_";

/**
 * The whole cell with another name after the dot; undefined where no member is typed.
 *
 * @param source The cell.
 * @param offset Where the cursor is, UTF-16 units.
 */
export function memberAt(source: string, offset: number): MemberText | undefined {
  const before = source.slice(0, offset);
  const typed = /(?<=(?:^|[^.])\.)(?!\d)[\p{ID_Continue}$]*$/u.exec(before);
  // In a string or a comment a dot is a dot; an open quote is not masked.
  const line = maskLiterals(before).slice(before.lastIndexOf("\n") + 1);
  if (typed === null || /["'`]/.test(line) || line.at(typed.index - offset - 1) !== ".") {
    return undefined;
  }
  const after = source.slice(offset).replace(/^[\p{ID_Continue}$]+/u, "");
  return { source: `${source.slice(0, typed.index)}${anyName}${after}`, offset: typed.index };
}
