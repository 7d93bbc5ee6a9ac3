/**
 * The part of a cell on which the members of one expression depend. The checker is shown that part alone: a text that it knows it
 * need not check again, so whatever else changes in the cell costs nothing.
 *
 * What a statement may change is taken rather too wide than too narrow: a name that is anywhere in it counts as meant.
 */
import type { AnyNode, Program } from "acorn";
import { declaredNames } from "../compile/parse-typescript.ts";
import { childrenOf } from "../compile/syntax.ts";
import { anyName, type MemberText } from "./member.ts";

export interface CellPart extends MemberText {
  /** The names that the part declares. */
  readonly names: readonly string[];
}

/** Words of the language, which are nobody's name. */
const reserved = new Set(
  "as async await break case catch class const continue debugger default delete do else export extends false finally for from function if import in instanceof interface let new null of return static super switch this throw true try type typeof undefined using var void while with yield".split(
    " ",
  ),
);

/** Statements that declare, and change nothing else but what they assign. */
const declarations =
  /^(?:(?:Variable|Function|Class|Import|TSEnum|TSInterface|TSTypeAlias|TSModule)Declaration|TSDeclareFunction|TSImportEqualsDeclaration)$/;

/** What brings in declarations for names that it does not mention. */
const augments = /\b(?:import|require|global|module)\b|\bfrom\s*["'`]/;

/** What stands between a statement and a member's object where nothing on the way can tell what the object is. */
const transparent =
  /^(?:Program|ExpressionStatement|VariableDeclarat(?:ion|or)|(?:Call|New|Member|Array|Object|Await|Unary|Binary|Assignment|Spread)(?:Expression|Element)|Property|TemplateLiteral)$/;

/** A statement of the cell's top level. */
interface Piece {
  readonly node: AnyNode;
  /** Its text, with the comments before it. */
  readonly text: string;
  readonly names: readonly string[];
  /** What it may mention. */
  readonly words: ReadonlySet<string>;
  /** Names whose types may be others because of it. */
  readonly affects: ReadonlySet<string>;
}

/**
 * Finds the part of a cell.
 *
 * @param program The cell.
 * @param member Its text, with a name in place of the one that is typed.
 * @returns Undefined where the cell cannot be taken apart.
 */
export function partFor(program: Program, { source, offset }: MemberText): CellPart | undefined {
  const declared = new Set(program.body.flatMap(declaredNames));
  const pieces = program.body.map((node, i) => pieceOf(node, program.body[i - 1]?.end ?? 0, source, declared));
  const at = pieces.findIndex(({ node }) => node.start <= offset && offset < node.end);
  const own = pieces[at];
  if (own === undefined || source.includes("///")) {
    return undefined;
  }
  const mentioned = (name: string) => pieces.some(({ words }, i) => i !== at && words.has(name));
  const alone = objectAlone(own.node, source, offset, mentioned);
  const kept = closure(pieces, alone === undefined ? own.words : wordsIn(alone), alone === undefined ? undefined : at);
  let behind = own.node.end - offset;
  if (alone !== undefined && !kept.has(at)) {
    pieces[at] = { ...own, text: `${alone}.${anyName}`, names: [] };
    behind = anyName.length;
  }
  const order = [...kept.add(at)].sort((a, b) => a - b);
  // What stood between two pieces may have ended the first.
  const textOf = (some: readonly number[]) => some.map((i) => pieces[i]?.text).join("\n;");
  return {
    source: textOf(order),
    offset: textOf(order.slice(0, order.indexOf(at) + 1)).length - behind,
    names: order.flatMap((i) => pieces[i]?.names ?? []),
  };
}

function pieceOf(node: AnyNode, from: number, source: string, declared: ReadonlySet<string>): Piece {
  const names = declaredNames(node);
  const words = wordsIn(source.slice(node.start, node.end));
  const inner = node.type === "ExportNamedDeclaration" && node.declaration ? node.declaration : node;
  const affects = declarations.test(inner.type)
    ? new Set([...names, ...[...words].filter((word) => declared.has(word)), ...assigned(inner, source)])
    : words;
  return { node, text: source.slice(from, node.end), names, words, affects };
}

/** The pieces that have a bearing on words, and those on what these mention, and so on; one of them has none on the words themselves. */
function closure(pieces: readonly Piece[], words: ReadonlySet<string>, without?: number): Set<number> {
  const kept = new Set<number>();
  const known = new Set(words);
  const touches = ({ affects }: Piece, i: number) =>
    [...affects].some((name) => known.has(name) && !(i === without && words.has(name)));
  for (let grew = true; grew; ) {
    grew = false;
    for (const [i, piece] of pieces.entries()) {
      if (!kept.has(i) && (augments.test(piece.text) || touches(piece, i))) {
        kept.add(i);
        grew = true;
        for (const word of piece.words) {
          known.add(word);
        }
      }
    }
  }
  return kept;
}

/**
 * The object of the member that is typed, where the statement around it has no bearing on it: names with dots between, the first
 * of which stands nowhere else in the statement, and is not narrowed there by what another one keeps of it.
 */
function objectAlone(
  statement: AnyNode,
  source: string,
  offset: number,
  mentionedElsewhere: (name: string) => boolean,
): string | undefined {
  const text = source.slice(statement.start, statement.end);
  const path = pathTo(statement, offset);
  const object = path.at(-1);
  const root = object === undefined ? undefined : rootOf(object);
  if (object === undefined || root === undefined || root === "arguments" || augments.test(text)) {
    return undefined;
  }
  const mentions = text.match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu)?.filter((word) => word === root).length;
  if (mentions !== 1 || path.some(({ type }) => /^Class/.test(type))) {
    return undefined;
  }
  const plain = path.every(({ type }) => type === "Identifier" || transparent.test(type));
  return plain || !mentionedElsewhere(root) ? source.slice(object.start, object.end) : undefined;
}

/** The nodes from a statement down to the object of the member whose name begins at a place; empty where there is none. */
function pathTo(node: AnyNode, offset: number): AnyNode[] {
  if (node.type === "MemberExpression" && !node.optional && !node.computed && node.property.start === offset) {
    return [node, node.object];
  }
  for (const child of childrenOf(node)) {
    if (child.start <= offset && offset < child.end) {
      const below = pathTo(child, offset);
      return below.length === 0 ? [] : [node, ...below];
    }
  }
  return [];
}

/** The first name of names with dots between. */
function rootOf(node: AnyNode): string | undefined {
  if (node.type === "Identifier") {
    return node.name;
  }
  const plain = node.type === "MemberExpression" && !node.computed && !node.optional;
  return plain ? rootOf(node.object) : undefined;
}

/** What is assigned anywhere below a node. */
function assigned(node: AnyNode, source: string): string[] {
  const target =
    node.type === "AssignmentExpression" || node.type === "ForInStatement" || node.type === "ForOfStatement"
      ? node.left
      : node.type === "UpdateExpression"
        ? node.argument
        : undefined;
  const own = target === undefined ? [] : wordsIn(source.slice(target.start, target.end));
  return [...own, ...[...childrenOf(node)].flatMap((child) => assigned(child, source))];
}

/** The words of a text that may be names of variables: not those of members behind a dot. */
function wordsIn(text: string): Set<string> {
  const words = text.match(/(?<![\p{ID_Continue}$]|(?<!\.\.)\.)[\p{ID_Start}$_][\p{ID_Continue}$]*/gu) ?? [];
  return new Set(words.filter((word) => !reserved.has(word)));
}
