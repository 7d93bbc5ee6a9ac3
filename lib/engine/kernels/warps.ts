/** Where a place outside of an image is read. */

const clamp = (value: number, length: number): number => Math.max(0, Math.min(value, length - 1));

/** The image and its mirror image in turns: [abcd] as [dcba|abcd|dcba]. */
function reflected(at: number, length: number): number {
  const period = 2 * length;
  if (at < 0) {
    const near = at < period ? period * Math.trunc(-at / period) + at : at;
    return near < -length ? near + period : -near - 1;
  }
  const near = at - period * Math.trunc(at / period);
  return near >= length ? period - near - 1 : near;
}

/** The image again and again: [abcd] as [abcd|abcd|abcd], with TensorFlow's own count of what is between two of them. */
function wrapped(at: number, length: number): number {
  const gaps = length - 1;
  return at < 0 ? at + length * (Math.trunc(-at / gaps) + 1) : at - length * Math.trunc(at / gaps);
}

/**
 * The place of an axis that is read for another, which may lie outside of the image.
 *
 * @param at a place in pixels
 * @param length the axis' pixels
 * @param mode tfjs's fill mode: "reflect", "wrap", "nearest" or "constant"
 * @returns a place within the image, but for "constant", which leaves it
 */
export function mapped(at: number, length: number, mode: string): number {
  if (mode !== "reflect" && mode !== "wrap" && mode !== "nearest") {
    return at;
  }
  if (mode === "nearest" || (at >= 0 && at <= length - 1)) {
    return clamp(at, length);
  }
  if (length <= 1) {
    return 0;
  }
  return clamp(mode === "reflect" ? reflected(at, length) : wrapped(at, length), length);
}
