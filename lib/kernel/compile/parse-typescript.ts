/**
 * TypeScript as a syntax tree, at once: for help while a cell is written. What runs is esbuild's, a process of its own, which alone
 * would take longer than an answer may. The parser of types is loaded, and compiled, after the first cell that was asked about: where
 * nobody writes, it is not needed, and where somebody does, the next cell may have types.
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

interface Parsers {
  readonly ts: Parse;
  readonly tsx: Parse;
}

let loading: Promise<Parsers> | undefined;

/** What is read again and again until V8 has compiled the parser well: before, a cell with types takes five times as long. */
export const practice = `interface Shape<T extends object = object> { readonly side: number; area?(this: Shape<T>, by: T[]): T | undefined }
type Named = Shape & { name: string }; enum Kind { A, B = 2 }
abstract class Model<T> implements Iterable<T> {
  readonly #items: Map<string, T> = new Map<string, T>();
  constructor(private readonly size: number, protected list: readonly T[] = []) {}
  static make<T>(items: T[]): Model<T> | undefined { return items.length > 0 ? undefined : (items as unknown as Model<T>); }
  abstract grow(by: number, ...rest: string[]): Promise<void>;
}
const n: number = 1, m = new Map<string, number>(), f = async <T,>(x: T, y?: T): Promise<T[]> => [x, y!].filter((z): z is T => z !== null);
for (const [k, v] of m) { if (v < n) console.log(\`\${k}\`, (v as number) + n, f<number>(v)); }
`;
const practiceRounds = 12;

async function load(): Promise<Parsers> {
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

/** Loads the parser, and after the first answer practises, between whatever else is to be done. */
function loaded(): Promise<Parsers> {
  if (loading === undefined) {
    loading = load();
    loading.then(({ ts }) => practise(ts, practiceRounds)).catch(() => {});
  }
  return loading;
}

function practise(parse: Parse, rounds: number): void {
  parsed(parse, practice, false);
  if (rounds > 1) {
    setTimeout(() => practise(parse, rounds - 1), 1).unref();
  }
}

/** The tree of a cell, whose nodes of types are TypeScript ESLint's; undefined where it is not TypeScript, or not yet. */
export async function parseTypeScript(source: string): Promise<ParsedCell | undefined> {
  // Without it, what is JavaScript means the same in TypeScript.
  const plain = source.includes("<") ? undefined : parsed(parseModule, source, false);
  if (plain !== undefined) {
    setImmediate(loaded);
    return plain;
  }
  const { ts, tsx } = await loaded();
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
