/** What the passes over a cell's syntax tree share. */
import type { Node } from "acorn";

/** An acorn node with the fields that its type gives it. */
export type AnyNode = Node & { readonly [field: string]: unknown };

export function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

/** The nodes right below a node. */
export function* childrenOf(node: AnyNode): Generator<AnyNode> {
  for (const key in node) {
    const child = node[key];
    if (Array.isArray(child)) {
      for (const item of child) {
        if (isNode(item)) {
          yield item;
        }
      }
    } else if (isNode(child)) {
      yield child;
    }
  }
}

export function nameOf(identifier: unknown): string {
  return (identifier as { name: string }).name;
}

/** The names that a pattern binds. */
export function patternNames(pattern: AnyNode): string[] {
  switch (pattern.type) {
    case "Identifier":
      return [nameOf(pattern)];
    case "ObjectPattern":
      return (pattern.properties as AnyNode[]).flatMap((property) =>
        patternNames((property.type === "RestElement" ? property.argument : property.value) as AnyNode),
      );
    case "ArrayPattern":
      return (pattern.elements as (AnyNode | null)[]).flatMap((element) =>
        element === null ? [] : patternNames(element),
      );
    case "AssignmentPattern":
      return patternNames(pattern.left as AnyNode);
    case "RestElement":
      return patternNames(pattern.argument as AnyNode);
    default:
      return [];
  }
}
