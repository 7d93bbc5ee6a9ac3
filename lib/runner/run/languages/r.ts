/** Parameters in R, as papermill writes them. */
import { SpelledNumber } from "../spelled-number.ts";
import { decimal, type Language, quoted, UnwritableError } from "./language.ts";
import { declarationsOf, type Statements } from "./statements.ts";

const statements: Statements = {
  comment: /#[^\n]*/y,
  text: /(?<![\w.])[rR](["'])(-*)[([{][\s\S]*?[)\]}]\2\1|(["'`])(?:\\[\s\S]|(?!\3)[^\\])*\3?/y,
  name: /^(?:\p{L}|\.(?!\d))[\p{L}\p{N}_.]*$/u,
  assign: /<<?-|(?<![=!<>])=(?!=)/g,
  assignRight: /->>?/g,
  indented: true,
};

/** R does not know `\$`: what needs no escape must have none. */
const short = {
  "\\": "\\\\",
  '"': '\\"',
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

export const r: Language = {
  comment: "#",
  /** Underscores in front, which names in R cannot have, are dropped. */
  nameOf: (name) => {
    const own = name.replace(/^_+/, "");
    return statements.name.test(own) ? own : undefined;
  },
  assign: (name, literal) => `${name} = ${literal}`,
  literals: {
    nothing: "NULL",
    boolean: (value) => (value ? "TRUE" : "FALSE"),
    number: (value) => (value instanceof SpelledNumber ? value.plain : String(value)),
    notFinite: { nan: "NaN", infinity: "Inf", minusInfinity: "-Inf" },
    string: quote,
    list: (items) => `list(${items.join(", ")})`,
    object: (members) => `list(${members.map(([key, value]) => `${quoteKey(key)} = ${value}`).join(", ")})`,
  },
  declarations: (source) => declarationsOf(source, statements),
  types: [],
  // What `c(…)` gives is as well a single value, and `list(…)` is a list or an object.
  defaults: [
    [new RegExp(`^(${decimal}L?|[+-]?Inf|NaN)$`), "number"],
    [/^(TRUE|FALSE|T|F)$/, "boolean"],
    [/^["']/, "string"],
  ],
};

function quote(text: string): string {
  if (text.includes("\0") || /\p{Surrogate}/u.test(text)) {
    throw new UnwritableError("holds a character that no text in R can hold (NUL, or half of a surrogate pair)");
  }
  return quoted(text, short);
}

function quoteKey(key: string): string {
  if (key === "") {
    throw new UnwritableError("has an empty key, which no name in R can be");
  }
  return quote(key);
}
