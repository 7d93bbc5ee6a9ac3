/** Which of the checkpoints that are kept is the best, which the worst. */

export class CheckpointRanking {
  /** Scores by path. */
  readonly scores = new Map<string, number>();
  readonly #mode: "min" | "max";

  /** @param mode whether smaller or larger is better */
  constructor(mode: "min" | "max") {
    this.#mode = mode;
  }

  /** The score that none is worse than. */
  get worstScore(): number {
    return this.#mode === "min" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  }

  isBetter(a: number, b: number): boolean {
    return this.#mode === "min" ? a < b : a > b;
  }

  /** The best or the worst, of equals the first; undefined where none is kept. */
  extreme(which: "best" | "worst"): [path: string, score: number] | undefined {
    let found: [string, number] | undefined;
    for (const entry of this.scores) {
      const replaces =
        found === undefined ||
        (which === "best" ? this.isBetter(entry[1], found[1]) : this.isBetter(found[1], entry[1]));
      if (replaces) {
        found = entry;
      }
    }
    return found;
  }
}
