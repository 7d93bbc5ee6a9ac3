/** Values whose kind nobody vouches for: JSON of a stranger's, what was thrown. */

/** The value where it is an object; an empty one otherwise. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** What an error says, in its first line. */
export function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split("\n")[0] ?? "";
}

/** A stranger's text for a terminal, which would obey its control characters: they are written as they are in JavaScript. */
export function terminalText(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Bytes: no kernel starts in less, so that nobody would get a point. */
export const leastMemory = 32 * 2 ** 20;
