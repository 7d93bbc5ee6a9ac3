/** PNG's filters, taken off where the bytes lie (https://www.w3.org/TR/png-3/#9Filters). */
import { PngError } from "./error.ts";

/**
 * Takes the filters off the rows of a pass; each row has a byte before it that names its filter.
 *
 * @param bytes rows one after the other, changed in place
 * @param start where the first row's filter byte stands
 * @param rowBytes bytes of a row without that byte
 * @param back bytes to the same sample of the pixel to the left, at least 1
 * @throws PngError where a filter is not known
 */
export function removeFilters(bytes: Uint8Array, start: number, rowBytes: number, height: number, back: number): void {
  // Above the first row there are zeros.
  let above: Uint8Array = new Uint8Array(rowBytes);
  for (let y = 0, at = start; y < height; y++, at += rowBytes + 1) {
    const row = bytes.subarray(at + 1, at + 1 + rowBytes);
    removeFilter(bytes[at] ?? 0, row, above, back);
    above = row;
  }
}

function removeFilter(filter: number, row: Uint8Array, above: Uint8Array, back: number): void {
  const { length } = row;
  const first = Math.min(back, length);
  switch (filter) {
    case 0:
      return;
    case 1:
      for (let i = back; i < length; i++) {
        row[i] = (row[i] ?? 0) + (row[i - back] ?? 0);
      }
      return;
    case 2:
      for (let i = 0; i < length; i++) {
        row[i] = (row[i] ?? 0) + (above[i] ?? 0);
      }
      return;
    case 3:
      for (let i = 0; i < first; i++) {
        row[i] = (row[i] ?? 0) + ((above[i] ?? 0) >> 1);
      }
      for (let i = back; i < length; i++) {
        row[i] = (row[i] ?? 0) + (((row[i - back] ?? 0) + (above[i] ?? 0)) >> 1);
      }
      return;
    case 4:
      for (let i = 0; i < first; i++) {
        row[i] = (row[i] ?? 0) + (above[i] ?? 0);
      }
      for (let i = back; i < length; i++) {
        const left = row[i - back] ?? 0;
        const up = above[i] ?? 0;
        const corner = above[i - back] ?? 0;
        const toLeft = Math.abs(up - corner);
        const toUp = Math.abs(left - corner);
        const toCorner = Math.abs(left + up - 2 * corner);
        const nearest = toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
        row[i] = (row[i] ?? 0) + nearest;
      }
      return;
    default:
      throw new PngError(`a row has the filter ${filter}, which is not known`);
  }
}
