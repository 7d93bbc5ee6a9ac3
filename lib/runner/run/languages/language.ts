/** What has to be known of a language to write parameters in it, and to read the parameter cell of a notebook. */
import { SpelledNumber } from "../spelled-number.ts";

/** What kind of value a parameter has. */
export type ValueKind = "number" | "boolean" | "string" | "list" | "object";

/** How values are written. */
export interface Literals {
  readonly nothing: string;
  readonly boolean: (value: boolean) => string;
  /** A finite number, which may remember how it was spelled. */
  readonly number: (value: number | SpelledNumber) => string;
  readonly notFinite: { readonly nan: string; readonly infinity: string; readonly minusInfinity: string };
  readonly string: (text: string) => string;
  readonly list: (items: readonly string[]) => string;
  /** The keys are texts, not yet literals. */
  readonly object: (members: readonly (readonly [key: string, value: string])[]) => string;
}

/** What a cell says of a name that it declares. */
export interface Declaration {
  readonly name: string;
  /** True for `const`, which cannot be assigned to again. */
  readonly constant: boolean;
  /** Its type, as it is written. */
  readonly type: string | undefined;
  /** Its default, as it is written; undefined where it has none, or one that is taken apart. */
  readonly value: string | undefined;
}

/** A parameter as the parameter cell declares it. */
export interface Parameter extends Declaration {
  /** Kind of its declared type, or of its default where it has no type; undefined where that does not say. */
  readonly kind: ValueKind | undefined;
}

export interface Language {
  /** How a comment begins. */
  readonly comment: string;
  /** What a parameter's name is in this language; undefined for one that it cannot have. */
  readonly nameOf: (name: string) => string | undefined;
  /**
   * A statement that gives a value to a name.
   *
   * @param declared How the parameter cell declares it; "exists" for a name that is there for sure, undefined for a new one.
   */
  readonly assign: (name: string, literal: string, declared: Parameter | "exists" | undefined) => string;
  readonly literals: Literals;
  /** How the values of a parameter are written, where its declaration has a say in it. */
  readonly literalsFor?: (declared: Declaration) => Literals;
  /** What the outermost level of a source declares, in its order. */
  readonly declarations: (source: string) => Declaration[];
  /** Kinds by the declared type, and by the text of the default; the first that matches counts. */
  readonly types: readonly (readonly [RegExp, ValueKind])[];
  readonly defaults: readonly (readonly [RegExp, ValueKind])[];
}

/** A value that cannot be written in a language; the message ends a sentence about the parameter. */
export class UnwritableError extends Error {
  override readonly name = "UnwritableError";
}

/**
 * A value as a literal: texts, numbers, {@link SpelledNumber}s, booleans, null, lists, objects and maps of these.
 *
 * @throws UnwritableError for a text that the language has no literal for.
 */
export function literalOf(value: unknown, literals: Literals): string {
  switch (typeof value) {
    case "boolean":
      return literals.boolean(value);
    case "number":
      return Number.isFinite(value) ? literals.number(value) : notFinite(value, literals);
    case "bigint":
      return literals.number(new SpelledNumber(String(value)));
    case "string":
      return literals.string(value);
    case "object":
      if (value instanceof SpelledNumber) {
        return literals.number(value);
      }
      if (Array.isArray(value)) {
        return literals.list(value.map((item) => literalOf(item, literals)));
      }
      return value === null
        ? literals.nothing
        : literals.object(membersOf(value).map(([key, member]) => [key, literalOf(member, literals)]));
    default:
      return literals.nothing;
  }
}

/** The members of an object or a map; what is undefined is not there. */
function membersOf(value: object): (readonly [string, unknown])[] {
  const members = value instanceof Map ? [...value].map(([key, member]) => [String(key), member] as const) : undefined;
  return (members ?? Object.entries(value)).filter(([, member]) => member !== undefined);
}

function notFinite(value: number, { notFinite: { nan, infinity, minusInfinity } }: Literals): string {
  return Number.isNaN(value) ? nan : value > 0 ? infinity : minusInfinity;
}

/**
 * A text in double quotes.
 *
 * @param short What stands for a character, such as `\n` for a line's end.
 * @param isSpecial Which other characters are written as `\u` with four digits, besides control characters.
 */
export function quoted(text: string, short: Readonly<Record<string, string>>): string {
  let result = "";
  for (const character of text) {
    const code = character.charCodeAt(0);
    const control = code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x2028 || code === 0x2029;
    result += short[character] ?? (control ? `\\u${code.toString(16).padStart(4, "0")}` : character);
  }
  return `"${result}"`;
}

/** Numbers as most languages write them in a default: signs, digits with underscores, a point, an exponent. */
export const decimal = String.raw`[+-]?(?:\d[\d_]*\.?[\d_]*|\.\d+)(?:[eE][+-]?\d+)?`;
