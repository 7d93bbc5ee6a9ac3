/** A font of straight strokes for capital letters and digits, of our own making, that can be drawn at any size and angle. */

/** A stroke from one point to another. */
export type Stroke = readonly [x1: number, y1: number, x2: number, y2: number];

/** Letters lie on a grid of 4 by 6 units; the next one begins 6 units further. */
export const GLYPH_WIDTH = 4;
export const GLYPH_HEIGHT = 6;
export const GLYPH_ADVANCE = 6;

/** Lines through grid points: two digits a point (column, row), lines divided by commas. */
const LINES: Readonly<Record<string, string>> = {
  A: "0602204246,0444",
  B: "003041423303000636454433",
  C: "4130100105163645",
  D: "00304145360600",
  E: "40000646,0333",
  F: "400006,0333",
  G: "41301001051636454323",
  H: "0006,4046,0343",
  I: "1030,2026,1636",
  J: "4045361605",
  K: "0006,400346",
  L: "000646",
  M: "0600234046",
  N: "06004640",
  O: "100105163645413010",
  P: "06003041423303",
  Q: "100105163645413010,2446",
  R: "06003041423303,2346",
  S: "413010010213334445361605",
  T: "0040,2026",
  U: "000516364540",
  V: "002640",
  W: "0016233640",
  X: "0046,4006",
  Y: "002340,2326",
  Z: "00400646",
  0: "100105163645413010,0541",
  1: "012026,1636",
  2: "01103041420646",
  3: "0040234445361605",
  4: "36300444",
  5: "400003334445361605",
  6: "4130100105163645443304",
  7: "004016",
  8: "103041423313020110,1304051636454433",
  9: "051636454130100102133342",
};

/** All characters that can be drawn. */
export const CHARACTERS: string = Object.keys(LINES).sort().join("");

const strokes = new Map<string, readonly Stroke[]>(
  Object.entries(LINES).map(([character, lines]) => [character, lines.split(",").flatMap(toStrokes)]),
);

/**
 * A character's strokes.
 * @throws {RangeError} when the font does not have it
 */
export function glyph(character: string): readonly Stroke[] {
  const found = strokes.get(character);
  if (found === undefined) {
    throw new RangeError(`The font has ${CHARACTERS}; got ${JSON.stringify(character)}.`);
  }
  return found;
}

function toStrokes(line: string): Stroke[] {
  const points = (line.match(/../g) ?? []).map((pair) => [Number(pair[0]), Number(pair[1])] as const);
  return points.slice(1).map(([x, y], i) => {
    const [fromX = x, fromY = y] = points[i] ?? [];
    return [fromX, fromY, x, y];
  });
}
