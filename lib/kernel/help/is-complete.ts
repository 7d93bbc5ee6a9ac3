/** Whether a console may run what was typed, or waits for more lines. */
import { helpQuery, translateMagics } from "../compile/magics.ts";
import { CellSyntaxError } from "../compile/remove-types.ts";
import { compileCell } from "../compile/transform.ts";
import type { Json } from "../protocol/message.ts";
import { maskLiterals } from "../types/declarations.ts";

const unfinished =
  /end of file|Unterminated template literal|terminate multi-line comment|Unterminated regular expression/;

export async function isComplete(code: string): Promise<Json> {
  if (helpQuery(code) !== undefined) {
    return { status: "complete" };
  }
  try {
    await compileCell(translateMagics(code).code);
    return { status: "complete" };
  } catch (error) {
    // An open template literal goes on in the next line, an open string does not.
    if (error instanceof CellSyntaxError && (unfinished.test(error.message) || maskLiterals(code).includes("`"))) {
      return { status: "incomplete", indent: "  ".repeat(openBrackets(code)) };
    }
    return { status: "invalid" };
  }
}

function openBrackets(code: string): number {
  let depth = 0;
  for (const character of maskLiterals(code)) {
    depth += "{[(".includes(character) ? 1 : "}])".includes(character) ? -1 : 0;
  }
  return Math.max(0, depth);
}
