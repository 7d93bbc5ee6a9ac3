/** Rows for layers, losses, initialisation, blocks and models. */
import * as tf from "@tensorflow/tfjs-core";
import * as convbook from "../../index.ts";
import { Generator } from "../../random/index.ts";
import {
  type Argument,
  arg,
  flag,
  maybe,
  options,
  positive,
  type Row,
  real,
  share,
  tensor,
  text,
  whole,
} from "./probe.ts";

const { nn } = convbook;
const generator = () => maybe(arg("generator", new Generator(1)));
const image = tf.zeros([1, 4, 4, 2]);
const sequence = tf.zeros([1, 4, 2]);
const rank6 = tf.zeros([1, 1, 1, 1, 1, 1]);

const path = (name: string): unknown =>
  name.split(".").reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], convbook);

/** Constructs an instance of a public class, with whatever arguments. */
export const construct = (name: string, ...given: unknown[]): unknown =>
  new (path(name) as new (...args: unknown[]) => unknown)(...given);
/** A constructor. */
export const make = (name: string, ...args: Argument[]): Row => ({
  name,
  args,
  call: (...given) => construct(name, ...given),
});
/** Calls a public function, with whatever arguments. */
export const invoke = (name: string, ...given: unknown[]): unknown =>
  (path(name) as (...args: unknown[]) => unknown)(...given);
/** A function. */
export const call = (name: string, ...args: Argument[]): Row => ({
  name,
  args,
  call: (...given) => invoke(name, ...given),
});
/** The options that were given, where they are options, with others besides where these say nothing. */
export const besides = (given: unknown, others: object): unknown =>
  given === undefined ? others : typeof given === "object" && given !== null ? { ...others, ...given } : given;
/** A method of an instance, made anew for each call. */
export const method = <T>(name: string, instance: () => T, ...args: Argument[]): Row => ({
  name,
  args,
  call: (...given) => {
    const owner = instance();
    const key = name.split("#")[1] as string as keyof T;
    return (owner[key] as unknown as (...args: unknown[]) => unknown).apply(owner, given);
  },
});
const forward = (name: string, layer: () => { forward: unknown }, x: tf.Tensor, ...bad: unknown[]): Row =>
  method(`${name}#forward`, layer, tensor("input", x, ...bad));

const size = (name: string, good: unknown, least = 1): Argument =>
  arg(name, good, { bad: [1.5, [1, 2, 3], [1, Number.NaN], ["1", 1], ...(least > 0 ? [0] : [])] });
const convolution = (kernelSize: Argument, one: (name: string, good: unknown, least?: number) => Argument) =>
  options(
    "options",
    kernelSize,
    maybe(one("stride", 1)),
    maybe(one("padding", 0, 0)),
    maybe(one("dilation", 1)),
    maybe(whole("groups", 1)),
    flag("bias"),
    generator(),
  );
const single = (name: string, good: unknown, least = 1): Argument => whole(name, good as number, least);
const pool = (one: typeof single, ...more: Argument[]) =>
  options("options", maybe(one("stride", 1)), maybe(one("padding", 0, 0)), flag("ceilMode"), ...more);
const norm = options("options", maybe(positive("eps", 1e-5)), flag("affine"));
const batchNorm = options(
  "options",
  maybe(positive("eps", 1e-5)),
  maybe(arg("momentum", 0.1, { accepts: ["null"], bad: [1.5, "0.1"] })),
  flag("affine"),
  flag("trackRunningStats"),
);
const reduction = options("options", maybe(arg("reduction", "mean", { bad: ["average", 3] })));
const instanceNorm = options(
  "options",
  maybe(positive("eps", 1e-5)),
  maybe(share("momentum", 0.1)),
  flag("affine"),
  flag("trackRunningStats"),
);
const activations = ["Hardsigmoid", "Hardswish", "Mish", "ReLU", "ReLU6", "Sigmoid", "SiLU", "Tanh"] as const;
const parameter = () => arg("parameter", new nn.Parameter([2, 3]));
const init = options("options", generator());
const kaiming = options(
  "options",
  maybe(real("a", 0)),
  maybe(arg("mode", "fanIn", { bad: [3] })),
  maybe(arg("nonlinearity", "relu", { bad: [3] })),
  generator(),
);
const weights = (name: string) => maybe(arg(name, [1, 2, 3], { bad: [3, "1", [], ["1"], [Number.NaN]] }));
type PlainLoss = "MSELoss" | "BCELoss" | "BCEWithLogitsLoss" | "L1Loss" | "SmoothL1Loss" | "HuberLoss" | "KLDivLoss";
const lossRows = (name: PlainLoss, ...own: Argument[]): Row[] => [
  make(
    `nn.${name}`,
    own.length === 0 ? reduction : options("options", maybe(arg("reduction", "mean", { bad: [3] })), ...own),
  ),
  method(
    `nn.${name}#forward`,
    () => new nn[name](),
    tensor("input", tf.fill([2, 3], 0.5), tf.zeros([3])),
    tensor("target", tf.zeros([2, 3]), tf.zeros([3]), tf.zeros([2, 3, 1])),
  ),
];

export const nnRows: readonly Row[] = [
  make("nn.Activation", arg("name", "relu", { bad: [5, ["relu"]], also: /activation/ })),
  forward("nn.Activation", () => new nn.Activation("gelu"), image),
  ...activations.flatMap((name) => [make(`nn.${name}`), forward(`nn.${name}`, () => new nn[name](), image)]),
  make("nn.LeakyReLU", maybe(real("negativeSlope", 0.2))),
  forward("nn.LeakyReLU", () => new nn.LeakyReLU(0.2), image),
  make("nn.ELU", maybe(real("alpha", 0.5))),
  forward("nn.ELU", () => new nn.ELU(0.5), image),
  make("nn.GELU", options("options", maybe(arg("approximate", "tanh", { bad: [3, "exact"], also: /approximation/ })))),
  forward("nn.GELU", () => new nn.GELU({ approximate: "tanh" }), image),
  make("nn.Identity"),
  forward("nn.Identity", () => new nn.Identity(), image),
  ...(["BatchNorm1d", "BatchNorm2d"] as const).flatMap((name) => [
    make(`nn.${name}`, whole("numFeatures", 2), batchNorm),
    forward(
      `nn.${name}`,
      () => new nn[name](2),
      name === "BatchNorm1d" ? sequence : image,
      rank6,
      tf.zeros([1, 4, 4, 3]),
    ),
  ]),
  ...(["InstanceNorm1d", "InstanceNorm2d"] as const).flatMap((name) => [
    make(`nn.${name}`, whole("numFeatures", 2), instanceNorm),
    forward(
      `nn.${name}`,
      () => new nn[name](2),
      name === "InstanceNorm1d" ? sequence : image,
      rank6,
      tf.zeros([1, 4, 4, 3]),
      name === "InstanceNorm1d" ? tf.zeros([3, 1, 2]) : tf.zeros([3, 1, 1, 2]),
    ),
  ]),
  make("nn.PReLU", maybe(whole("numParameters", 2)), options("options", maybe(real("init", 0.25)))),
  forward("nn.PReLU", () => new nn.PReLU(2), image, tf.zeros([2]), tf.zeros([1, 2, 3])),
  make("nn.Softmax", maybe(arg("dim", 1, { accepts: ["-1"], bad: [1.5] }))),
  forward("nn.Softmax", () => new nn.Softmax(3), image),
  method("nn.Softmax#forward", () => new nn.Softmax(3), tensor("dim", image, sequence, tf.zeros([2]))),
  make("nn.ZeroPad2d", arg("padding", 1, { accepts: ["-1"], bad: [1.5, [1, 2], [1, 2, 3, "4"], [1, 2, 3, 4, 5]] })),
  forward("nn.ZeroPad2d", () => new nn.ZeroPad2d([-2, -1, 0, 0]), image, rank6, tf.zeros([1, 4, 3, 2])),
  make(
    "nn.AdaptiveMaxPool2d",
    arg("outputSize", 1, { accepts: ["null"], bad: [0, 1.5, [1], [1, 2, 3], [1, Number.NaN], ["1", 1]] }),
  ),
  forward("nn.AdaptiveMaxPool2d", () => new nn.AdaptiveMaxPool2d(1), image, rank6),
  make("nn.DropPath", maybe(share("dropProb", 0.5)), options("options", flag("scaleByKeep"), generator())),
  forward("nn.DropPath", () => new nn.DropPath(0.5), image),
  make(
    "nn.StochasticDepth",
    share("p", 0.5),
    arg("mode", "row", { bad: ["rows", 3] }),
    maybe(options("options", generator())),
  ),
  forward("nn.StochasticDepth", () => new nn.StochasticDepth(0.5, "row"), image),
  make("nn.ModuleList", maybe(arg("modules", [new nn.ReLU()], { also: /the module "0"/, bad: [[undefined], [5]] }))),
  make("nn.Sequential", arg("layers", new nn.ReLU(), { also: /module|layer/i, accepts: ["{}"], bad: [5] })),
  forward(
    "nn.Sequential",
    () => new nn.Sequential(new nn.Conv2d(2, 2, { kernelSize: 1 }), new nn.ReLU()),
    image,
    rank6,
  ),
  make("nn.Conv1d", whole("inChannels", 2), whole("outChannels", 2), convolution(whole("kernelSize", 1), single)),
  forward("nn.Conv1d", () => new nn.Conv1d(2, 2, { kernelSize: 1 }), sequence, rank6),
  make("nn.Conv2d", whole("inChannels", 2), whole("outChannels", 2), convolution(size("kernelSize", 1), size)),
  forward("nn.Conv2d", () => new nn.Conv2d(2, 2, { kernelSize: 1 }), image, rank6),
  make(
    "nn.ConvTranspose2d",
    whole("inChannels", 2),
    whole("outChannels", 2),
    options(
      "options",
      size("kernelSize", 2),
      maybe(size("stride", 2)),
      maybe(size("padding", 0, 0)),
      maybe(arg("outputPadding", 1, { bad: [2, 1.5, [0, 2], [0, 0, 0], "same"] })),
      maybe(whole("groups", 1)),
      flag("bias"),
      maybe(size("dilation", 1)),
      generator(),
    ),
  ),
  forward(
    "nn.ConvTranspose2d",
    () => new nn.ConvTranspose2d(2, 2, { kernelSize: 1, padding: 1 }),
    image,
    rank6,
    tf.zeros([1, 2, 2, 2]),
    tf.zeros([1, 4, 4, 3]),
  ),
  make("nn.Dropout", maybe(share("p", 0.5)), init),
  forward("nn.Dropout", () => new nn.Dropout(), image),
  make("nn.Flatten"),
  forward("nn.Flatten", () => new nn.Flatten(), image, tf.zeros([2])),
  make("nn.Unflatten", arg("size", [2, 2, 1], { bad: [[], [2], [2, Number.NaN], [2, -1], [2, 1.5], 3] })),
  forward("nn.Unflatten", () => new nn.Unflatten([2, 2, 1]), tf.zeros([1, 4]), image),
  call("nn.activation", tensor("x", image), arg("name", "relu", { bad: [5], also: /activation/ })),
  call("nn.parseActivationName", arg("name", "relu", { bad: [5], also: /activation/ })),
  call("nn.nearestNames", text("name", "a"), arg("known", ["a"], { accepts: ['"x"'] }), maybe(positive("limit", 3))),
  call(
    "nn.eagerly",
    arg("body", () => 1),
  ),
  make("nn.GroupNorm", whole("numGroups", 1), whole("numChannels", 2), norm),
  forward("nn.GroupNorm", () => new nn.GroupNorm(1, 2), image, tf.zeros([2])),
  make("nn.LayerNorm", arg("normalizedShape", 2, { bad: [[], 0, 1.5, [Number.NaN], ["2"]] }), norm),
  forward("nn.LayerNorm", () => new nn.LayerNorm(2), image, tf.zeros([3])),
  make("nn.Linear", whole("inFeatures", 2), whole("outFeatures", 2), options("options", flag("bias"), generator())),
  forward("nn.Linear", () => new nn.Linear(2, 2), image, tf.zeros([3]), tf.scalar(1)),
  ...lossRows("MSELoss"),
  ...lossRows("BCELoss"),
  ...lossRows("BCEWithLogitsLoss", weights("posWeight")),
  ...lossRows("L1Loss"),
  ...lossRows("SmoothL1Loss", maybe(real("beta", 1))),
  ...lossRows("HuberLoss", maybe(real("delta", 1))),
  ...lossRows("KLDivLoss", flag("logTarget")),
  make(
    "nn.NLLLoss",
    options(
      "options",
      maybe(arg("reduction", "mean", { bad: [3] })),
      weights("weight"),
      maybe(arg("ignoreIndex", -100, { accepts: ["-1"], bad: [1.5, "1"] })),
    ),
  ),
  method(
    "nn.NLLLoss#forward",
    () => new nn.NLLLoss(),
    tensor("input", tf.zeros([2, 3]), tf.zeros([3])),
    tensor("target", tf.zeros([2], "int32"), tf.zeros([3]), tf.tensor1d([0, -1], "int32")),
  ),
  make(
    "nn.CrossEntropyLoss",
    options(
      "options",
      maybe(arg("reduction", "mean", { bad: [3] })),
      maybe(share("labelSmoothing", 0)),
      weights("weight"),
      maybe(arg("ignoreIndex", -100, { accepts: ["-1"], bad: [1.5, "1"] })),
    ),
  ),
  method(
    "nn.CrossEntropyLoss#forward",
    () => new nn.CrossEntropyLoss(),
    tensor("logits", tf.zeros([2, 3]), tf.zeros([3])),
    tensor("target", tf.zeros([2], "int32"), tf.zeros([3]), tf.tensor1d([0, -1], "int32")),
  ),
  make("nn.Buffer", arg("value", [2], { bad: [[Number.NaN], [-1], [1.5], 5] })),
  make("nn.CounterBuffer"),
  make(
    "nn.Parameter",
    arg("value", [2], { bad: [[Number.NaN], [-1], [1.5], 5] }),
    maybe(arg("layout", [0], { bad: [[5], [Number.NaN], 3] })),
  ),
  call(
    "nn.withParameterBudget",
    arg("elements", 10),
    arg("build", () => 1),
  ),
  make("nn.AdaptiveAvgPool1d", whole("outputSize", 1)),
  forward("nn.AdaptiveAvgPool1d", () => new nn.AdaptiveAvgPool1d(1), sequence, rank6),
  make("nn.AdaptiveAvgPool2d", size("outputSize", 1)),
  forward("nn.AdaptiveAvgPool2d", () => new nn.AdaptiveAvgPool2d(1), image, rank6),
  ...(["AvgPool1d", "MaxPool1d"] as const).flatMap((name) => [
    make(
      `nn.${name}`,
      whole("kernelSize", 2),
      pool(single, ...(name === "AvgPool1d" ? [flag("countIncludePad")] : [])),
    ),
    forward(`nn.${name}`, () => new nn[name](2), sequence, rank6),
  ]),
  ...(["AvgPool2d", "MaxPool2d"] as const).flatMap((name) => [
    make(`nn.${name}`, size("kernelSize", 2), pool(size, ...(name === "AvgPool2d" ? [flag("countIncludePad")] : []))),
    forward(`nn.${name}`, () => new nn[name](2), image, rank6),
  ]),
  call(
    "nn.summary",
    arg("model", new nn.Linear(2, 2), { also: /module/i }),
    options("options", arg("inputShape", [1, 2], { bad: [[], [Number.NaN], [-1], [1.5], 3] })),
  ),
  call(
    "nn.diagram",
    arg("module", new nn.Linear(2, 2)),
    options(
      "options",
      arg("inputShape", [1, 2], { bad: [[], [[]], [Number.NaN], [-1], [1.5], 3] }),
      maybe(whole("depth", 2)),
      maybe(text("title", "a")),
      maybe(text("alt", "a")),
    ),
  ),
  call("nn.updateBn", arg("module", new nn.BatchNorm2d(2)), arg("batches", [], { bad: [5, [5]], also: /the input/ })),
  make(
    "nn.Upsample",
    options("options", size("scaleFactor", 2), maybe(arg("mode", "nearest", { bad: [3] })), flag("alignCorners")),
  ),
  forward("nn.Upsample", () => new nn.Upsample({ scaleFactor: 2 }), image, rank6),
  call("nn.init.calculateFanInAndFanOut", arg("parameter", new nn.Parameter([2, 3]), { also: /shape/ })),
  call("nn.init.calculateGain", arg("nonlinearity", "relu", { bad: [3] }), maybe(real("slope", 0))),
  call(
    "nn.init.skipInit",
    arg("build", () => 1),
  ),
  call("nn.init.uniform_", parameter(), maybe(real("from", 0)), maybe(real("to", 1)), init),
  call("nn.init.normal_", parameter(), maybe(real("mean", 0)), maybe(positive("std", 1)), init),
  call(
    "nn.init.truncNormal_",
    parameter(),
    maybe(
      options(
        "options",
        maybe(real("mean", 0)),
        maybe({ ...positive("std", 1), bad: ["1", 0] }),
        maybe(real("a", -2)),
        maybe(real("b", 2)),
      ),
    ),
  ),
  call("nn.init.constant_", parameter(), real("value", 1)),
  call("nn.init.ones_", parameter()),
  call("nn.init.zeros_", parameter()),
  call("nn.init.kaimingUniform_", parameter(), kaiming),
  call("nn.init.kaimingNormal_", parameter(), kaiming),
  call(
    "nn.init.dirac_",
    arg("parameter", new nn.Parameter([2, 2, 3]), { bad: [new nn.Parameter([2, 2])], also: /shape/ }),
    options("options", maybe(whole("groups", 2)), maybe(arg("rest", "keep", { bad: [3] }))),
  ),
  call(
    "nn.init.whitening_",
    arg("weight", new nn.Parameter([8, 1, 2, 2]), { bad: [new nn.Parameter([2, 2])] }),
    tensor("images", tf.ones([2, 3, 3, 1]), tf.ones([2, 3, 3, 3])),
    options("options", maybe(positive("eps", 0.1))),
  ),
  call("nn.init.xavierUniform_", parameter(), maybe(positive("gain", 1)), init),
  call("nn.init.xavierNormal_", parameter(), maybe(positive("gain", 1)), init),
];
