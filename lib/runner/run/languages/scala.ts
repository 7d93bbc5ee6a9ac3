/** Parameters in Scala, as papermill writes them. */
import { SpelledNumber } from "../spelled-number.ts";
import { decimal, type Language, quoted } from "./language.ts";

/** Scala does not know `\$`: only what it writes so itself is escaped. */
const short = {
  "\\": "\\\\",
  '"': '\\"',
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** Words that are names between backticks only. */
const reserved = new Set(
  (
    "abstract case catch class def do else enum export extends false final finally for forSome given if implicit import " +
    "lazy macro match new null object override package private protected return sealed super then this throw trait " +
    "true try type val var while with yield"
  ).split(" "),
);

export const scala: Language = {
  comment: "//",
  nameOf: (name) => (/^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name) && name !== "_" ? name : undefined),
  assign: (name, literal) => `val ${reserved.has(name) ? `\`${name}\`` : name} = ${literal}`,
  literals: {
    nothing: "None",
    boolean: String,
    number: (value) =>
      writeNumber(value instanceof SpelledNumber ? value.plain : Object.is(value, -0) ? "-0.0" : String(value)),
    notFinite: {
      nan: "Double.NaN",
      infinity: "Double.PositiveInfinity",
      minusInfinity: "Double.NegativeInfinity",
    },
    string: (text) => quoted(text, short),
    list: (items) => `Seq(${items.join(", ")})`,
    object: (members) => `Map(${members.map(([key, value]) => `${quoted(key, short)} -> ${value}`).join(", ")})`,
  },
  /** `val images: Int = 2500 // how many`. */
  declaration:
    /^(?:(?:final|implicit|lazy|private|protected)\s+)*va[lr]\s+`?(?<name>[\p{L}_$][\p{L}\p{N}_$]*)`?\s*(?::\s*(?<type>[^=]+?))?\s*=\s*(?<value>.+?);?\s*(?:\/\/.*)?$/u,
  types: [
    [/^(Byte|Short|Int|Long|Float|Double|Big(Int|Decimal))$/, "number"],
    [/^Boolean$/, "boolean"],
    [/^String$/, "string"],
    [/^(Seq|List|Vector|Array|IndexedSeq)\b/, "list"],
    [/^Map\b/, "object"],
  ],
  defaults: [
    [new RegExp(`^${decimal}[LlFfDd]?$`), "number"],
    [/^(true|false)$/, "boolean"],
    [/^"/, "string"],
    [/^(Seq|List|Vector|Array|IndexedSeq)\b/, "list"],
    [/^Map\b/, "object"],
  ],
};

/** Whole numbers beyond 32 bits are Long, and beyond 64 bits BigInt. */
function writeNumber(text: string): string {
  if (!/^-?\d+$/.test(text)) {
    return text;
  }
  const value = BigInt(text);
  return BigInt.asIntN(32, value) === value
    ? text
    : BigInt.asIntN(64, value) === value
      ? `${text}L`
      : `BigInt("${text}")`;
}
