/**
 * What the checker is shown while the name of a member is typed after its dot. A text that it knows it need not check again,
 * so it is the same text for each letter of the name, and where possible whatever else changes in the cell.
 */
import type { AnyNode, Program } from "acorn";
import { parseModule } from "../compile/rewrite.ts";
import { childrenOf } from "../compile/syntax.ts";
import { maskLiterals } from "../types/declarations.ts";

/** A text with one name in place of the one that is typed, and where that begins. */
export interface MemberText {
  readonly source: string;
  readonly offset: number;
}

/** What stands for the name that is typed. */
const anyName = "_";

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

/** Names with dots between, and a dot behind. */
const names =
  /(?<![\p{ID_Continue}$])([\p{ID_Start}$_][\p{ID_Continue}$]*)(?:\.[\p{ID_Start}$_][\p{ID_Continue}$]*)*\.$/u;

/** Magics, and what can change types from another place of the cell: imports, and classes, whose members see more. */
const notAlone = /^[ \t]*[%!?]|[<@]|\/\/\/|\b(?:import|require|class)\b/m;

/**
 * The member's expression alone, where nothing else in the cell can change what its members are: it is a name and names
 * after dots, the cell has no types, and mentions the first name nowhere else, so that it is declared in another cell or
 * nowhere, and not narrowed here. Undefined elsewhere.
 */
export function memberAlone({ source, offset }: MemberText): MemberText | undefined {
  const first = names.exec(source.slice(0, offset))?.[1];
  if (first === undefined || first === "arguments" || mentions(source, first) > 1 || notAlone.test(source)) {
    return undefined;
  }
  let program: Program;
  try {
    program = parseModule(source);
  } catch {
    return undefined;
  }
  const object = objectOf(program, offset);
  if (object === undefined || rootOf(object) !== first) {
    return undefined;
  }
  const alone = `${source.slice(object.start, object.end)}.`;
  return { source: `${alone}${anyName}`, offset: alone.length };
}

/** The object of the member whose name begins at a place. */
function objectOf(node: AnyNode, offset: number): AnyNode | undefined {
  if (node.type === "MemberExpression" && !node.optional && node.property.start === offset) {
    return node.object;
  }
  for (const child of childrenOf(node)) {
    if (child.start <= offset && offset < child.end) {
      return objectOf(child, offset);
    }
  }
  return undefined;
}

/** The first name of names with dots between. */
function rootOf(node: AnyNode): string | undefined {
  if (node.type === "Identifier") {
    return node.name;
  }
  const plain = node.type === "MemberExpression" && !node.computed && !node.optional;
  return plain ? rootOf(node.object) : undefined;
}

/** How often a name is in a text, as whatever. */
function mentions(source: string, name: string): number {
  return (
    source.split(new RegExp(`(?<![\\p{ID_Continue}$])${name.replaceAll("$", "\\$")}(?![\\p{ID_Continue}$])`, "u"))
      .length - 1
  );
}
