/** Rows for models and their blocks. */
import * as convbook from "../../index.ts";
import { call, make } from "./nn-rows.ts";
import { type Argument, arg, flag, maybe, options, type Row, share, whole } from "./probe.ts";

const activation = (name = "actFn") => maybe(arg(name, "relu", { bad: [3, ["relu"]], also: /activation/ }));
const classes = () => maybe(whole("numClasses", 2));
const sizes = (name: string, good: readonly number[]) =>
  arg(name, good, { bad: [[], [0], [1.5], [Number.NaN], ["1"], 3] });
const block = () => options("options", activation(), flag("subsample"), maybe(whole("cOut", 4)));
const layer1d = () =>
  options(
    "options",
    whole("kernelSize", 3),
    maybe(whole("stride", 1)),
    maybe({ ...share("dropout", 0.1), also: /Dropout: p / }),
  );
const widths = (name: string, ...keys: string[]): Argument => {
  const good = Object.fromEntries(keys.map((key) => [key, 4]));
  return arg(name, good, { bad: [{ ...good, [keys[0] as string]: 0 }, { ...good, [keys[0] as string]: "4" }, 5] });
};
const config = (...more: Argument[]) => {
  const { defaultResnetConfig } = convbook;
  const known = options(
    "config",
    whole("inputDim", 1),
    sizes("resDims", [4]),
    sizes("resKernel", [3]),
    sizes("resStride", [1]),
    sizes("numBlocks", [1]),
    ...more,
  );
  return { ...known, good: { ...defaultResnetConfig, ...(known.good as object) } };
};

export const modelRows: readonly Row[] = [
  make("GoogleNet", maybe(options("hparams", classes(), activation("actFnName")))),
  make(
    "DenseNet",
    maybe(
      options(
        "hparams",
        classes(),
        maybe(sizes("numLayers", [1, 1])),
        maybe(whole("bnSize", 2)),
        maybe(whole("growthRate", 4)),
        activation("actFnName"),
      ),
    ),
  ),
  make(
    "ResNet",
    maybe(
      options(
        "hparams",
        classes(),
        maybe(sizes("numBlocks", [1, 1])),
        maybe(sizes("cHidden", [4, 8])),
        activation("actFnName"),
        maybe(arg("blockName", "ResNetBlock", { bad: [3], also: /block/ })),
      ),
    ),
  ),
  make(
    "ImageNetResNet",
    maybe(
      options(
        "hparams",
        classes(),
        maybe(arg("blockName", "BasicBlock", { bad: [3], also: /block/ })),
        maybe(sizes("layers", [1, 1, 1, 1])),
      ),
    ),
  ),
  make(
    "MobileNetV2",
    maybe(
      options(
        "hparams",
        classes(),
        maybe(arg("widthMult", 0.25, { bad: [0, -1, Number.NaN, "1", 65] })),
        maybe({ ...share("dropout", 0.1), also: /Dropout: p / }),
      ),
    ),
  ),
  make("Cifar100ResNet", maybe(options("hparams", classes()))),
  make("ResNet1d", maybe(config())),
  make("ResnetClassifier", config(whole("outputDim", 2))),
  make(
    "Fots",
    maybe(
      options(
        "hparams",
        maybe(whole("imageSize", 64)),
        maybe(arg("backbone", { blockName: "BasicBlock", layers: [1, 1, 1, 1] }, { accepts: ["{}"], bad: [5, []] })),
      ),
    ),
  ),
  make(
    "blocks.DenseLayer",
    whole("cIn", 4),
    options("options", whole("bnSize", 2), whole("growthRate", 4), activation()),
  ),
  make(
    "blocks.DenseBlock",
    whole("cIn", 4),
    options("options", whole("numLayers", 1), whole("bnSize", 2), whole("growthRate", 4), activation()),
  ),
  make("blocks.TransitionLayer", whole("cIn", 4), options("options", whole("cOut", 2), activation())),
  make(
    "blocks.InceptionBlock",
    whole("cIn", 4),
    options("options", widths("cRed", "3x3", "5x5"), widths("cOut", "1x1", "3x3", "5x5", "max"), activation()),
  ),
  make("blocks.ResNetBlock", whole("cIn", 4), maybe(block())),
  make("blocks.PreActResNetBlock", whole("cIn", 4), maybe(block())),
  make("blocks.CNN1dLayer", whole("inDim", 4), whole("outDim", 4), layer1d()),
  make("blocks.CNN1dLayerNoAct", whole("inDim", 4), whole("outDim", 4), layer1d()),
  make("blocks.Resnet1DBlock", whole("inDim", 4), whole("outDim", 4), layer1d()),
  make(
    "blocks.Conv2dNormActivation",
    whole("inChannels", 4),
    whole("outChannels", 4),
    maybe(options("options", maybe(whole("kernelSize", 3)), maybe(whole("stride", 1)), maybe(whole("groups", 1)))),
  ),
  make(
    "blocks.SqueezeExcitation",
    whole("inputChannels", 4),
    whole("squeezeChannels", 4),
    maybe(options("options", activation("activation"), activation("scaleActivation"))),
  ),
  call(
    "listModels",
    maybe(arg("filter", "resnet*", { accepts: ['"x"'], bad: [5, [5]] })),
    maybe(options("options", maybe(arg("excludeFilters", ["wide_*"], { accepts: ['"x"'], bad: [5, [5]] })))),
  ),
  make("blocks.HiddenLayer", whole("inChannels", 4), whole("outChannels", 4)),
  make("blocks.Detector", whole("inChannels", 4), whole("imageSize", 64)),
  make(
    "blocks.BasicBlock",
    whole("inPlanes", 4),
    whole("planes", 4),
    maybe(options("options", maybe(whole("stride", 1)))),
  ),
  make(
    "blocks.Bottleneck",
    whole("inPlanes", 16),
    whole("planes", 4),
    maybe(
      options(
        "options",
        maybe(whole("stride", 1)),
        maybe(whole("groups", 1)),
        maybe(whole("baseWidth", 64)),
        maybe(whole("dilation", 1)),
      ),
    ),
  ),
];
