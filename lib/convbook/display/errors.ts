/** An input that cannot be drawn: names what was wrong, what was got and what was expected. */
export class DisplayError extends TypeError {
  override readonly name = "DisplayError";
}
