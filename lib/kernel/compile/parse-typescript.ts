/**
 * TypeScript as a syntax tree, at once: for help while a cell is written. What runs is esbuild's, a process of its own, which alone
 * would take longer than an answer may. The parser is loaded with the first cell that has types.
 */
import { type AnyNode, type Options, Parser, type Program } from "acorn";
import { varsOf } from "./references.ts";
import { parseModule } from "./rewrite.ts";
import { patternNames } from "./syntax.ts";

export interface ParsedCell {
  readonly program: Program;
  readonly jsx: boolean;
}

type Parse = (source: string) => Program;

let parsers: Promise<{ readonly ts: Parse; readonly tsx: Parse }> | undefined;

async function load(): Promise<{ readonly ts: Parse; readonly tsx: Parse }> {
  const { tsPlugin } = await import("@sveltejs/acorn-typescript");
  // Its tree is made with the places of lines and columns.
  const options: Options = {
    ecmaVersion: "latest",
    sourceType: "module",
    allowAwaitOutsideFunction: true,
    locations: true,
  };
  const parserOf = (jsx: boolean): Parse => {
    const Extended = Parser.extend(tsPlugin({ jsx }));
    return (source) => Extended.parse(source, options);
  };
  return { ts: parserOf(false), tsx: parserOf(true) };
}

/** The tree of a cell, whose nodes of types are TypeScript ESLint's; undefined where it is not TypeScript, or not yet. */
export async function parseTypeScript(source: string): Promise<ParsedCell | undefined> {
  // Without it, what is JavaScript means the same in TypeScript.
  const plain = source.includes("<") ? undefined : parsed(parseModule, source, false);
  if (plain !== undefined) {
    return plain;
  }
  parsers ??= load();
  const { ts, tsx } = await parsers;
  return parsed(ts, source, false) ?? (/<\/|\/>/.test(source) ? parsed(tsx, source, true) : undefined);
}

function parsed(parse: Parse, source: string, jsx: boolean): ParsedCell | undefined {
  try {
    return { program: parse(source), jsx };
  } catch {
    return undefined;
  }
}

/** The names that a statement of the top level declares there, types too. */
export function declaredNames(statement: AnyNode): string[] {
  switch (statement.type) {
    case "ImportDeclaration":
      return statement.specifiers.map(({ local }) => local.name);
    case "ExportNamedDeclaration":
    case "ExportDefaultDeclaration":
      return statement.declaration ? declaredNames(statement.declaration) : [];
    case "VariableDeclaration":
      return statement.declarations.flatMap(({ id }) => patternNames(id));
    default:
      // A function, a class, an enum, a type; a module that is augmented has a string there.
      return "id" in statement && statement.id?.type === "Identifier" ? [statement.id.name] : varsOf(statement);
  }
}
