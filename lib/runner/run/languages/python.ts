/** Parameters in Python, as papermill writes them. */
import { SpelledNumber } from "../spelled-number.ts";
import { decimal, type Language } from "./language.ts";

export const python: Language = {
  comment: "#",
  nameOf: (name) => (/^[\p{ID_Start}_]\p{ID_Continue}*$/u.test(name) ? name : undefined),
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
  /** `evaluation_images: int = 2500  # how many`. */
  declaration:
    /^(?<name>[\p{ID_Start}_]\p{ID_Continue}*)\s*(?::\s*(?<type>[^=]+?))?\s*=(?!=)\s*(?<value>.+?)\s*(?:#.*)?$/u,
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
