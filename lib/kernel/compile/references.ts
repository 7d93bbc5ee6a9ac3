/** Where a cell mentions names of its top level: not its functions' own variables of the same name, nor properties. */
import type {
  AnyNode,
  AssignmentProperty,
  MethodDefinition,
  Property,
  PropertyDefinition,
  VariableDeclaration,
} from "acorn";
import { childrenOf, patternNames } from "./syntax.ts";

export interface Reference {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** `shorthand` in `{name}`, where the property's name must stay; `called` in `name()`, which has no `this`. */
  readonly as: "value" | "shorthand" | "called";
}

/**
 * Finds the references to names of the top level.
 *
 * @param program The cell.
 * @param names The names to look for.
 * @param opened Blocks whose declarations belong to the top level.
 */
export function referencesTo(
  program: AnyNode,
  names: ReadonlySet<string>,
  opened: ReadonlySet<AnyNode> = new Set(),
): Reference[] {
  const finder = new Finder(names, opened);
  for (const statement of childrenOf(program)) {
    finder.visit(statement, []);
  }
  return finder.found;
}

/** The names that a scope declares, innermost last. */
type Scopes = readonly ReadonlySet<string>[];

class Finder {
  readonly found: Reference[] = [];
  readonly #names: ReadonlySet<string>;
  readonly #opened: ReadonlySet<AnyNode>;

  constructor(names: ReadonlySet<string>, opened: ReadonlySet<AnyNode>) {
    this.#names = names;
    this.#opened = opened;
  }

  visit(node: AnyNode, scopes: Scopes): void {
    switch (node.type) {
      case "Identifier":
        this.#add(node, scopes, "value");
        return;
      case "ImportDeclaration":
      case "ExportAllDeclaration":
      case "BreakStatement":
      case "ContinueStatement":
      case "MetaProperty":
        return;
      case "SwitchStatement": {
        this.visit(node.discriminant, scopes);
        const inner = [...scopes, declaredBy(node, true)];
        for (const one of node.cases) {
          this.visit(one, inner);
        }
        return;
      }
      case "LabeledStatement":
        this.visit(node.body, scopes);
        return;
      case "ExportNamedDeclaration":
        if (node.declaration) {
          this.visit(node.declaration, scopes);
        }
        return;
      case "MemberExpression":
        this.visit(node.object, scopes);
        if (node.computed) {
          this.visit(node.property, scopes);
        }
        return;
      case "Property":
      case "MethodDefinition":
      case "PropertyDefinition":
        this.#property(node, scopes);
        return;
      case "CallExpression":
      case "TaggedTemplateExpression": {
        const called = node.type === "CallExpression" ? node.callee : node.tag;
        for (const child of childrenOf(node)) {
          if (child === called && called.type === "Identifier") {
            this.#add(called, scopes, "called");
          } else {
            this.visit(child, scopes);
          }
        }
        return;
      }
      case "FunctionDeclaration":
      case "ClassDeclaration":
        // At the top level the name is the cell's, which is no place that mentions it: it is declared there.
        this.#below(node, [...scopes, declaredBy(node, false)], true);
        return;
      default: {
        const declared = this.#opened.has(node) ? new Set<string>() : declaredBy(node, true);
        this.#below(node, declared.size === 0 ? scopes : [...scopes, declared], /^(?:Function|Class)/.test(node.type));
      }
    }
  }

  #below(node: AnyNode, scopes: Scopes, named: boolean): void {
    const name = named && "id" in node ? node.id : undefined;
    for (const child of childrenOf(node)) {
      if (child !== name) {
        this.visit(child, scopes);
      }
    }
  }

  #property(node: Property | AssignmentProperty | MethodDefinition | PropertyDefinition, scopes: Scopes): void {
    const { value } = node;
    if (node.computed) {
      this.visit(node.key, scopes);
    }
    if (node.type === "Property" && node.shorthand && value) {
      // `{name}`, and `{name = 1}` in a pattern.
      this.#add(value.type === "AssignmentPattern" ? value.left : value, scopes, "shorthand");
      if (value.type === "AssignmentPattern") {
        this.visit(value.right, scopes);
      }
    } else if (value) {
      this.visit(value, scopes);
    }
  }

  #add(node: AnyNode, scopes: Scopes, as: Reference["as"]): void {
    if (node.type !== "Identifier") {
      return;
    }
    const { name, start, end } = node;
    if (this.#names.has(name) && !scopes.some((scope) => scope.has(name))) {
      this.found.push({ name, start, end, as });
    }
  }
}

/** The names that are known below a node only; `withName` where the name of a function or class is one of them. */
function declaredBy(node: AnyNode, withName: boolean): Set<string> {
  const names = new Set<string>();
  const add = (list: Iterable<string>) => {
    for (const name of list) {
      names.add(name);
    }
  };
  if (withName && (node.type === "FunctionExpression" || node.type === "ClassExpression") && node.id) {
    names.add(node.id.name);
  }
  switch (node.type) {
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
      add(node.params.flatMap(patternNames));
      add(varsOf(node.body));
      if (node.type !== "ArrowFunctionExpression") {
        names.add("arguments");
      }
      break;
    case "StaticBlock":
      add(node.body.flatMap(varsOf));
      add(lexicalOf(node.body));
      break;
    case "BlockStatement":
      add(lexicalOf(node.body));
      break;
    case "SwitchStatement":
      add(lexicalOf(node.cases.flatMap(({ consequent }) => consequent)));
      break;
    case "CatchClause":
      add(node.param ? patternNames(node.param) : []);
      break;
    case "ForStatement":
      add(node.init ? lexicalOf([node.init]) : []);
      break;
    case "ForInStatement":
    case "ForOfStatement":
      add(lexicalOf([node.left]));
      break;
  }
  return names;
}

/** What `let`, `const`, `class` and `function` declare among the statements of a block. */
function lexicalOf(statements: readonly AnyNode[]): string[] {
  return statements.flatMap((statement) => {
    if (statement.type === "VariableDeclaration") {
      return statement.kind === "var" ? [] : declaredIn(statement);
    }
    const named = statement.type === "FunctionDeclaration" || statement.type === "ClassDeclaration";
    return named && statement.id !== null ? [statement.id.name] : [];
  });
}

/** What `var` declares in a function's body or a statement, however deep; functions within have their own. */
export function varsOf(node: AnyNode): string[] {
  if (/^(?:Function|ArrowFunction|Class)/.test(node.type)) {
    return [];
  }
  const own = node.type === "VariableDeclaration" && node.kind === "var" ? declaredIn(node) : [];
  return [...own, ...[...childrenOf(node)].flatMap(varsOf)];
}

function declaredIn({ declarations }: VariableDeclaration): string[] {
  return declarations.flatMap(({ id }) => patternNames(id));
}
