/** Maps of images as the tensors that networks take and give, and back. */
import * as tf from "@tensorflow/tfjs-core";
import { shapeOfAny } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { checkObject } from "../arguments/options.ts";
import type { Detection } from "../nn/blocks/index.ts";
import { ShapeError } from "../nn/index.ts";
import { BoxError } from "./errors.ts";
import { checkMaps, type GeometryMaps } from "./geometry.ts";

/**
 * The maps of several images as one batch: what a detector should give for them.
 *
 * @param maps of one size, for example from `encodeGeometry`
 * @returns score [N, H, W, 1] and geometry [N, H, W, 5], the caller's to dispose of
 * @throws {OptionError} where these are no maps; {BoxError} when there is none, or naming the first whose size differs
 */
export function stackMaps(maps: readonly GeometryMaps[]): Detection {
  if (!Array.isArray(maps)) {
    throw new OptionError("stackMaps", "maps", maps, "a list of maps, one of each image");
  }
  for (const [i, map] of maps.entries()) {
    checkMaps("stackMaps", `maps[${i}]`, map);
  }
  const [first] = maps;
  if (first === undefined) {
    throw new BoxError(null, "Expected the maps of at least one image, got none.");
  }
  const { height, width } = first;
  const cells = height * width;
  const score = new Float32Array(maps.length * cells);
  const geometry = new Float32Array(5 * score.length);
  for (const [n, map] of maps.entries()) {
    if (map.height !== height || map.width !== width) {
      const sizes = `${map.height} x ${map.width} cells, those of image 0 have ${height} x ${width}`;
      throw new BoxError(null, `The maps of image ${n} have ${sizes}.`);
    }
    score.set(map.score, n * cells);
    for (let cell = 0; cell < cells; cell++) {
      const at = 5 * (n * cells + cell);
      for (let side = 0; side < 4; side++) {
        geometry[at + side] = map.distances[4 * cell + side] ?? 0;
      }
      geometry[at + 4] = map.angle[cell] ?? 0;
    }
  }
  return {
    score: tf.tensor4d(score, [maps.length, height, width, 1]),
    geometry: tf.tensor4d(geometry, [maps.length, height, width, 5]),
  };
}

/**
 * A detector's output as the maps of each image, ready for `decodeGeometry`.
 *
 * @param detection score [N, H, W, 1] and geometry [N, H, W, 5]; they stay the caller's
 * @throws {OptionError} where there is no such tensor; {ShapeError} for other shapes
 */
export async function unstackMaps(detection: Detection): Promise<GeometryMaps[]> {
  checkObject("unstackMaps", "detection", detection, "{ score, geometry }, two tensors");
  const { score, geometry } = detection;
  shapeOfAny("unstackMaps", geometry, "geometry");
  const [batch = 0, height = 0, width = 0] = shapeOfAny("unstackMaps", score, "score");
  const fits = (shape: readonly number[], channels: number) =>
    shape.length === 4 && shape.every((size, i) => size === [batch, height, width, channels][i]);
  if (!fits(score.shape, 1)) {
    throw new ShapeError("unstackMaps", score.shape, "a score [N, H, W, 1]");
  }
  if (!fits(geometry.shape, 5)) {
    throw new ShapeError("unstackMaps", geometry.shape, `geometry [${[batch, height, width, 5].join(", ")}]`);
  }
  const [scores, values] = await Promise.all([score.data<"float32">(), geometry.data<"float32">()]);
  const cells = height * width;
  return Array.from({ length: batch }, (_, n) => {
    const distances = new Float32Array(4 * cells);
    const angle = new Float32Array(cells);
    for (let cell = 0; cell < cells; cell++) {
      const at = 5 * (n * cells + cell);
      distances.set(values.subarray(at, at + 4), 4 * cell);
      angle[cell] = values[at + 4] ?? 0;
    }
    return { height, width, score: scores.slice(n * cells, (n + 1) * cells), distances, angle };
  });
}
