/**
 * JavaScript of a module becomes a script that is an async function: declarations of the top level turn into assignments,
 * imports into calls, and the last expression into the result.
 */
import {
  type AnyNode,
  type Expression,
  type ImportDeclaration,
  type ModuleDeclaration,
  type Program,
  parse,
  type Statement,
  type VariableDeclaration,
} from "acorn";
import { type Reference, referencesTo } from "./references.ts";
import { type Segment, SegmentedText } from "./segments.ts";
import { childrenOf, patternNames } from "./syntax.ts";

/** The helper's name in compiled cells. */
export const helper = "$convbook";

export interface RewrittenCell {
  /** A script whose value is an async function of one argument, the cell's helper. */
  readonly code: string;
  /** Way back from the script to the JavaScript that it was made of. */
  readonly segments: readonly Segment[];
  /** Names that the cell declares at its top level. */
  readonly names: readonly string[];
  /** Those of them that become variables of the global object before the cell runs; imports are bound when they are there. */
  readonly declares: readonly string[];
  /** Those of them that have no value before their declaration has run: not `var`, nor functions. */
  readonly late: readonly string[];
  /** Those of all its names that `let` or `var` declares in the JavaScript. */
  readonly mutable: readonly string[];
  /** Names of Node's own globals that the cell declares, or uses after an earlier one declared them. */
  readonly shadows: readonly string[];
  /** Those of them that it declares as variables of its own. */
  readonly ownShadows: readonly string[];
}

/** What Node's modules and packages rely on: a cell that declares one of these gets its own, the others keep Node's. */
const builtIn = new Set(Object.getOwnPropertyNames(globalThis));

/** Replaces the source's [start, end) by `text`. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A module as acorn reads it; what Node 20 does not run yet is an error with `node20`. */
export function parseModule(js: string, node20 = false): Program {
  return parse(js, {
    ecmaVersion: node20 ? 2024 : "latest",
    sourceType: "module",
    allowAwaitOutsideFunction: true,
  });
}

/**
 * Rewrites a cell.
 *
 * @param js The cell without types.
 * @param source The TypeScript, which tells the user's names from those that the compiler made up.
 * @param shadowed Names of Node's globals that earlier cells declared.
 * @param program The cell, if it was read already.
 * @param sloppy Not in strict mode: what is assigned without a declaration becomes global.
 */
export function rewrite(
  js: string,
  source: string,
  shadowed: ReadonlySet<string> = new Set(),
  program = parseModule(js),
  sloppy = false,
): RewrittenCell {
  const rewriter = new Rewriter(js, source);
  rewriter.statements(program.body, true);
  return rewriter.finish(program, shadowed, sloppy);
}

class Rewriter {
  readonly #js: string;
  readonly #source: string;
  readonly #edits: Edit[] = [];
  /** Ranges of function declarations, which move to the front, and the text before each. */
  readonly #hoisted: { readonly start: number; readonly end: number; readonly before: string }[] = [];
  readonly #imports: string[] = [];
  readonly #declares = new Set<string>();
  readonly #imported = new Set<string>();
  /** Blocks whose declarations are the cell's. */
  readonly #opened = new Set<AnyNode>();
  readonly #mutable = new Set<string>();
  readonly #early = new Set<string>();

  constructor(js: string, source: string) {
    this.#js = js;
    this.#source = source;
  }

  /** Rewrites the statements of the cell's top level; `last` says that the last one's value is the cell's. */
  statements(body: Program["body"], last: boolean): void {
    const final = body.findLastIndex(({ type }) => type !== "EmptyStatement");
    body.forEach((statement, i) => {
      this.#statement(statement, last && i === final);
    });
  }

  finish(program: Program, shadowed: ReadonlySet<string>, sloppy: boolean): RewrittenCell {
    const all = [...this.#declares];
    const shadows = [
      ...all.filter((name) => builtIn.has(name)),
      ...[...shadowed].filter((name) => !this.#declares.has(name) && this.#isSource(name)),
    ];
    if (shadows.length > 0) {
      for (const reference of referencesTo(program, new Set(shadows), this.#opened)) {
        this.#edit(reference.start, reference.end, inShadows(reference));
      }
    }
    const edits = this.#edits.sort((a, b) => a.start - b.start || a.end - b.end);
    const out = new SegmentedText(this.#js);
    out.add(`(async (${helper}) => {${sloppy ? "" : '"use strict"; '}${this.#imports.join(" ")}`);
    for (const { start, end, before } of this.#hoisted) {
      out.add(before);
      this.#copy(out, start, end, edits);
      out.add("; ");
    }
    out.add("\n");
    let at = 0;
    for (const { start, end } of this.#hoisted) {
      this.#copy(out, at, start, edits);
      at = end;
    }
    this.#copy(out, at, this.#js.length, edits);
    out.add("\n})");
    const declares = all.filter((name) => !builtIn.has(name) && !this.#imported.has(name));
    return {
      code: out.toString(),
      segments: out.segments,
      names: all,
      declares,
      late: declares.filter((name) => !this.#early.has(name)),
      mutable: [...this.#mutable],
      shadows,
      ownShadows: all.filter((name) => builtIn.has(name) && !this.#imported.has(name)),
    };
  }

  #copy(out: SegmentedText, start: number, end: number, edits: readonly Edit[]): void {
    let at = start;
    for (const edit of edits) {
      if (edit.start < at || edit.end > end) {
        continue;
      }
      out.copy(at, edit.start).add(edit.text);
      at = edit.end;
    }
    out.copy(at, end);
  }

  #statement(node: Statement | ModuleDeclaration, last: boolean): void {
    switch (node.type) {
      case "ImportDeclaration":
        this.#import(node);
        return;
      case "ExportNamedDeclaration": {
        const { declaration } = node;
        if (declaration) {
          this.#edit(node.start, declaration.start, "");
          this.#statement(declaration, false);
        } else {
          if (node.source) {
            this.#imports.push(`await ${helper}.import(${node.source.raw});`);
          }
          this.#edit(node.start, node.end, "");
        }
        return;
      }
      case "ExportAllDeclaration":
        this.#imports.push(`await ${helper}.import(${node.source.raw});`);
        this.#edit(node.start, node.end, "");
        return;
      case "ExportDefaultDeclaration": {
        const { declaration } = node;
        this.#edit(node.start, declaration.start, "");
        if ((declaration.type === "FunctionDeclaration" || declaration.type === "ClassDeclaration") && declaration.id) {
          this.#statement(declaration, false);
        } else {
          this.#edit(declaration.start, declaration.start, `${last ? `${helper}.result = ` : ""}(`);
          this.#expressions(declaration);
          this.#edit(declaration.end, declaration.end, ")");
        }
        return;
      }
      case "FunctionDeclaration": {
        const { name } = node.id;
        this.#expressions(node);
        if (this.#declare(name)) {
          this.#early.add(name);
          this.#hoisted.push({ start: node.start, end: node.end, before: `${variable(name)} = ` });
        }
        return;
      }
      case "ClassDeclaration": {
        const { name } = node.id;
        this.#expressions(node);
        if (this.#declare(name)) {
          this.#edit(node.start, node.start, `${variable(name)} = `);
          this.#edit(node.end, node.end, ";");
        }
        return;
      }
      case "VariableDeclaration":
        this.#variables(node);
        return;
      case "ExpressionStatement": {
        const { expression } = node;
        if (last) {
          this.#edit(expression.start, expression.start, `${helper}.result = (`);
          this.#edit(expression.end, expression.end, ")");
        }
        this.#enumObject(expression);
        this.#expressions(expression);
        return;
      }
      case "TryStatement":
        // esbuild puts a cell with `using` at its top level into one try statement.
        if (/\busing\b/.test(this.#source) && !/\btry\b/.test(this.#source)) {
          this.#opened.add(node.block);
          this.statements(node.block.body, last);
          for (const part of [node.handler, node.finalizer]) {
            if (part) {
              this.#expressions(part);
            }
          }
          return;
        }
    }
    this.#expressions(node, true);
  }

  /** Marks a top-level name as declared; false for names that esbuild made up, which stay local to the cell. */
  #declare(name: string): boolean {
    if (!this.#isSource(name)) {
      return false;
    }
    this.#declares.add(name);
    return true;
  }

  #isSource(name: string): boolean {
    return new RegExp(`(?<![\\w$])${name.replace(/\$/g, "\\$&")}(?![\\w$])`).test(this.#source);
  }

  #import(node: ImportDeclaration): void {
    const source = node.source.raw;
    // Those that it reads for Node 20 have none.
    const attributes = node.attributes ?? [];
    const options =
      attributes.length === 0
        ? "undefined"
        : `{with: {${attributes.map((a) => this.#js.slice(a.start, a.end)).join(", ")}}}`;
    const names = node.specifiers.map((specifier) => {
      const local = specifier.local.name;
      this.#declares.add(local);
      this.#imported.add(local);
      return `${local}: ${importedName(specifier)}`;
    });
    const bindings = names.length === 0 ? "" : `, {${names.join(", ")}}`;
    this.#imports.push(`await ${helper}.import(${source}, ${options}${bindings});`);
    this.#edit(node.start, node.end, "");
  }

  /** `const a = 1, {b} = c;` becomes `a = 1, {b} = c;` with parentheses, so that it is an expression. */
  #variables(node: VariableDeclaration): void {
    const { declarations } = node;
    const names = declarations.flatMap(({ id }) => patternNames(id));
    for (const { id, init } of declarations) {
      this.#expressions(id);
      if (init) {
        this.#enumObject(init);
        this.#expressions(init);
      }
    }
    const made = names.filter((name) => !this.#isSource(name));
    if (made.length === names.length && names.length > 0) {
      // Of esbuild's own making: `var` keeps it visible beyond the try statement that it may stand in.
      this.#edit(node.start, node.start + node.kind.length, "var");
      return;
    }
    for (const name of names) {
      this.#declares.add(name);
      if (node.kind !== "const") {
        this.#mutable.add(name);
      }
      if (node.kind === "var") {
        this.#early.add(name);
      }
    }
    this.#edit(node.start, declarations[0]?.start ?? node.end, made.length > 0 ? `var ${made.join(", ")}; (` : "(");
    for (const { id, init } of declarations) {
      if (!init) {
        this.#edit(id.end, id.end, node.kind === "var" ? "" : " = void 0");
      }
    }
    const end = declarations.at(-1)?.end ?? node.end;
    this.#edit(end, end, this.#js[node.end - 1] === ";" ? ")" : ");");
  }

  /** `(E || {})`, the object that esbuild starts an enum with, becomes a fresh one, so that a cell can be run again. */
  #enumObject(expression: Expression): void {
    if (expression.type !== "CallExpression") {
      return;
    }
    const [argument] = expression.arguments;
    if (argument?.type === "LogicalExpression" && expression.callee.type === "ArrowFunctionExpression") {
      const { left, right } = argument;
      if (left.type === "Identifier" && right.type === "ObjectExpression") {
        if (!this.#declares.has(left.name)) {
          this.#edit(left.start, left.end, "void 0");
        }
      }
    }
  }

  /**
   * Walks below a top-level statement: dynamic imports and `import.meta` become the helper's; `var` outside of functions
   * (`vars`) belongs to the top level and is made global.
   */
  #expressions(node: AnyNode, vars = false): void {
    if (node.type === "ImportExpression") {
      this.#edit(node.start, node.start + "import".length, `${helper}.import`);
    } else if (node.type === "MetaProperty" && node.meta.name === "import") {
      this.#edit(node.start, node.end, `${helper}.meta`);
      return;
    } else if (vars && node.type === "VariableDeclaration" && node.kind === "var") {
      this.#nestedVar(node);
    }
    const below = vars && !/Function|Class/.test(node.type);
    for (const child of childrenOf(node)) {
      this.#expressions(child, below);
    }
  }

  #nestedVar(node: VariableDeclaration): void {
    const { declarations } = node;
    const names = declarations.flatMap(({ id }) => patternNames(id));
    if (!names.every((name) => this.#isSource(name))) {
      return;
    }
    for (const name of names) {
      this.#declares.add(name);
      this.#mutable.add(name);
      this.#early.add(name);
    }
    const [first] = declarations;
    // Without an initial value it is the head of a for-of or for-in, where a pattern stands as it is.
    const pattern = Boolean(first?.init) && declarations.some(({ id }) => id.type === "ObjectPattern");
    this.#edit(node.start, first?.start ?? node.end, pattern ? "(" : "");
    if (pattern) {
      const end = declarations.at(-1)?.end ?? node.end;
      this.#edit(end, end, ")");
    }
  }

  #edit(start: number, end: number, text: string): void {
    this.#edits.push({ start, end, text });
  }
}

/** How a cell writes one of its own variables. */
function variable(name: string): string {
  return builtIn.has(name) ? `${helper}.shadows.${name}` : name;
}

/** A mention of a name of Node's that cells declared. A call goes through a function's result, so that it has no `this`. */
function inShadows({ name, as }: Reference): string {
  const value = `${helper}.shadows.${name}`;
  return as === "shorthand" ? `${name}: ${value}` : as === "called" ? `${helper}.shadow("${name}")` : value;
}

/** The name of an export as a literal; `*` for the namespace. */
function importedName(specifier: ImportDeclaration["specifiers"][number]): string {
  if (specifier.type === "ImportNamespaceSpecifier") {
    return '"*"';
  }
  if (specifier.type === "ImportDefaultSpecifier") {
    return '"default"';
  }
  const { imported } = specifier;
  return imported.type === "Literal" ? `${imported.raw}` : `"${imported.name}"`;
}
