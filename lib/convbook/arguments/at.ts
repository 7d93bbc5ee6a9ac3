/**
 * What stands at a place of a list, where there is something.
 *
 * @param place negative ones count from the end
 * @throws {RangeError} where there is nothing
 */
export function at<T>(list: readonly T[], place: number): T {
  const item = list.at(place);
  if (item === undefined) {
    throw new RangeError(`A list of ${list.length} has nothing at ${place}.`);
  }
  return item;
}
