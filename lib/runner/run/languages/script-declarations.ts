/** Reads what a cell of TypeScript or JavaScript declares: every name of every `let`, `const` and `var`, patterns included. */
import type { Declaration } from "./language.ts";
import { type Lexis, mask, splitText, withoutComments } from "./mask.ts";

const lexis: Lexis = {
  comment: /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y,
  // A regular expression stands where no value is before it.
  text: /"(?:\\[\s\S]|[^"\\\n])*"?|'(?:\\[\s\S]|[^'\\\n])*'?|`(?:\\[\s\S]|[^`\\])*`?|(?<=(?:^|[=(,:[!&|?{};\n]|=>)\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//y,
};

const name = String.raw`[\p{ID_Start}_$][\p{ID_Continue}$]*`;
const keyword = /(?<![\p{ID_Continue}$.])(?:(let|var)|(const)(?!\s+enum\b))\s+(?=[\p{ID_Start}_$[{])/gu;
/** `count = 3` alone, as plain JavaScript has it. */
const assigned = new RegExp(String.raw`(?<=^|[\n;])\s*(${name})\s*=(?![=>])`, "gu");

/** A line's end between these goes on with what stands before it. */
const open = /(?:[=+\-*/%&|^?:<,.!~]|=>|\b(?:as|extends|in|instanceof|is|keyof|new|of|satisfies|typeof))\s*$/;
const goesOn = /^\s*(?:[=*/%&|^?:<>,.([`]|[+-](?![+-])|\b(?:as|extends|in|instanceof|satisfies)\b)/;

/** Whether what comes behind a source begins a statement: in no text, comment or brackets, and no rest of an expression. */
export function beginsStatement(source: string): boolean {
  const masked = mask(`${source}\nxx`, lexis);
  return masked.at(-2) === "x" && !open.test(masked.slice(0, -2).trimEnd());
}

/** What the outermost level of a source declares, in its order. */
export function scriptDeclarations(source: string): Declaration[] {
  const code = withoutComments(source, lexis);
  const masked = mask(code, lexis);
  const found: (Declaration & { readonly at: number })[] = [];
  for (const match of masked.matchAll(keyword)) {
    const begin = match.index + match[0].length;
    const text = code.slice(begin, endOfStatement(masked, begin));
    for (const declared of declarators(text)) {
      found.push({ ...declared, constant: match[2] !== undefined, at: match.index });
    }
  }
  for (const match of masked.matchAll(assigned)) {
    const [own] = splitText(code.slice(match.index + match[0].length), lexis, /[;\n]/g);
    found.push({ name: match[1] as string, constant: false, type: undefined, value: own, at: match.index });
  }
  const names = new Set<string>();
  return found
    .sort((a, b) => a.at - b.at)
    .flatMap(({ at: _, ...declared }) => {
      const first = !names.has(declared.name);
      names.add(declared.name);
      return first ? [declared] : [];
    });
}

function endOfStatement(masked: string, from: number): number {
  for (let at = from; at < masked.length; at++) {
    if (masked[at] === ";") {
      return at;
    }
    if (masked[at] === "\n" && !open.test(masked.slice(from, at)) && !goesOn.test(masked.slice(at + 1))) {
      return at;
    }
  }
  return masked.length;
}

/** `a: number = 1, { b, c: [d] } = e, f`. */
function declarators(text: string): Declaration[] {
  return splitDeclarators(text).flatMap((part) => {
    const [left = "", ...values] = splitText(part, lexis, /(?<![=!<>])=(?![=>])/g);
    const value =
      values.length === 0 ? undefined : part.slice(part.indexOf(left) + left.length).replace(/^\s*=\s*/, "");
    const masked = mask(left, lexis);
    const pattern = /^(?:\[\0*\]|\{\0*\})/.exec(masked)?.[0];
    if (pattern !== undefined) {
      return namesIn(left.slice(0, pattern.length)).map((each) => ({
        name: each,
        constant: false,
        type: undefined,
        value: undefined,
      }));
    }
    const [, own, type] = new RegExp(String.raw`^(${name})\s*!?\s*(?::\s*([\s\S]*))?$`, "u").exec(left) ?? [];
    return own === undefined ? [] : [{ name: own, constant: false, type: type?.trim(), value }];
  });
}

/** The declarators of a statement: a comma is between two where what follows it can be one, and not between two of a type's arguments. */
function splitDeclarators(text: string): string[] {
  const next = new RegExp(String.raw`,(?=\s*(?:${name}\s*(?:!?\s*:|=(?!>)|,|$)|[[{]\0*[\]}]\s*[:=]))`, "gu");
  const masked = mask(text, lexis);
  const commas = [...masked.matchAll(next)].map(({ index }) => index).filter((at) => !inAngles(masked.slice(0, at)));
  return [...commas, text.length].map((to, index, all) =>
    text.slice(index === 0 ? 0 : (all[index - 1] as number) + 1, to).trim(),
  );
}

/** Whether a text ends between `<` and `>` around types. */
function inAngles(text: string): boolean {
  let depth = 0;
  for (const [bracket] of text.replaceAll("=>", "").matchAll(/(?<=[\p{ID_Continue}$])<(?![=<\s])|>/gu)) {
    depth = bracket === "<" ? depth + 1 : Math.max(0, depth - 1);
  }
  return depth > 0;
}

/** The names that a pattern gives values to: `{ a, b: [c, ...d], e = 1 }`. */
function namesIn(pattern: string): string[] {
  return splitText(pattern.slice(1, -1), lexis, /,/g).flatMap((entry) => {
    const [target = ""] = splitText(entry.replace(/^\.\.\.\s*/, ""), lexis, /=(?!>)/g);
    const inner = pattern.startsWith("{") ? (splitText(target, lexis, /:/g).at(-1) ?? "") : target;
    return /^[[{]/.test(inner) ? namesIn(inner) : new RegExp(`^${name}$`, "u").test(inner) ? [inner] : [];
  });
}
