/**
 * A cell of TypeScript becomes an async function of JavaScript. esbuild removes the types; then what the cell declares at
 * its top level becomes properties of the global object, so that later cells see it and any cell may declare it again,
 * imports become calls, and the last expression becomes the cell's result.
 */

import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import type { Program } from "acorn";
import { CellSyntaxError, type EmitOptions, removeTypes } from "./remove-types.ts";
import { parseModule, type RewrittenCell, rewrite } from "./rewrite.ts";

/** What the process that runs the cells needs of one cell. */
export interface CompiledCell extends RewrittenCell {
  /** The cell without types, of which the segments are pieces, and its source map to the cell; empty where it is the cell. */
  readonly js: string;
  readonly map: string;
  /** The cell has JSX syntax. */
  readonly jsx: boolean;
}

/**
 * Compiles a cell.
 *
 * @param cell TypeScript, magics translated.
 * @param options What the notebook's tsconfig.json says on emitted code.
 * @param shadowed Names of Node's globals that earlier cells declared.
 * @param sloppy Not in strict mode, for plain JavaScript whose types nobody checks.
 * @throws CellSyntaxError when it does not parse.
 */
export async function compileCell(
  cell: string,
  options: EmitOptions = {},
  shadowed?: ReadonlySet<string>,
  sloppy = false,
): Promise<CompiledCell> {
  const plain = plainJavaScript(cell, options);
  if (plain !== undefined) {
    return { ...rewrite(cell, cell, shadowed, plain, sloppy), js: cell, map: "", jsx: false };
  }
  let transformed = await removeTypes(cell, options);
  const kept = keepLastConstant(cell);
  if (kept !== cell) {
    transformed = await removeTypes(kept, options);
  }
  const { code: js, map, jsx } = transformed;
  return { ...rewrite(js, cell, shadowed, parseEmitted(js, map), sloppy), js, map, jsx };
}

/**
 * A cell that is one object literal, which a statement cannot begin with, in parentheses; any other as it is. As at Node's prompt,
 * `{ a: 1 }` is an object, though it could be a block with a label.
 */
export function objectInParentheses(cell: string): string {
  const body = cell.trim();
  if (!body.startsWith("{") || !body.endsWith("}")) {
    return cell;
  }
  const wrapped = `(${cell.trimEnd()})`;
  try {
    const [statement, ...more] = parseModule(wrapped).body;
    return more.length === 0 && statement?.type === "ExpressionStatement" ? wrapped : cell;
  } catch {
    return cell;
  }
}

/** Reads what esbuild made of a cell; it lets some errors pass, such as a `return` outside of functions. */
function parseEmitted(js: string, map: string): Program {
  try {
    return parseModule(js);
  } catch (error) {
    const { message, loc } = error as Error & { loc?: { line: number; column: number } };
    if (loc === undefined) {
      throw error;
    }
    const at = originalPositionFor(new TraceMap(map), loc);
    throw new CellSyntaxError(message.replace(/ \(\d+:\d+\)$/, ""), at.line ?? 1, (at.column ?? 0) + 1, 1);
  }
}

/**
 * Reads a cell that has no types: what is JavaScript means the same in TypeScript, but for `<`, where type arguments begin.
 * esbuild, a process of its own, would take most of a short cell's time. Undefined where it is needed.
 */
function plainJavaScript(cell: string, options: EmitOptions): Program | undefined {
  if (cell.includes("@") || mayHaveTypeArguments(cell) || options.useDefineForClassFields === false) {
    return undefined;
  }
  try {
    return parseModule(cell, true);
  } catch {
    return undefined;
  }
}

/** Whether after a `<` comes a `>` that could end type arguments, which that of an arrow cannot. */
function mayHaveTypeArguments(cell: string): boolean {
  const start = cell.indexOf("<");
  return start >= 0 && /(?<!=)>/.test(cell.slice(start));
}

/** One of the constants that esbuild drops as a statement, when nothing but brackets, casts and comments follows. */
const lastConstant =
  /(?<![.\w$])(NaN|Infinity|undefined|void 0)(?![\w$])((?:[\s;)!]|\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?:as|satisfies)\s+\w+)*)$/;

/**
 * esbuild drops `NaN`, `Infinity` and `undefined` where they are statements, and the statement before would give the
 * result. As a property of the global object they stay. All positions before stay as they are.
 */
function keepLastConstant(cell: string): string {
  return cell.replace(
    lastConstant,
    (_, name: string, tail: string) => `globalThis.${name === "void 0" ? "undefined" : name}${tail}`,
  );
}
