/** Capital letters and digits as pen strokes on a grid of 4 x 6, y downwards: enough to write signs with. */

/** Each stroke is a row of points; a point is its x and y. */
const drawn: Readonly<Record<string, string>> = {
  A: "06 02 20 42 46|04 44",
  B: "00 06 36 45 44 33 03|33 42 41 30 00",
  C: "41 30 10 01 05 16 36 45",
  D: "00 06 26 44 42 20 00",
  E: "40 00 06 46|03 33",
  F: "40 00 06|03 33",
  G: "41 30 10 01 05 16 36 45 43 23",
  H: "00 06|40 46|03 43",
  I: "10 30|20 26|16 36",
  J: "40 45 36 16 05",
  K: "00 06|40 03 46",
  L: "00 06 46",
  M: "06 00 23 40 46",
  N: "06 00 46 40",
  O: "10 30 41 45 36 16 05 01 10",
  P: "06 00 30 41 42 33 03",
  Q: "10 30 41 45 36 16 05 01 10|24 46",
  R: "06 00 30 41 42 33 03|23 46",
  S: "41 30 10 01 02 13 33 44 45 36 16 05",
  T: "00 40|20 26",
  U: "00 05 16 36 45 40",
  V: "00 26 40",
  W: "00 16 23 36 40",
  X: "00 46|40 06",
  Y: "00 23 40|23 26",
  Z: "00 40 06 46",
  "0": "10 30 41 45 36 16 05 01 10|05 41",
  "1": "02 20 26|06 46",
  "2": "01 10 30 41 42 06 46",
  "3": "01 10 30 41 42 33 13|33 44 45 36 16 05",
  "4": "36 30 04 44",
  "5": "40 00 03 33 44 45 36 16 05",
  "6": "40 20 02 05 16 36 45 44 33 03",
  "7": "00 40 16",
  "8": "10 30 41 42 33 13 02 01 10|13 04 05 16 36 45 44 33",
  "9": "43 13 02 01 10 30 41 44 26 06",
};

/** The characters that can be written. */
export const strokeAlphabet = Object.keys(drawn).join("");

/** Height of all characters, and the distance from one's left side to the next one's. */
export const glyphHeight = 6;
export const glyphWidth = 4;
export const glyphAdvance = 5.6;

/** A straight line from (x0, y0) to (x1, y1). */
export type Segment = readonly [x0: number, y0: number, x1: number, y1: number];

/**
 * The lines of one character.
 *
 * @throws RangeError for a character that has none
 */
export function strokesOf(character: string): readonly Segment[] {
  const strokes = Object.hasOwn(drawn, character) ? drawn[character] : undefined;
  if (strokes === undefined) {
    throw new RangeError(`${JSON.stringify(character)} cannot be written; the characters are ${strokeAlphabet}.`);
  }
  return strokes.split("|").flatMap((stroke) => {
    const points = stroke.split(" ").map((point) => [Number(point[0]), Number(point[1])] as const);
    return points.slice(1).map(([x1, y1], i): Segment => {
      const [x0, y0] = points[i] as readonly [number, number];
      return [x0, y0, x1, y1];
    });
  });
}
