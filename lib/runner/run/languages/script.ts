/** Parameters in TypeScript and JavaScript. */
import { SpelledNumber } from "../spelled-number.ts";
import { type Declaration, decimal, type Language, type Literals, UnwritableError } from "./language.ts";
import { scriptDeclarations } from "./script-declarations.ts";

const literals: Literals = {
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
};

export const script: Language = {
  comment: "//",
  nameOf: (name) => (/^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u.test(name) ? name : undefined),
  // An assignment keeps the declared type, which a kernel that checks types holds the value against.
  assign: (name, literal, declared) => {
    const keyword = declared === undefined ? "var " : declared !== "exists" && declared.constant ? "const " : "";
    return `${keyword}${name} = ${literal};`;
  },
  literals,
  literalsFor,
  declarations: scriptDeclarations,
  types: [
    [new RegExp(`^(number|${decimal})$`), "number"],
    [/^(boolean|true|false)$/, "boolean"],
    [/^(string|"[^"]*"|'[^']*'|`[^`]*`)$/, "string"],
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

/** Whole numbers as the declared type has them, or the default where there is no type: a bigint is no number, and a number no bigint. */
function literalsFor({ type, value = "" }: Declaration): Literals {
  const said = type ?? value;
  const bigint = type === undefined ? /(?<![\p{ID_Continue}$])\d[\d_]*n\b/u.test(said) : /\bbigint\b/.test(said);
  const number =
    type === undefined
      ? new RegExp(`(?<![\\p{ID_Continue}$."'\`])${decimal}(?!\\w)`, "u").test(said)
      : /\bnumber\b/.test(said);
  if (bigint === number) {
    return literals;
  }
  return {
    ...literals,
    number: (given) => {
      const text = given instanceof SpelledNumber ? given.text : String(given);
      if (number) {
        return literals.number(Number(text));
      }
      if (!/^[+-]?\d+$/.test(text)) {
        throw new UnwritableError(`is a bigint, got the number ${text}`);
      }
      return `${BigInt(text.replace("+", ""))}n`;
    },
  };
}

/** JSON is JavaScript, but for two characters in old engines. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
