/** Parameters in TypeScript and JavaScript. */
import { SpelledNumber } from "../spelled-number.ts";
import { decimal, type Language } from "./language.ts";

export const script: Language = {
  comment: "//",
  nameOf: (name) => (/^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u.test(name) ? name : undefined),
  // An assignment keeps the declared type, which a kernel that checks types holds the value against.
  assign: (name, literal, declared) => {
    const keyword = declared === undefined ? "var " : declared !== "exists" && declared.constant ? "const " : "";
    return `${keyword}${name} = ${literal};`;
  },
  literals: {
    nothing: "null",
    boolean: String,
    number: (value) => (value instanceof SpelledNumber ? value.script : Object.is(value, -0) ? "-0" : String(value)),
    notFinite: { nan: "NaN", infinity: "Infinity", minusInfinity: "-Infinity" },
    string: quote,
    list: (items) => `[${items.join(", ")}]`,
    // Without brackets `__proto__` would set the object's prototype.
    object: (members) =>
      members.length === 0
        ? "{}"
        : `{ ${members.map(([key, value]) => `${key === "__proto__" ? '["__proto__"]' : quote(key)}: ${value}`).join(", ")} }`,
  },
  /** `let evaluationImages: number = 2500; // how many`. */
  declaration:
    /^(?:export\s+)?(?<keyword>let|var|const)\s+(?<name>[\p{ID_Start}_$][\p{ID_Continue}$]*)\s*(?::\s*(?<type>[^=]+?))?\s*=\s*(?<value>.+?);?\s*(?:\/\/.*)?$/u,
  types: [
    [/^number$/, "number"],
    [/^boolean$/, "boolean"],
    [/^string$|^"[^"]*"(\s*\|\s*"[^"]*")*$/, "string"],
    [/\[\]$|^(readonly\s|Array<|\[)/, "list"],
    [/^(Record<|\{)/, "object"],
  ],
  defaults: [
    [new RegExp(`^(${decimal}|[+-]?Infinity|NaN)$`), "number"],
    [/^(true|false)$/, "boolean"],
    [/^["'`]/, "string"],
    [/^\[/, "list"],
    [/^\{/, "object"],
  ],
};

/** JSON is JavaScript, but for two characters in old engines. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
