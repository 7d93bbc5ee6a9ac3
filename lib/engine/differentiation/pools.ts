/** Gradients of tfjs's pools: right at the border, and to be differentiated again. */
import * as tf from "@tensorflow/tfjs-core";
import { gradientsOf, maxOfWindows, type WindowAxis } from "./compositions.ts";
import { first, run } from "./second-order.ts";
import { isRecording } from "./tape.ts";

/** The attributes of a pool's kernel. */
export interface PoolAttrs {
  readonly filterSize: number | number[];
  readonly strides: number | number[];
  readonly pad: "valid" | "same" | number | [number, number][];
  readonly dilations?: number | number[];
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

/** The windows of a pool over images [N, H, W, C] or volumes [N, D, H, W, C]. */
export function windowsOf(shape: readonly number[], attrs: PoolAttrs): WindowAxis[] {
  const { filterSize, strides, pad, dilations = 1, dimRoundingMode } = attrs;
  if (shape.length === 4) {
    const info = tf.backend_util.computePool2DInfo(
      shape as [number, number, number, number],
      filterSize as [number, number],
      strides as [number, number],
      dilations as [number, number],
      pad as "valid",
      dimRoundingMode,
    );
    return [
      [1, info.filterHeight, info.strideHeight, info.dilationHeight, info.padInfo.top, info.outHeight],
      [2, info.filterWidth, info.strideWidth, info.dilationWidth, info.padInfo.left, info.outWidth],
    ].map(windowAxis);
  }
  const info = tf.backend_util.computePool3DInfo(
    shape as [number, number, number, number, number],
    filterSize as [number, number, number],
    strides as [number, number, number],
    dilations as [number, number, number],
    pad as "valid",
    dimRoundingMode,
  );
  return [
    [1, info.filterDepth, info.strideDepth, info.dilationDepth, info.padInfo.front, info.outDepth],
    [2, info.filterHeight, info.strideHeight, info.dilationHeight, info.padInfo.top, info.outHeight],
    [3, info.filterWidth, info.strideWidth, info.dilationWidth, info.padInfo.left, info.outWidth],
  ].map(windowAxis);
}

function windowAxis(numbers: readonly number[]): WindowAxis {
  const [axis, filter, stride, dilation, before, outputs] = numbers as [number, number, number, number, number, number];
  return { axis, filter, stride, dilation, before, outputs };
}

/** How many of each window's places along an axis lie in the image. */
function insideCounts(length: number, { filter, stride, dilation, before, outputs }: WindowAxis): number[] {
  return Array.from({ length: outputs }, (_, i) => {
    const places = Array.from({ length: filter }, (_, k) => i * stride - before + k * dilation);
    return places.filter((at) => at >= 0 && at < length).length;
  });
}

/**
 * A number for each window from the share of it that lies in the image, of a shape that broadcasts with the output; undefined
 * where all windows lie inside.
 */
function byShare(
  shape: readonly number[],
  windows: readonly WindowAxis[],
  number: (share: number) => number,
): tf.Tensor | undefined {
  let numbers: tf.Tensor | undefined;
  for (const window of windows) {
    const counts = insideCounts(shape[window.axis] as number, window);
    if (counts.every((count) => count === window.filter)) continue;
    const axes = shape.map((_, axis) => (axis === window.axis ? window.outputs : 1));
    const along = tf.tensor(
      counts.map((count) => number(count / window.filter)),
      axes,
    );
    numbers = numbers === undefined ? along : tf.mul(numbers, along);
  }
  return numbers;
}

/** tfjs's kernel shares a mean's gradient among all places of its window; those outside of the image get none of it. */
function averagePool(kernelName: string): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs) => ({
      x: () => {
        const { shape } = x as tf.Tensor;
        const windows = windowsOf(shape, attrs as unknown as PoolAttrs);
        const larger = byShare(shape, windows, (inside) => 1 / inside);
        const share = larger === undefined ? first(dy) : tf.mul(first(dy), larger);
        return run(`${kernelName}Grad`, { dy: share, input: x as tf.Tensor }, attrs);
      },
    }),
  };
}

/** What shares dy among whole windows takes their means in return, with zeros around the image. */
function averagePoolGrad(kernelName: string): tf.GradConfig {
  return {
    kernelName: `${kernelName}Grad`,
    inputsToSave: ["input"],
    gradFunc: (ddx, [input], attrs) => ({
      dy: () => {
        const { shape } = input as tf.Tensor;
        const windows = windowsOf(shape, attrs as unknown as PoolAttrs);
        const means = run(kernelName, { x: first(ddx) }, attrs);
        const shares = byShare(shape, windows, (inside) => inside);
        return shares === undefined ? means : tf.mul(means, shares);
      },
      input: () => tf.zerosLike(input as tf.Tensor),
    }),
  };
}

function maxPool(kernelName: string): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ["x"],
    outputsToSave: [true],
    gradFunc: (dy, [x, y], attrs) => ({
      x: () => {
        const input = x as tf.Tensor;
        if (!isRecording()) return run(`${kernelName}Grad`, { dy: first(dy), input, output: y as tf.Tensor }, attrs);
        const windows = windowsOf(input.shape, attrs as unknown as PoolAttrs);
        return gradientsOf((t) => maxOfWindows(t, windows, false), [input], first(dy))[0] as tf.Tensor;
      },
    }),
  };
}

export const poolGradients: readonly tf.GradConfig[] = [
  averagePool("AvgPool"),
  averagePoolGrad("AvgPool"),
  averagePool("AvgPool3D"),
  averagePoolGrad("AvgPool3D"),
  maxPool("MaxPool"),
  maxPool("MaxPool3D"),
];
