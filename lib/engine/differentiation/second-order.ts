/**
 * Gradients of tfjs's kernels that are gradients themselves, and of our own. They are linear in dy, so that their gradient
 * along dy is the operation that they are the gradient of.
 */
import * as tf from "@tensorflow/tfjs-core";

type Attrs = Record<string, unknown>;
type Dy = tf.Tensor | tf.Tensor[];
/** The gradient of a kernel's first output. */
export const first = (dy: Dy): tf.Tensor => (Array.isArray(dy) ? dy[0] : dy) as tf.Tensor;

/** Runs a kernel of one output. */
export function run(kernel: string, inputs: Record<string, tf.Tensor>, attrs: object): tf.Tensor {
  return tf.engine().runKernel(kernel, inputs as tf.NamedTensorMap, attrs as tf.NamedAttrMap) as tf.Tensor;
}

/** A convolution and the kernels that are its gradients. */
const families = [
  ["Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"],
  ["DepthwiseConv2dNative", "DepthwiseConv2dNativeBackpropInput", "DepthwiseConv2dNativeBackpropFilter"],
  ["Conv3D", "Conv3DBackpropInputV2", "Conv3DBackpropFilterV2"],
] as const;

/** y = x * w, dx = dy * w transposed, dw = x * dy: each of the three is linear in either of its inputs. */
function gradientsOfFamily([forward, byInput, byFilter]: (typeof families)[number]): tf.GradConfig[] {
  const dilations = forward === "Conv3D" ? [1, 1, 1] : [1, 1];
  const common = (attrs: unknown): Attrs => ({ dilations, ...(attrs as Attrs) });
  return [
    {
      kernelName: byInput,
      inputsToSave: ["dy", "filter"],
      gradFunc: (ddx, saved, attrs) => {
        const [dy, filter] = saved as [tf.Tensor, tf.Tensor];
        return {
          dy: () => run(forward, { x: first(ddx), filter }, common(attrs)),
          filter: () => run(byFilter, { x: first(ddx), dy }, { ...common(attrs), filterShape: filter.shape }),
        };
      },
    },
    {
      kernelName: byFilter,
      inputsToSave: ["x", "dy"],
      gradFunc: (ddw, saved, attrs) => {
        const [x, dy] = saved as [tf.Tensor, tf.Tensor];
        return {
          x: () => run(byInput, { dy, filter: first(ddw) }, { ...common(attrs), inputShape: x.shape }),
          dy: () => run(forward, { x, filter: first(ddw) }, common(attrs)),
        };
      },
    },
  ];
}

/** dy where the ReLU was open: linear in dy, and flat in y. */
const reluGrad: tf.GradConfig = {
  kernelName: "ReluGrad",
  inputsToSave: ["y"],
  gradFunc: (ddx, [y]) => ({
    dy: () => run("ReluGrad", { dy: first(ddx), y: y as tf.Tensor }, {}),
    y: () => tf.zerosLike(y as tf.Tensor),
  }),
};

export const gradientsOfGradients: readonly tf.GradConfig[] = [...families.flatMap(gradientsOfFamily), reluGrad];
