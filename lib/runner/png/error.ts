/** What is wrong with a PNG file. The message goes on after "… is not a PNG image that can be read: " and ends without a full stop. */
export class PngError extends Error {
  override readonly name = "PngError";
}
