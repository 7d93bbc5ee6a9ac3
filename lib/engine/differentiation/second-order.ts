/**
 * Gradients of tfjs's kernels that are gradients themselves, and of our own. They are linear in dy, so that their gradient
 * along dy is the operation that they are the gradient of.
 */
import * as tf from "@tensorflow/tfjs-core";
import { first, gradient, run } from "./gradient.ts";

/** A convolution and the kernels that are its gradients. */
const families = [
  ["Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"],
  ["DepthwiseConv2dNative", "DepthwiseConv2dNativeBackpropInput", "DepthwiseConv2dNativeBackpropFilter"],
  ["Conv3D", "Conv3DBackpropInputV2", "Conv3DBackpropFilterV2"],
] as const;

/** y = x * w, dx = dy * w transposed, dw = x * dy: each of the three is linear in either of its inputs. */
function gradientsOfFamily([forward, byInput, byFilter]: (typeof families)[number]): tf.GradConfig[] {
  const dilations = forward === "Conv3D" ? [1, 1, 1] : [1, 1];
  const common = (attrs: object): object => ({ dilations, ...attrs });
  return [
    gradient({
      kernelName: byInput,
      inputsToSave: ["dy", "filter"],
      gradFunc: (ddx, [dy, filter], attrs) => {
        return {
          dy: () => run(forward, { x: first(ddx), filter }, common(attrs)),
          filter: () => run(byFilter, { x: first(ddx), dy }, { ...common(attrs), filterShape: filter.shape }),
        };
      },
    }),
    gradient({
      kernelName: byFilter,
      inputsToSave: ["x", "dy"],
      gradFunc: (ddw, [x, dy], attrs) => {
        return {
          x: () => run(byInput, { dy, filter: first(ddw) }, { ...common(attrs), inputShape: x.shape }),
          dy: () => run(forward, { x, filter: first(ddw) }, common(attrs)),
        };
      },
    }),
  ];
}

/** dy where the ReLU was open: linear in dy, and flat in y. */
const rectifierGrads = ["ReluGrad", "Relu6Grad"].map((kernelName) =>
  gradient({
    kernelName,
    inputsToSave: ["y"],
    gradFunc: (ddx, [y]) => ({
      dy: () => run(kernelName, { dy: first(ddx), y }, {}),
      y: () => tf.zerosLike(y),
    }),
  }),
);

export const gradientsOfGradients: readonly tf.GradConfig[] = [
  ...families.flatMap(gradientsOfFamily),
  ...rectifierGrads,
];
