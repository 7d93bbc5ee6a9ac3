/** Parameters in Julia, as papermill writes them. */
import { SpelledNumber } from "../spelled-number.ts";
import { decimal, type Language, quoted, UnwritableError } from "./language.ts";
import { declarationsOf, type Statements } from "./statements.ts";

const statements: Statements = {
  comment: /#=[\s\S]*?(?:=#|$)|#[^\n]*/y,
  // What stands behind a value is the sign of a transposed matrix.
  text: /"""(?:\\[\s\S]|(?!""")[\s\S])*(?:""")?|"(?:\\[\s\S]|[^"\\])*"?|(?<![\p{L}\p{N}_)\]}'.])'(?:\\[^']+|[^'\\])'/uy,
  name: /^[\p{L}_][\p{L}\p{N}_!]*$/u,
  assign: /(?<![=!<>:+\-*/÷%&|^~⊻≠≤≥.])=(?![=>])/g,
  typed: /::/g,
  keyword: /^(?:global\s+|local\s+)?(const)\s+|^(?:global|local)\s+/,
};

/** A `$` would put in the value of a name. */
const short = {
  "\\": "\\\\",
  '"': '\\"',
  $: "\\$",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

export const julia: Language = {
  comment: "#",
  nameOf: (name) => (statements.name.test(name) ? name : undefined),
  assign: (name, literal, declared) =>
    `${declared !== undefined && declared !== "exists" && declared.constant ? "const " : ""}${name} = ${literal}`,
  literals: {
    nothing: "nothing",
    boolean: String,
    number: (value) => (value instanceof SpelledNumber ? value.plain : Object.is(value, -0) ? "-0.0" : String(value)),
    notFinite: { nan: "NaN", infinity: "Inf", minusInfinity: "-Inf" },
    string: quote,
    list: (items) => `[${items.join(", ")}]`,
    object: (members) => `Dict(${members.map(([key, value]) => `${quote(key)} => ${value}`).join(", ")})`,
  },
  declarations: (source) => declarationsOf(source, statements),
  types: [
    [/^(U?Int\d*|Integer|Float\d+|AbstractFloat|Real|Number|Big(Int|Float))$/, "number"],
    [/^Bool$/, "boolean"],
    [/^(Abstract)?String$/, "string"],
    [/^(Abstract)?(Vector|Array)\b/, "list"],
    [/^(Abstract)?Dict\b/, "object"],
  ],
  defaults: [
    [new RegExp(`^(${decimal}|[+-]?\\d+(\\.\\d+)?f[+-]?\\d+|[+-]?Inf|NaN)$`), "number"],
    [/^(true|false)$/, "boolean"],
    [/^"/, "string"],
    [/^\[/, "list"],
    [/^Dict\b/, "object"],
  ],
};

function quote(text: string): string {
  if (/\p{Surrogate}/u.test(text)) {
    throw new UnwritableError("holds half of a surrogate pair, which no text in Julia can hold");
  }
  return quoted(text, short);
}
