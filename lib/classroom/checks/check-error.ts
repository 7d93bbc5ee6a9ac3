/** A check that failed, in words for the student. */

/** What was got and what was expected, as the page of feedback shows them. */
export interface Comparison {
  readonly got?: string;
  readonly expected?: string;
}

/** Says why a check failed. Its message is for students: it names what they gave, never a line of the test. */
export class CheckError extends Error {
  override readonly name = "CheckError";
  readonly got: string | undefined;
  readonly expected: string | undefined;

  /**
   * @param message One sentence.
   * @param comparison What was got and expected, where that helps.
   */
  constructor(message: string, { got, expected }: Comparison = {}) {
    super(message);
    this.got = got;
    this.expected = expected;
  }
}
