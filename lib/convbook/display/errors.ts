/** An input that cannot be drawn: names what was wrong, what was got and what was expected. */
export class DisplayError extends TypeError {
  override readonly name = "DisplayError";
}

/** What an error says of a value: a few words, whatever it is. */
export function shortly(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  }
  if (typeof value === "function") {
    return "a function";
  }
  if (typeof value !== "object" || value === null) {
    return String(value);
  }
  return Array.isArray(value) || ArrayBuffer.isView(value) ? "a list" : "an object";
}

/** The error for an argument of a figure. */
export function wrongArgument(figure: string, argument: string, got: unknown, expected: string): DisplayError {
  return new DisplayError(`${figure}: ${argument} is ${shortly(got)}; expected ${expected}`);
}
