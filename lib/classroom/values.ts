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
