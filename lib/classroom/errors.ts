/** The error that the classroom throws on purpose: something that a teacher or a student can mend. */

export class ClassroomError extends Error {
  override readonly name = "ClassroomError";
  /** The file or folder that it is about. */
  readonly path: string;
  /** Each thing that is wrong, a sentence. */
  readonly problems: readonly string[];

  constructor(path: string, problems: string | readonly string[], options?: ErrorOptions) {
    const all = typeof problems === "string" ? [problems] : problems;
    super(
      all.length === 1 ? `${path}: ${all[0]}` : [`${path}:`, ...all.map((each) => `  ${each}`)].join("\n"),
      options,
    );
    this.path = path;
    this.problems = all;
  }
}
