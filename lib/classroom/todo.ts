/** A typed hole for students to fill. It imports nothing, so that any notebook may have it at once. */

/** What running a hole throws: work that is still to be done. */
export class NotDoneYet extends Error {
  override readonly name = "NotDoneYet";
  // Private, because what prints an error prints its fields, too.
  readonly #hint: string;

  constructor(hint: string) {
    super(`not done yet: ${hint}`);
    this.#hint = hint;
  }

  /** What its author wrote for students. */
  get hint(): string {
    return this.#hint;
  }
}

/**
 * Stands where students are to write something of the type `T`: `return todo<Tensor>("x + F(x)")`. It has that type, so what is around it is
 * checked as if the work were done, and an error of types is in what a student wrote. Without `<T>` it takes the type that is expected in its
 * place; where none is, as in `const x = todo("…")`, give one.
 *
 * @param hint What is to be written there, in a few words.
 * @returns Never.
 * @throws NotDoneYet with the hint, when it runs.
 */
export function todo<T>(hint: string): T {
  if (typeof hint !== "string") {
    throw new TypeError(
      `todo: hint must be a text, got ${typeof hint === "number" || hint === null ? hint : typeof hint}`,
    );
  }
  throw new NotDoneYet(hint);
}
