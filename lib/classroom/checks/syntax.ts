/** What a student's code has to use, or must not, found on its syntax tree: in a comment or a string nothing counts. */
import { tsPlugin } from "@sveltejs/acorn-typescript";
import { type AnyNode, Parser, type Program } from "acorn";
import { CheckError } from "./check-error.ts";
import { sourceOf } from "./intrinsics.ts";
import { kindOf } from "./values.ts";

/**
 * One thing that code can use: a `loop` (for, while, do), one of them alone, `recursion`; `call tf.conv2d` or `call conv2d` (on whatever), `new Conv2d`,
 * `name fetch`, `import node:fs`, `extends Module`; else the type of an ESTree node, `node AwaitExpression`.
 */
export type SyntaxRule =
  | "loop"
  | "for"
  | "while"
  | "recursion"
  | "eval"
  | `call ${string}`
  | `new ${string}`
  | `name ${string}`
  | `import ${string}`
  | `extends ${string}`
  | `node ${string}`;

export interface SyntaxRules {
  /** What must occur. */
  readonly required?: readonly SyntaxRule[];
  /** What must not. */
  readonly forbidden?: readonly SyntaxRule[];
}

const TypeScriptParser = Parser.extend(tsPlugin());

/**
 * Checks what code is made of.
 *
 * @param code A function or class of the student's, or the source of a cell.
 * @param rules What it must have and must not.
 * @throws {CheckError} Naming the rule, and for what is forbidden the line.
 * @example
 * expectSyntax(ResidualBlock, { required: ["call tf.add"], forbidden: ["loop"] });
 */
export function expectSyntax(code: unknown, { required = [], forbidden = [] }: SyntaxRules): void {
  const { program, line } = parse(code);
  for (const rule of forbidden) {
    const found = find(program, rule);
    if (found !== undefined) {
      throw new CheckError(`Your code uses ${inWords(rule)}, which this task rules out`, {
        got: `${inWords(rule)} in line ${line(found)}`,
        expected: `code without ${inWords(rule)}`,
      });
    }
  }
  for (const rule of required) {
    if (find(program, rule) === undefined) {
      throw new CheckError(`Your code does not use ${inWords(rule)}, which this task asks for`, {
        expected: inWords(rule),
      });
    }
  }
}

interface Parsed {
  readonly program: Program;
  /** The line of a node, from 1. */
  readonly line: (node: AnyNode) => number;
}

function parse(code: unknown): Parsed {
  if (typeof code !== "string" && typeof code !== "function") {
    throw new CheckError("There is no code to look at", { got: kindOf(code), expected: "a function or a class" });
  }
  const source = typeof code === "string" ? code : sourceOf(code);
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source)) {
    throw new CheckError("The code of this function cannot be seen", {
      got: "a bound or built-in function",
      expected: "a function that a cell declares",
    });
  }
  // A method is a function only within an object, and a class or a function without a name only within an expression.
  for (const text of typeof code === "string" ? [source] : [`(${source}\n)`, `({${source}\n})`]) {
    const program = parsed(text);
    if (program !== undefined) {
      return { program, line: (node) => text.slice(0, node.start).split("\n").length };
    }
  }
  throw new CheckError("The code cannot be read as TypeScript");
}

function parsed(text: string): Program | undefined {
  try {
    return TypeScriptParser.parse(text, {
      ecmaVersion: "latest",
      sourceType: "module",
      allowAwaitOutsideFunction: true,
      allowReturnOutsideFunction: true,
      locations: true,
    });
  } catch {
    return undefined;
  }
}

function find(program: Program, rule: SyntaxRule): AnyNode | undefined {
  const space = rule.indexOf(" ");
  const kind = space < 0 ? rule : rule.slice(0, space);
  const name = space < 0 ? "" : rule.slice(space + 1);
  const matches = matchers[kind];
  if (matches === undefined) {
    throw new TypeError(
      `expectSyntax: there is no rule ${JSON.stringify(rule)}; there are ${Object.keys(matchers).join(", ")}`,
    );
  }
  return search(program, (node) => matches(node, name));
}

const loops = new Set(["ForStatement", "ForInStatement", "ForOfStatement", "WhileStatement", "DoWhileStatement"]);

const matchers: Readonly<Record<string, (node: AnyNode, name: string) => boolean>> = {
  loop: (node) => loops.has(node.type),
  for: (node) => /^For/.test(node.type),
  while: (node) => /While/.test(node.type),
  recursion: callsItself,
  eval: (node) => node.type === "CallExpression" && /^(eval|Function)$/.test(pathOf(node.callee)),
  call: (node, name) => node.type === "CallExpression" && isCalled(pathOf(node.callee), name),
  new: (node, name) => node.type === "NewExpression" && isCalled(pathOf(node.callee), name),
  name: (node, name) => node.type === "Identifier" && node.name === name,
  import: (node, name) =>
    (node.type === "ImportDeclaration" || node.type === "ImportExpression") &&
    node.source.type === "Literal" &&
    node.source.value === name,
  extends: (node, name) =>
    (node.type === "ClassDeclaration" || node.type === "ClassExpression") &&
    node.superClass != null &&
    isCalled(pathOf(node.superClass), name),
  node: (node, name) => node.type === name,
};

/** `conv2d` is meant on whatever it is called; `tf.conv2d` only there. */
function isCalled(path: string, name: string): boolean {
  return path === name || (!name.includes(".") && path.endsWith(`.${name}`));
}

/** `tf.conv2d` of the expression; of what is computed, only the end. */
function pathOf(node: AnyNode): string {
  switch (node.type) {
    case "Identifier":
      return node.name;
    case "ThisExpression":
      return "this";
    case "MemberExpression": {
      const property =
        node.property.type === "Identifier" && !node.computed
          ? node.property.name
          : node.property.type === "PrivateIdentifier"
            ? `#${node.property.name}`
            : node.property.type === "Literal"
              ? String(node.property.value)
              : "?";
      return `${pathOf(node.object)}.${property}`;
    }
    case "ChainExpression":
    case "ParenthesizedExpression":
      return pathOf(node.expression);
    default:
      return "?";
  }
}

function callsItself(node: AnyNode): boolean {
  const own = selfNames(node);
  return (
    own !== undefined &&
    search(own.body, (inner) => inner.type === "CallExpression" && own.names.includes(pathOf(inner.callee))) !==
      undefined
  );
}

/** A function's body with the names by which it could call itself. */
function selfNames(node: AnyNode): { body: AnyNode; names: readonly string[] } | undefined {
  if ((node.type === "FunctionDeclaration" || node.type === "FunctionExpression") && node.id != null) {
    return { body: node.body, names: [node.id.name] };
  }
  if (node.type === "VariableDeclarator" && node.id.type === "Identifier" && node.init != null) {
    return /Function/.test(node.init.type) ? { body: node.init, names: [node.id.name] } : undefined;
  }
  if (node.type === "AssignmentExpression" && /Function/.test(node.right.type)) {
    return { body: node.right, names: [pathOf(node.left)] };
  }
  if (node.type === "MethodDefinition" && (node.key.type === "Identifier" || node.key.type === "PrivateIdentifier")) {
    const name = `${node.key.type === "PrivateIdentifier" ? "#" : ""}${node.key.name}`;
    return { body: node.value, names: [`this.${name}`] };
  }
  return undefined;
}

/** What TypeScript adds that is code and no type. */
const codeOfTypeScript =
  /^TS(?:(?:As|NonNull|Satisfies|Instantiation)Expression|TypeAssertion|Enum|Module|ParameterProperty|ExportAssignment)/;

/** The first node, in the order of the text, that matches. Types are left out. */
function search(node: AnyNode, matches: (node: AnyNode) => boolean): AnyNode | undefined {
  if (node.type.startsWith("TS") && !codeOfTypeScript.test(node.type)) {
    return undefined;
  }
  if (matches(node)) {
    return node;
  }
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      const found = isNode(child) ? search(child, matches) : undefined;
      if (found !== undefined) {
        return found;
      }
    }
  }
  return undefined;
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function inWords(rule: SyntaxRule): string {
  const [, kind = rule, name = ""] = /^(\w+)(?: (.*))?$/.exec(rule) ?? [];
  switch (kind) {
    case "loop":
      return "a loop";
    case "for":
    case "while":
      return `a ${kind} loop`;
    case "recursion":
      return "a function that calls itself";
    case "call":
      return `${name}()`;
    case "new":
      return `new ${name}`;
    case "name":
      return name;
    case "import":
      return `an import of ${name}`;
    case "extends":
      return `a class that extends ${name}`;
    default:
      return name === "" ? kind : name;
  }
}
