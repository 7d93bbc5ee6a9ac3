/** What stands in a solution's place, by the language of the notebook. */

/** nbgrader's words for written answers. */
export const textStub = "YOUR ANSWER HERE";

const throws = '// YOUR CODE HERE\nthrow new Error("Not done yet");';

/** nbgrader's own, and ours for the languages of this project; by the language's name in small letters. */
const codeStubs: Readonly<Record<string, string>> = {
  python: "# YOUR CODE HERE\nraise NotImplementedError()",
  r: "# YOUR CODE HERE\nfail()",
  matlab: "% YOUR CODE HERE\nerror('No Answer Given!')",
  octave: "% YOUR CODE HERE\nerror('No Answer Given!')",
  sas: "/* YOUR CODE HERE */\n %notImplemented;",
  java: "// YOUR CODE HERE",
  typescript: throws,
  javascript: throws,
  julia: '# YOUR CODE HERE\nerror("Not done yet")',
};

/** The languages whose solutions can be replaced. */
export const knownLanguages: readonly string[] = Object.keys(codeStubs);

/**
 * The code that stands in a solution's place.
 *
 * @param language In small letters.
 * @returns undefined for a language that is not known.
 */
export function codeStub(language: string): string | undefined {
  return Object.hasOwn(codeStubs, language) ? codeStubs[language] : undefined;
}
