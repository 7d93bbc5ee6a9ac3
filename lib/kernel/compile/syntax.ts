/** What the passes over a cell's syntax tree share. */
import type { AnyNode, Pattern } from "acorn";

export function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** The nodes right below a node. */
export function* childrenOf(node: AnyNode): Generator<AnyNode> {
  const fields: unknown[] = Object.values(node);
  for (const child of fields) {
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

/** The names that a pattern binds. */
export function patternNames(pattern: Pattern): string[] {
  switch (pattern.type) {
    case "Identifier":
      return [pattern.name];
    case "ObjectPattern":
      return pattern.properties.flatMap((property) =>
        patternNames(property.type === "RestElement" ? property.argument : property.value),
      );
    case "ArrayPattern":
      return pattern.elements.flatMap((element) => (element === null ? [] : patternNames(element)));
    case "AssignmentPattern":
      return patternNames(pattern.left);
    case "RestElement":
      return patternNames(pattern.argument);
    default:
      return [];
  }
}
