/**
 * Compares text by its code points, the order in which Python sorts it; `<` compares UTF-16's halves and puts emoji before "ﬀ".
 *
 * @returns negative where `a` comes first, positive where `b` does, 0 where they are alike
 */
export function compareCodePoints(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    // Where halves differ, those of a pair (of a code point beyond 0xffff) come after all that stand alone.
    if (x !== y) {
      return isHalf(x) === isHalf(y) ? x - y : isHalf(x) ? 1 : -1;
    }
  }
  return a.length - b.length;
}

function isHalf(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
