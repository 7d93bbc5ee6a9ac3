/** Parameters in Scala, as papermill writes them. */
import { SpelledNumber } from "../spelled-number.ts";
import { decimal, type Language, quoted } from "./language.ts";
import { declarationsOf, type Statements } from "./statements.ts";

const statements: Statements = {
  comment: /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y,
  text: /"""[\s\S]*?(?:"""|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\[^']+|[^'\\\n])'/y,
  name: /^(?:[\p{L}_$][\p{L}\p{N}_$]*|`[\p{L}_$][\p{L}\p{N}_$]*`)$/u,
  assign: /(?<![=!<>:])=(?![=>])/g,
  typed: /:/g,
  keyword: /^(?:@\S+\s+)*(?:(?:final|implicit|lazy|private|protected|override)\s+)*va[lr]\s+/,
  needsKeyword: true,
  bareType: true,
  patterns: true,
};

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
  // A declared type stays: without it 1 would be an Int where the notebook divides a Double.
  assign: (name, literal, declared) => {
    const type = declared === undefined || declared === "exists" ? undefined : declared.type;
    return `val ${reserved.has(name) ? `\`${name}\`` : name}${type === undefined ? "" : `: ${type}`} = ${literal}`;
  },
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
  declarations: (source) => declarationsOf(source, statements),
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
