/** A box, or a list of boxes, that cannot be worked with. */
export class BoxError extends Error {
  override readonly name = "BoxError";
  /** Which box, counted from 0; null when it is not about one of them. */
  readonly index: number | null;

  constructor(index: number | null, message: string) {
    super(index === null ? message : `Box ${index}: ${message}`);
    this.index = index;
  }
}
