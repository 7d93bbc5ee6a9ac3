/** What stands in the boxes of a diagram. */
import type * as tf from "@tensorflow/tfjs-core";
import type { AnyModule } from "../module.ts";
import type { Shape } from "../shapes.ts";

/** A box's words, and which kind of thing it is. */
export interface Words {
  readonly text: string;
  readonly kind: "convolution" | "dense" | "normalisation" | "activation" | "resize" | "merge" | "other";
}

const kinds: readonly (readonly [RegExp, Words["kind"]])[] = [
  [/norm/i, "normalisation"],
  [/conv/i, "convolution"],
  [/pool|upsample|resize/i, "resize"],
  [/linear/i, "dense"],
  [/elu|silu|mish|tanh|sigmoid|softmax|softplus|hardswish|erf/i, "activation"],
];

function kindOf(name: string): Words["kind"] {
  return kinds.find(([pattern]) => pattern.test(name))?.[1] ?? "other";
}

/** A shape without its batch, as people write it. */
export function shapeText(shape: Shape): string {
  return shape.length === 0 ? "a number" : shape.length === 1 ? `${shape[0]}` : shape.slice(1).join("×");
}

/** A layer: its type, its window and its widths. */
export function describeLayer(module: AnyModule): Words {
  const type = module.typeName;
  const kind = kindOf(type);
  const printed = module.children().length === 0 ? module.toString() : "";
  const option = (name: string) => new RegExp(`\\b${name}=(\\[[^\\]]*\\]|[^,)]*)`).exec(printed)?.[1];
  const size = (text: string) => {
    const numbers = text.replace(/[[\]]/g, "").split(", ");
    const isFlat = /1d$/.test(type);
    return numbers.length > 1 || isFlat ? numbers.join("×") : `${text}×${text}`;
  };
  const parts = [type];
  const kernel = option("kernelSize");
  if (kernel !== undefined) {
    parts.push(size(kernel));
  }
  const stride = option("stride");
  if (stride !== undefined && stride !== "1") {
    parts.push(`/${stride.replace(/[[\]]/g, "").split(", ").join("×")}`);
  }
  const [, from, to] = /\((\d+), (\d+)/.exec(printed) ?? [];
  const hasWidths = from !== undefined && (kind === "convolution" || kind === "dense");
  const widths = hasWidths ? `${kernel === undefined ? "" : ","} ${from} → ${to}` : "";
  const groups = option("groups");
  const inGroups = groups === undefined ? "" : `, ${groups} groups`;
  return { text: `${parts.join(" ")}${widths}${inGroups}`, kind };
}

const signs: Readonly<Record<string, string>> = {
  Add: "+",
  AddV2: "+",
  AddN: "+",
  Sub: "−",
  Multiply: "×",
  RealDiv: "÷",
  Concat: "concat",
  Pack: "stack",
  SplitV: "split",
  BatchMatMul: "matmul",
  ResizeBilinear: "resize, bilinear",
  ResizeNearestNeighbor: "resize, nearest",
  Relu: "ReLU",
  Relu6: "ReLU6",
  LeakyRelu: "LeakyReLU",
  PadV2: "pad",
  MirrorPad: "pad",
};

/**
 * Something that was called between layers.
 *
 * @param inputs how many values of the forward pass it reads
 * @param constants the other tensors that it reads
 * @param isFirst whether one of these is what it reads first, as in `1 − x`
 */
export function describeKernel(
  kernel: string | null,
  inputs: number,
  constants: readonly tf.Tensor[],
  isFirst: boolean,
): Words {
  if (kernel === null) {
    return { text: "function", kind: inputs > 1 ? "merge" : "other" };
  }
  const sign = signs[kernel] ?? kernel.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  if (inputs > 1) {
    return { text: sign, kind: "merge" };
  }
  const [constant] = constants;
  const isSum = /^[+−×÷]$/.test(sign);
  const operand = constant?.size === 1 ? `${Number(Number(constant.dataSync()[0]).toPrecision(4))}` : "constant";
  const sum = isFirst && /[−÷]/.test(sign) ? `${operand} ${sign} x` : `${sign} ${operand}`;
  return { text: isSum && constant !== undefined ? sum : sign, kind: kindOf(kernel) };
}
