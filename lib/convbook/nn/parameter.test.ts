import "@tensorflow/tfjs-backend-cpu";
import { expect, test } from "vitest";
import { conv1dLayout, conv2dLayout, linearLayout, Parameter, permute } from "./parameter.ts";

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

/** A drawing of 0, 1, 2, … that says how much was asked of it each time. */
function counting(): { readonly pieces: number[]; readonly draw: (values: Float32Array) => void } {
  const pieces: number[] = [];
  let drawn = 0;
  const draw = (values: Float32Array): void => {
    pieces.push(values.length);
    for (let i = 0; i < values.length; i++) {
      values[i] = drawn++;
    }
  };
  return { pieces, draw };
}

test.each([
  [[5, 7], []],
  [[5, 7], linearLayout],
  [[40, 3], linearLayout],
  // A row behind a strip that is shorter than sixteen numbers.
  [[33, 3], linearLayout],
  [[33, 16], linearLayout],
  [[97, 5, 3], conv1dLayout],
  [[65, 3, 2, 4], conv2dLayout],
  [
    [3, 2, 4, 5],
    [3, 2, 0, 1],
  ],
])("[%j] as %j is drawn when it is read, once, in pieces that can be drawn on their own", (shape, layout) => {
  const parameter = new Parameter(shape, layout);
  const { pieces, draw } = counting();
  parameter.loadLater(draw);
  expect(pieces).toEqual([]);
  for (let reading = 0; reading < 2; reading++) {
    expect([...parameter.toTensorData().data]).toEqual(Array.from({ length: parameter.size }, (_, i) => i));
  }
  expect(pieces.reduce((sum, count) => sum + count, 0)).toBe(parameter.size);
  expect(pieces.slice(0, -1).every((count) => count % 16 === 0)).toBe(true);
  expect(pieces.at(-1)).toBeGreaterThanOrEqual(16);
});

test("a value that is replaced or thrown away before it is read is not drawn", () => {
  const [first, second, third] = [counting(), counting(), counting()];
  const parameter = new Parameter([4]);
  parameter.loadLater(first.draw);
  parameter.loadLater(second.draw);
  parameter.load({ dtype: "float32", shape: [4], data: Float32Array.of(4, 3, 2, 1) });
  expect([...parameter.toTensorData().data]).toEqual([4, 3, 2, 1]);
  parameter.loadLater(third.draw);
  parameter.dispose();
  expect(() => parameter.variable).toThrow("This value was disposed of together with its module.");
  expect([first.pieces, second.pieces, third.pieces]).toEqual([[], [], []]);
});

test("a variable that is there already is drawn into at once", () => {
  const parameter = new Parameter([2, 3], linearLayout);
  const { variable } = parameter;
  const { pieces, draw } = counting();
  parameter.loadLater(draw);
  expect(pieces).toEqual([6]);
  expect([...variable.dataSync()]).toEqual([0, 3, 1, 4, 2, 5]);
  parameter.dispose();
});
