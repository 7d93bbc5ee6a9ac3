/** Gradients of tfjs's pools: right at the border, and to be differentiated again. */
import * as tf from "@tensorflow/tfjs-core";
import { gradientsOf, maxOfWindows, type WindowAxis } from "./compositions.ts";
import { first, gradient, run } from "./gradient.ts";
import { isRecording } from "./tape.ts";

/** The attributes of a pool's kernel, and the engine's own pools have dilations, too. */
export type PoolAttrs = tf.MaxPoolAttrs & { readonly dilations?: number | [number, number] };

/** The windows of a pool over images [N, H, W, C]. */
export function windowsOf(shape: readonly number[], attrs: PoolAttrs): WindowAxis[] {
  const [batch = 1, height = 1, width = 1, channels = 1] = shape;
  const { filterSize, strides, pad, dilations = 1, dimRoundingMode } = attrs;
  const info = tf.backend_util.computePool2DInfo(
    [batch, height, width, channels],
    filterSize,
    strides,
    dilations,
    pad,
    dimRoundingMode,
  );
  return [
    windowAxis(1, info.filterHeight, info.strideHeight, info.dilationHeight, info.padInfo.top, info.outHeight),
    windowAxis(2, info.filterWidth, info.strideWidth, info.dilationWidth, info.padInfo.left, info.outWidth),
  ];
}

/** The windows of a pool over volumes [N, D, H, W, C]. */
function windowsOfVolume(shape: readonly number[], attrs: tf.MaxPool3DAttrs): WindowAxis[] {
  const [batch = 1, depth = 1, height = 1, width = 1, channels = 1] = shape;
  const info = tf.backend_util.computePool3DInfo(
    [batch, depth, height, width, channels],
    attrs.filterSize,
    attrs.strides,
    1,
    attrs.pad,
    attrs.dimRoundingMode,
  );
  return [
    windowAxis(1, info.filterDepth, info.strideDepth, info.dilationDepth, info.padInfo.front, info.outDepth),
    windowAxis(2, info.filterHeight, info.strideHeight, info.dilationHeight, info.padInfo.top, info.outHeight),
    windowAxis(3, info.filterWidth, info.strideWidth, info.dilationWidth, info.padInfo.left, info.outWidth),
  ];
}

function windowAxis(
  axis: number,
  filter: number,
  stride: number,
  dilation: number,
  before: number,
  outputs: number,
): WindowAxis {
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
    const counts = insideCounts(shape[window.axis] ?? 1, window);
    if (counts.every((count) => count === window.filter)) {
      continue;
    }
    const axes = shape.map((_, axis) => (axis === window.axis ? window.outputs : 1));
    const along = tf.tensor(
      counts.map((count) => number(count / window.filter)),
      axes,
    );
    numbers = numbers === undefined ? along : tf.mul(numbers, along);
  }
  return numbers;
}

type Windows<Attrs> = (shape: readonly number[], attrs: Attrs) => WindowAxis[];

/** tfjs's kernel shares a mean's gradient among all places of its window; those outside of the image get none of it. */
function averagePool<Attrs extends object>(kernelName: string, windowsOf: Windows<Attrs>): tf.GradConfig {
  return gradient({
    kernelName,
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs: Attrs) => ({
      x: () => {
        const larger = byShare(x.shape, windowsOf(x.shape, attrs), (inside) => 1 / inside);
        const share = larger === undefined ? first(dy) : tf.mul(first(dy), larger);
        return run(`${kernelName}Grad`, { dy: share, input: x }, attrs);
      },
    }),
  });
}

/** What shares dy among whole windows takes their means in return, with zeros around the image. */
function averagePoolGrad<Attrs extends object>(kernelName: string, windowsOf: Windows<Attrs>): tf.GradConfig {
  return gradient({
    kernelName: `${kernelName}Grad`,
    inputsToSave: ["input"],
    gradFunc: (ddx, [input], attrs: Attrs) => ({
      dy: () => {
        const means = run(kernelName, { x: first(ddx) }, attrs);
        const shares = byShare(input.shape, windowsOf(input.shape, attrs), (inside) => inside);
        return shares === undefined ? means : tf.mul(means, shares);
      },
      input: () => tf.zerosLike(input),
    }),
  });
}

function maxPool<Attrs extends object>(kernelName: string, windowsOf: Windows<Attrs>): tf.GradConfig {
  return gradient({
    kernelName,
    inputsToSave: ["x"],
    outputsToSave: [true],
    gradFunc: (dy, [input, output], attrs: Attrs) => ({
      x: () => {
        if (!isRecording()) {
          return run(`${kernelName}Grad`, { dy: first(dy), input, output }, attrs);
        }
        const windows = windowsOf(input.shape, attrs);
        return gradientsOf((t) => maxOfWindows(t, windows, false), [input], first(dy))[0];
      },
    }),
  });
}

export const poolGradients: readonly tf.GradConfig[] = [
  averagePool("AvgPool", windowsOf),
  averagePoolGrad("AvgPool", windowsOf),
  averagePool("AvgPool3D", windowsOfVolume),
  averagePoolGrad("AvgPool3D", windowsOfVolume),
  maxPool("MaxPool", windowsOf),
  maxPool("MaxPool3D", windowsOfVolume),
];
