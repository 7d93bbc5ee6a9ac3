/** Parameters in Python, as papermill writes them. */
import { SpelledNumber } from "../spelled-number.ts";
import { decimal, type Language } from "./language.ts";
import { declarationsOf, type Statements } from "./statements.ts";

export const pythonStatements: Statements = {
  // A line goes on behind a backslash.
  comment: /#[^\n]*|\\\n/y,
  text: /"""(?:\\[\s\S]|(?!""")[\s\S])*(?:""")?|'''(?:\\[\s\S]|(?!''')[\s\S])*(?:''')?|"(?:\\[\s\S]|[^"\\\n])*"?|'(?:\\[\s\S]|[^'\\\n])*'?/y,
  name: /^[\p{ID_Start}_]\p{ID_Continue}*$/u,
  assign: /(?<![=!<>:+\-*/%&|^@~])=(?!=)/g,
  typed: /:/g,
  bareType: true,
};

export const python: Language = {
  comment: "#",
  nameOf: (name) => (pythonStatements.name.test(name) ? name : undefined),
  assign: (name, literal) => `${name} = ${literal}`,
  literals: {
    nothing: "None",
    boolean: (value) => (value ? "True" : "False"),
    number: (value) => (value instanceof SpelledNumber ? value.python : Object.is(value, -0) ? "-0.0" : String(value)),
    notFinite: { nan: "float('nan')", infinity: "float('inf')", minusInfinity: "float('-inf')" },
    // The escapes of JSON are Python's, too.
    string: (text) => JSON.stringify(text),
    list: (items) => `[${items.join(", ")}]`,
    object: (members) => `{${members.map(([key, value]) => `${JSON.stringify(key)}: ${value}`).join(", ")}}`,
  },
  declarations: (source) => declarationsOf(source, pythonStatements),
  types: [
    [/^(int|float)$/, "number"],
    [/^bool$/, "boolean"],
    [/^str$/, "string"],
    [/^([Ll]ist|[Tt]uple)\b/, "list"],
    [/^[Dd]ict\b/, "object"],
  ],
  defaults: [
    [new RegExp(`^${decimal}$`), "number"],
    [/^(True|False)$/, "boolean"],
    [/^(f|r|b)?["']/, "string"],
    [/^[[(]/, "list"],
    [/^\{/, "object"],
  ],
};
