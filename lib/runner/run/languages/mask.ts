/** Covers what is inside of brackets, texts and comments, so that only the outermost level of a source is to be seen. */

/** How a language's comments and texts look; both are sticky. */
export interface Lexis {
  readonly comment: RegExp;
  readonly text: RegExp;
}

/**
 * A source with all that is inside of brackets and texts covered by NUL characters, and spaces for comments. Its length stays.
 */
export function mask(source: string, { comment, text }: Lexis): string {
  let masked = "";
  let depth = 0;
  while (masked.length < source.length) {
    const at = masked.length;
    const character = source[at] as string;
    const commented = lengthAt(comment, source, at);
    const quoted = commented > 0 ? 0 : lengthAt(text, source, at);
    if (quoted === 0 && /[)\]}]/.test(character)) {
      depth = Math.max(0, depth - 1);
    }
    if (depth > 0) {
      masked += "\0".repeat(Math.max(commented, quoted, 1));
    } else if (commented > 0) {
      masked += source.slice(at, at + commented).replace(/[^\n]|(?<=\\)\n/g, " ");
    } else {
      masked += quoted > 1 ? `${character}${"\0".repeat(quoted - 2)}${source[at + quoted - 1]}` : character;
    }
    if (quoted === 0 && commented === 0 && /[([{]/.test(character)) {
      depth++;
    }
  }
  return masked;
}

/** A source with spaces for its comments. */
export function withoutComments(source: string, { comment, text }: Lexis): string {
  let code = "";
  while (code.length < source.length) {
    const at = code.length;
    const commented = lengthAt(comment, source, at);
    code +=
      commented > 0
        ? source.slice(at, at + commented).replace(/[^\n]|(?<=\\)\n/g, " ")
        : source.slice(at, at + Math.max(lengthAt(text, source, at), 1));
  }
  return code;
}

function lengthAt(pattern: RegExp, source: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0].length ?? 0;
}

/** The parts of a text between the places in its mask that a pattern finds, without white space around them. */
export function splitText(text: string, lexis: Lexis, separator: RegExp): string[] {
  const masked = mask(text, lexis);
  let from = 0;
  const parts = [...masked.matchAll(separator)].map((match) => {
    const part = text.slice(from, match.index).trim();
    from = match.index + match[0].length;
    return part;
  });
  return [...parts, text.slice(from).trim()];
}
