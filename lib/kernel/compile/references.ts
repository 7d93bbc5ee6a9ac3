/** Where a cell mentions names of its top level: not its functions' own variables of the same name, nor properties. */
import { type AnyNode, childrenOf, nameOf, patternNames } from "./syntax.ts";

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
        this.visit(node.discriminant as AnyNode, scopes);
        const inner = [...scopes, declaredBy(node, true)];
        for (const one of node.cases as AnyNode[]) {
          this.visit(one, inner);
        }
        return;
      }
      case "LabeledStatement":
        this.visit(node.body as AnyNode, scopes);
        return;
      case "ExportNamedDeclaration":
        if (node.declaration) {
          this.visit(node.declaration as AnyNode, scopes);
        }
        return;
      case "MemberExpression":
        this.visit(node.object as AnyNode, scopes);
        if (node.computed) {
          this.visit(node.property as AnyNode, scopes);
        }
        return;
      case "Property":
      case "MethodDefinition":
      case "PropertyDefinition":
        this.#property(node, scopes);
        return;
      case "CallExpression":
      case "TaggedTemplateExpression": {
        const called = (node.callee ?? node.tag) as AnyNode;
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
    for (const child of childrenOf(node)) {
      if (!named || child !== node.id) {
        this.visit(child, scopes);
      }
    }
  }

  #property(node: AnyNode, scopes: Scopes): void {
    const value = node.value as AnyNode | null;
    if (node.computed) {
      this.visit(node.key as AnyNode, scopes);
    }
    if (node.shorthand && value !== null) {
      // `{name}`, and `{name = 1}` in a pattern.
      const identifier = (value.type === "AssignmentPattern" ? value.left : value) as AnyNode;
      this.#add(identifier, scopes, "shorthand");
      if (value.type === "AssignmentPattern") {
        this.visit(value.right as AnyNode, scopes);
      }
    } else if (value !== null) {
      this.visit(value, scopes);
    }
  }

  #add(identifier: AnyNode, scopes: Scopes, as: Reference["as"]): void {
    const name = nameOf(identifier);
    if (this.#names.has(name) && !scopes.some((scope) => scope.has(name))) {
      this.found.push({ name, start: identifier.start, end: identifier.end, as });
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
  if (withName && /^(?:Function|Class)Expression$/.test(node.type) && node.id) {
    names.add(nameOf(node.id));
  }
  switch (node.type) {
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
      add((node.params as AnyNode[]).flatMap(patternNames));
      add(varsOf(node.body as AnyNode));
      if (node.type !== "ArrowFunctionExpression") {
        names.add("arguments");
      }
      break;
    case "StaticBlock":
      add((node.body as AnyNode[]).flatMap(varsOf));
      add(lexicalOf(node.body as AnyNode[]));
      break;
    case "BlockStatement":
      add(lexicalOf(node.body as AnyNode[]));
      break;
    case "SwitchStatement":
      add(lexicalOf((node.cases as AnyNode[]).flatMap((one) => one.consequent as AnyNode[])));
      break;
    case "CatchClause":
      add(node.param ? patternNames(node.param as AnyNode) : []);
      break;
    case "ForStatement":
      add(node.init ? lexicalOf([node.init as AnyNode]) : []);
      break;
    case "ForInStatement":
    case "ForOfStatement":
      add(lexicalOf([node.left as AnyNode]));
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
    return /^(?:Function|Class)Declaration$/.test(statement.type) ? [nameOf(statement.id)] : [];
  });
}

/** What `var` declares in a function's body, however deep. */
function varsOf(node: AnyNode): string[] {
  if (/^(?:Function|ArrowFunction|Class)/.test(node.type)) {
    return [];
  }
  const own = node.type === "VariableDeclaration" && node.kind === "var" ? declaredIn(node) : [];
  return [...own, ...[...childrenOf(node)].flatMap(varsOf)];
}

function declaredIn(declaration: AnyNode): string[] {
  return (declaration.declarations as AnyNode[]).flatMap(({ id }) => patternNames(id as AnyNode));
}
