/** A magic that does not exist or is used wrongly. */
export class MagicError extends Error {
  override readonly name = "MagicError";
}
