import { expect, test } from "vitest";
import { conv1dLayout, conv2dLayout, linearLayout, permute } from "./parameter.ts";

/** Places in the source by the definition: one index a dimension. */
function expected(shape: readonly number[], order: readonly number[]): number[] {
  const places = order.reduce<number[][]>(
    (so, dimension) => so.flatMap((place) => Array.from({ length: shape[dimension] ?? 0 }, (_, i) => [...place, i])),
    [[]],
  );
  return places.map((place) => shape.reduce((sum, size, d) => sum * size + (place[order.indexOf(d)] ?? 0), 0));
}

test.each([
  [[5, 7], linearLayout],
  [[40, 3], linearLayout],
  [[0, 3], linearLayout],
  [[33, 2, 4], conv1dLayout],
  [[65, 3, 2, 4], conv2dLayout],
  [[1, 1, 1, 1], conv2dLayout],
  [
    [3, 2, 4, 5],
    [3, 2, 0, 1],
  ],
])("[%j] is laid out as %j", (shape, order) => {
  const size = shape.reduce((product, n) => product * n, 1);
  const source = Float32Array.from({ length: size }, (_, i) => i);
  expect([...permute(source, shape, order)]).toEqual(expected(shape, order));
});
