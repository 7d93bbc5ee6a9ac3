/** A question about a network that cannot be answered: names the layer, channel or class, and what there is. */
export class InterpretError extends RangeError {
  override readonly name = "InterpretError";
}
