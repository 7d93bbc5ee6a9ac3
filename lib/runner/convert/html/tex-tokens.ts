/** TeX as far as it must be understood to find labels, tags, and the rows of an environment. */

export interface TexToken {
  readonly kind: "begin" | "end" | "command" | "open" | "close" | "cell" | "row" | "comment" | "other";
  /** As it is written. */
  readonly text: string;
  /** The environment's or the command's name. */
  readonly name: string;
}

const pattern =
  /\\(begin|end)\s*\{([^{}]*)\}|(\\\\|\\cr(?![a-zA-Z]))|\\([a-zA-Z@]+)|(%[^\n]*\n?)|([{}&])|\\[\s\S]|[^\\%{}&]+|\\/g;

/** Splits TeX; the tokens' texts together are the text. */
export function texTokens(tex: string): TexToken[] {
  return [...tex.matchAll(pattern)].map(([text, side, environment = "", row, command, comment, sign]) => {
    const token = (kind: TexToken["kind"], name = ""): TexToken => ({ kind, text, name });
    if (side !== undefined) {
      return token(side === "begin" ? "begin" : "end", environment.trim());
    }
    if (row !== undefined) {
      return token("row");
    }
    if (command !== undefined) {
      return token("command", command);
    }
    if (comment !== undefined) {
      return token("comment");
    }
    return token(sign === "{" ? "open" : sign === "}" ? "close" : sign === "&" ? "cell" : "other");
  });
}

/** Reads the tokens from left to right. */
export class TexReader {
  readonly #tokens: TexToken[];
  #at = 0;

  constructor(tokens: readonly TexToken[]) {
    this.#tokens = [...tokens];
  }

  next(): TexToken | undefined {
    return this.#tokens[this.#at++];
  }

  /** The argument in braces that follows; undefined, with nothing read, where there is none. */
  argument(): string | undefined {
    let at = this.#at;
    while (this.#tokens[at]?.kind === "comment" || this.#tokens[at]?.text.trim() === "") {
      at++;
    }
    if (this.#tokens[at]?.kind !== "open") {
      return undefined;
    }
    const end = this.#closing(at + 1, "open", "close");
    if (end === undefined) {
      return undefined;
    }
    this.#at = end + 1;
    return this.#tokens
      .slice(at + 1, end)
      .map(({ text }) => text)
      .join("");
  }

  /** True, and the star is read, where one follows. */
  star(): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "other" || !token.text.startsWith("*")) {
      return false;
    }
    this.#tokens[this.#at] = { ...token, text: token.text.slice(1) };
    return true;
  }

  /** The tokens up to the end of the environment that has just begun, without its end; all that is left where it has none. */
  environment(): readonly TexToken[] {
    const begin = this.#at;
    const end = this.#closing(begin, "begin", "end") ?? this.#tokens.length;
    this.#at = end + 1;
    return this.#tokens.slice(begin, end);
  }

  /** Where that closes which was opened before a place. */
  #closing(from: number, opening: TexToken["kind"], closing: TexToken["kind"]): number | undefined {
    let depth = 1;
    for (let at = from; at < this.#tokens.length; at++) {
      const { kind } = this.#tokens[at] as TexToken;
      depth += kind === opening ? 1 : kind === closing ? -1 : 0;
      if (depth === 0) {
        return at;
      }
    }
    return undefined;
  }
}
