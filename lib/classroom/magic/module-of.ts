/** A cell's text as a module that gives its last expression: cells' variables are global, so that it sees them. */
import { tsPlugin } from "@sveltejs/acorn-typescript";
import { Parser } from "acorn";

const TypeScriptParser = Parser.extend(tsPlugin());

/**
 * @param source A cell of TypeScript without magics.
 * @returns A module whose default export runs it, line for line, and resolves with what the cell's result would be.
 * @throws {SyntaxError} Where it is no TypeScript.
 */
export function moduleOf(source: string): string {
  const program = TypeScriptParser.parse(source, {
    ecmaVersion: "latest",
    sourceType: "module",
    allowAwaitOutsideFunction: true,
    locations: true,
  });
  let body = source;
  const imports: string[] = [];
  for (const { type, start, end } of program.body) {
    if (type === "ImportDeclaration") {
      const text = source.slice(start, end);
      imports.push(text);
      // Its lines stay, so that positions in errors are those of the cell.
      body = body.slice(0, start) + text.replace(/[^\n]/g, " ") + body.slice(end);
    }
  }
  const last = program.body.at(-1);
  if (last?.type === "ExpressionStatement") {
    const { start, end } = last.expression;
    body = `${body.slice(0, start)}return (${body.slice(start, end)}\n)${body.slice(end)}`;
  }
  // Behind the rest, where they shift no line and a comment among their names ends where it did: imports come first, wherever they stand.
  return `export default async () => {${body}\n};\n${imports.map((text) => `${text}\n`).join("")}`;
}
