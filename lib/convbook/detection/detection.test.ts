import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { atScore, bestOperatingPoint, evaluateDetections } from "./average-precision.ts";
import { BoxError } from "./errors.ts";
import { decodeGeometry, encodeGeometry } from "./geometry.ts";
import { quadArea, quadIou } from "./iou.ts";
import { localityAwareNms, nms } from "./nms.ts";
import { boxOf, countOf, quadsOf, type RotatedBox, type ScoredQuads } from "./quads.ts";

/** See fixtures/make_detection.py: Qhull, torchvision and plain counting. */
const expected = JSON.parse(readFileSync(new URL("fixtures/detection.json", import.meta.url), "utf8"));

type Five = readonly [cx: number, cy: number, width: number, height: number, angle: number];
const box = ([cx, cy, width, height, angle]: Five): RotatedBox => ({ cx, cy, width, height, angle });

/** Upright boxes from their edges. */
type Edges = readonly [left: number, top: number, right: number, bottom: number];
const upright = (boxes: readonly Edges[]) =>
  quadsOf(
    boxes.map(([left, top, right, bottom]) =>
      box([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top, 0]),
    ),
  );

const flat = (quads: number[][], scores: number[]): ScoredQuads => ({
  corners: Float64Array.from(quads.flat()),
  scores: Float64Array.from(scores),
});

function closeTo(got: Float64Array | readonly number[], wanted: readonly number[], digits: number): void {
  expect(got.length).toBe(wanted.length);
  for (const [i, value] of wanted.entries()) {
    expect(got[i]).toBeCloseTo(value, digits);
  }
}

describe("rotated boxes", () => {
  it("go to corners and back", () => {
    for (const { a } of expected.overlaps as { a: Five }[]) {
      const quads = quadsOf([box(a)]);
      const { cx, cy, width, height, angle } = boxOf(quads, 0);
      closeTo([cx, cy, width, height, angle], a, 9);
      expect(quadArea(quads.corners, 0)).toBeCloseTo(a[2] * a[3], 8);
    }
  });

  it("begin at their own top left and go clockwise", () => {
    expect([...quadsOf([box([10, 20, 4, 2, 0])]).corners]).toEqual([8, 19, 12, 19, 12, 21, 8, 21]);
    closeTo(quadsOf([box([0, 0, 4, 2, Math.PI / 2])]).corners, [1, -2, 1, 2, -1, 2, -1, -2], 12);
  });

  it("overlap as Qhull finds", () => {
    let overlapping = 0;
    for (const { a, b, iou } of expected.overlaps) {
      const [first, second] = [quadsOf([box(a)]), quadsOf([box(b)])];
      expect(quadIou(first, second)[0]).toBeCloseTo(iou, 3);
      expect(quadIou(second, first)[0]).toBeCloseTo(quadIou(first, second)[0] as number, 10);
      if (iou > 0) {
        overlapping++;
        expect(quadIou(first, second)[0]).toBeCloseTo(iou, 9);
      }
    }
    expect(overlapping).toBeGreaterThan(80);
  });

  it("overlap in the plain cases", () => {
    const iou = (a: Five, b: Five) => quadIou(quadsOf([box(a)]), quadsOf([box(b)]))[0] as number;
    expect(iou([0, 0, 2, 2, 0], [0, 0, 2, 2, 0])).toBe(1);
    expect(iou([0, 0, 2, 2, 0], [0, 0, 2, 2, Math.PI / 2])).toBeCloseTo(1, 12);
    expect(iou([0, 0, 2, 2, 0], [1, 0, 2, 2, 0])).toBeCloseTo(1 / 3, 12);
    // A square and the same turned by 45 degrees share an octagon.
    expect(iou([0, 0, 2, 2, 0], [0, 0, 2, 2, Math.PI / 4])).toBeCloseTo(1 / Math.SQRT2, 12);
    expect(iou([0, 0, 2, 2, 0], [2, 0, 2, 2, 0])).toBe(0);
    expect(iou([0, 0, 10, 10, 0], [1, 1, 2, 2, 0.3])).toBeCloseTo(0.04, 12);
    expect(iou([0, 0, 0, 0, 0], [0, 0, 0, 0, 0])).toBe(0);
    expect(iou([1e6, 1e6, 2, 2, 0.5], [1e6 + 0.5, 1e6, 2, 2, 0.5])).toBeCloseTo(
      iou([0, 0, 2, 2, 0.5], [0.5, 0, 2, 2, 0.5]),
      6,
    );
  });

  it("of either direction overlap alike", () => {
    const a = quadsOf([box([0, 0, 4, 2, 0.3])]);
    const reversed = {
      corners: Float64Array.from([3, 2, 1, 0].flatMap((k) => [...a.corners.subarray(2 * k, 2 * k + 2)])),
    };
    expect(quadIou(a, reversed)[0]).toBeCloseTo(1, 12);
  });

  it("must be finite", () => {
    expect(() => quadsOf([box([0, 0, 1, 1, 0]), box([0, Number.NaN, 1, 1, 0])])).toThrow(
      "Box 1: expected finite numbers and sides of at least 0, got centre (0, NaN), size 1 x 1, angle 0.",
    );
    expect(() => quadsOf([box([0, 0, -1, 1, 0])])).toThrow(BoxError);
    const bad = flat([[0, 0, 1, 0, 1, Number.POSITIVE_INFINITY, 0, 1]], [1]);
    expect(() => nms(bad, 0.5)).toThrow("Box 0: expected finite coordinates, got 0, 0, 1, 0, 1, Infinity, 0, 1.");
    expect(() => nms(flat([[0, 0, 1, 0, 1, 1, 0, 1]], [Number.NaN]), 0.5)).toThrow(
      "Box 0: expected a finite score, got NaN.",
    );
    expect(() => nms(flat([[0, 0, 1, 0, 1, 1, 0, 1]], []), 0.5)).toThrow(
      "Expected a score for each of 1 boxes, got 0.",
    );
    expect(() => nms(flat([[0, 0, 1]], [1]), 0.5)).toThrow("Expected eight coordinates a box, got 3 in all.");
  });
});

describe("suppression", () => {
  it("of upright boxes keeps what torchvision keeps", () => {
    const { boxes, scores, kept } = expected.upright;
    const quads = { ...upright(boxes), scores: Float64Array.from(scores) };
    for (const [threshold, indices] of Object.entries(kept)) {
      expect(nms(quads, Number(threshold))).toEqual(indices);
    }
  });

  it.each(
    expected.localityAware.cases as {
      mergeThreshold: number;
      nmsThreshold: number;
      quads: number[][];
      scores: number[];
    }[],
  )(
    "with $mergeThreshold and $nmsThreshold melts and keeps what a plain loop does",
    ({ mergeThreshold, nmsThreshold, quads, scores }) => {
      const given = flat(expected.localityAware.quads, expected.localityAware.scores);
      const before = given.corners.slice();
      const found = localityAwareNms(given, { mergeThreshold, nmsThreshold });
      closeTo(found.scores, scores, 9);
      closeTo(found.corners, quads.flat(), 9);
      expect(given.corners).toEqual(before);
    },
  );

  it("of nothing is nothing", () => {
    expect(nms(flat([], []), 0.5)).toEqual([]);
    expect(countOf(localityAwareNms(flat([], [])))).toBe(0);
  });
});

describe("geometry maps", () => {
  const texts = [box([100, 60, 80, 24, 0.3]), box([60, 150, 60, 30, -1.2]), box([190, 180, 50, 20, 2.5])];
  const maps = encodeGeometry(texts, { height: 64, width: 64 });

  it("give the boxes back, from every cell", () => {
    const decoded = decodeGeometry(maps);
    expect(countOf(decoded)).toBeGreaterThan(60);
    const iou = quadIou(decoded, quadsOf(texts));
    for (let i = 0; i < countOf(decoded); i++) {
      expect(Math.max(...iou.subarray(3 * i, 3 * i + 3))).toBeCloseTo(1, 4);
    }
    const found = localityAwareNms(decoded);
    expect(countOf(found)).toBe(3);
    const together = evaluateDetections([{ predicted: found, truth: quadsOf(texts) }], { iouThreshold: 0.99 });
    expect(together.averagePrecision).toBe(1);
  });

  it("hold the distances to the box's own sides", () => {
    const { score, distances, angle } = encodeGeometry([box([20, 12, 24, 16, 0])], { height: 8, width: 10, shrink: 0 });
    // The cell in row 2, column 4 stands for the point (16, 8).
    const cell = 2 * 10 + 4;
    expect(score[cell]).toBe(1);
    expect([...distances.subarray(4 * cell, 4 * cell + 4)]).toEqual([4, 16, 12, 8]);
    expect(angle[cell]).toBe(0);
    expect(score.reduce((sum, value) => sum + value, 0)).toBe(7 * 5);
  });

  it("keep away from the sides by a part of the shorter one", () => {
    const { score } = encodeGeometry([box([20, 12, 24, 16, 0])], { height: 8, width: 10, shrink: 0.3 });
    // 24 x 16 less 4.8 on each side: from 12.8 to 27.2 and from 8.8 to 15.2.
    expect(score.reduce((sum, value) => sum + value, 0)).toBe(3 * 1);
  });

  it("let the smaller of two boxes win", () => {
    const { angle } = encodeGeometry([box([20, 20, 8, 8, 0.5]), box([20, 20, 36, 36, 0])], {
      height: 10,
      width: 10,
      shrink: 0,
    });
    expect(angle[5 * 10 + 5]).toBeCloseTo(0.5, 6);
    expect(angle[2 * 10 + 2]).toBe(0);
  });

  it("leave out boxes outside of the image", () => {
    expect(
      encodeGeometry([box([-100, 5, 20, 20, 0]), box([5, 900, 20, 20, 1])], { height: 8, width: 8 }).score.every(
        (s) => s === 0,
      ),
    ).toBe(true);
  });

  it("must be of the right size and finite", () => {
    expect(() => decodeGeometry({ ...maps, angle: new Float32Array(3) })).toThrow(
      "The angles of 64 x 64 cells must have 4096 values, got 3.",
    );
    const broken = { ...maps, distances: maps.distances.slice() };
    const cell = maps.score.indexOf(1);
    broken.distances[4 * cell] = Number.POSITIVE_INFINITY;
    expect(() => decodeGeometry(broken)).toThrow(
      `row ${Math.floor(cell / 64)}, column ${cell % 64} has distances Infinity`,
    );
    expect(() => decodeGeometry({ ...maps, score: new Float32Array(64 * 64).fill(Number.NaN) })).toThrow(
      "the score of row 0, column 0 is NaN",
    );
  });
});

describe("average precision", () => {
  const { images, results } = expected.precision;
  const given = (images as { truth: Edges[]; predicted: Edges[]; scores: number[] }[]).map((image) => ({
    predicted: { ...upright(image.predicted), scores: Float64Array.from(image.scores) },
    truth: upright(image.truth),
  }));

  it.each(Object.keys(results))("at %s is what counting gives", (key) => {
    for (const method of ["area", "11 points", "101 points"] as const) {
      const evaluation = evaluateDetections(given, { iouThreshold: Number(key), method });
      expect(evaluation.averagePrecision).toBeCloseTo(results[key][method], 10);
      const all = atScore(evaluation, 0);
      closeTo([all.precision, all.recall], [results[key].precision, results[key].recall], 12);
    }
  });

  it("matches each true box once", () => {
    const truth = upright([[0, 0, 10, 10]]);
    const predicted = {
      ...upright([
        [0, 0, 10, 9],
        [0, 0, 10, 10],
        [50, 50, 60, 60],
      ]),
      scores: Float64Array.of(0.9, 0.8, 0.7),
    };
    const evaluation = evaluateDetections([{ predicted, truth }]);
    expect(evaluation.isTrue).toEqual([true, false, false]);
    expect(evaluation.matches).toEqual([Int32Array.of(0, -1, -1)]);
    expect(evaluation.averagePrecision).toBe(1);
    expect(bestOperatingPoint(evaluation)).toEqual({ scoreThreshold: 0.9, precision: 1, recall: 1, f1: 1 });
    expect(atScore(evaluation, 0.75)).toMatchObject({ precision: 0.5, recall: 1 });
  });

  it("has an answer where there is nothing", () => {
    const nothing = { ...quadsOf([]), scores: new Float64Array(0) };
    const missed = evaluateDetections([{ predicted: nothing, truth: upright([[0, 0, 1, 1]]) }]);
    expect(missed.averagePrecision).toBe(0);
    expect(bestOperatingPoint(missed)).toBeUndefined();
    expect(atScore(missed, 0.5)).toMatchObject({ recall: 0, f1: 0 });
    expect(evaluateDetections([{ predicted: nothing, truth: quadsOf([]) }]).averagePrecision).toBeNaN();
    expect(() => evaluateDetections([], { iouThreshold: 0 })).toThrow(
      "evaluateDetections: iouThreshold must be a number above 0 and at most 1, got 0.",
    );
  });
});
