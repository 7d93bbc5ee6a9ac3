/** Reads the names and kinds of the parameters that a cell declares. */

export interface Parameter {
  readonly name: string;
  /** True for `const`, which cannot be assigned to again. */
  readonly constant: boolean;
  /** Kind of its declared type or its default; undefined where neither says. */
  readonly kind: "number" | "boolean" | "string" | "list" | "object" | undefined;
  /** The default as it is written. */
  readonly defaultText: string;
}

/** `let evaluationImages: number = 2500; // how many`, and the same in Python: `evaluation_images: int = 2500  # how many`. */
const scriptDeclaration =
  /^(?:export\s+)?(?<keyword>let|var|const)\s+(?<name>[A-Za-z_$][\w$]*)\s*(?::\s*(?<type>[^=]+?))?\s*=\s*(?<value>.+?);?\s*(?:\/\/.*)?$/;
const pythonDeclaration = /^(?<name>[A-Za-z_]\w*)\s*(?::\s*(?<type>[^=]+?))?\s*=\s*(?<value>.+?)\s*(?:#.*)?$/;

/** The parameters that the source of a parameter cell declares, in their order. */
export function parametersOf(source: string, syntax: "script" | "python"): Parameter[] {
  const pattern = syntax === "python" ? pythonDeclaration : scriptDeclaration;
  return source.split("\n").flatMap((line) => {
    // A declaration inside of a block is not a parameter; top level lines are not indented.
    const match = pattern.exec(line);
    if (match === null) {
      return [];
    }
    const { keyword, name = "", type, value = "" } = match.groups ?? {};
    return [
      { name, constant: keyword === "const", kind: kindOfType(type) ?? kindOfDefault(value), defaultText: value },
    ];
  });
}

function kindOfType(type: string | undefined): Parameter["kind"] {
  if (type === undefined) {
    return undefined;
  }
  const plain = type.trim();
  if (/^(number|int|float)$/.test(plain)) {
    return "number";
  }
  if (/^(boolean|bool)$/.test(plain)) {
    return "boolean";
  }
  if (/^(string|str)$/.test(plain) || /^"[^"]*"(\s*\|\s*"[^"]*")*$/.test(plain)) {
    return "string";
  }
  if (/\[\]$|^(readonly\s|Array<|list\b|List\b|tuple\b|\[)/.test(plain)) {
    return "list";
  }
  return /^(dict\b|Dict\b|Record<|\{)/.test(plain) ? "object" : undefined;
}

function kindOfDefault(text: string): Parameter["kind"] {
  if (/^[+-]?(\d[\d_]*\.?[\d_]*|\.\d+)(e[+-]?\d+)?$/i.test(text) || /^[+-]?(Infinity|NaN)$/.test(text)) {
    return "number";
  }
  if (/^(true|false|True|False)$/.test(text)) {
    return "boolean";
  }
  if (/^(["'`]|f"|r"|b")/.test(text)) {
    return "string";
  }
  return text.startsWith("[") || text.startsWith("(") ? "list" : text.startsWith("{") ? "object" : undefined;
}
