/** Rows for data sets, loaders, transforms, random numbers and metrics. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeTorch } from "../../checkpoints/index.ts";
import * as convbook from "../../index.ts";
import { petsOptions } from "./fetch-rows.ts";
import { call, make, method } from "./nn-rows.ts";
import { type Argument, arg, flag, maybe, options, type Row, real, share, text, whole } from "./probe.ts";

const { transforms, metrics } = convbook;
const pictures = () => new convbook.ArrayDataset(new Uint8Array(8), [2, 2, 1], [0, 1]);
const dataset = () => arg("dataset", pictures(), { also: /data set/, bad: [[], { length: 3 }] });
const picture = { dtype: "uint8", shape: [4, 4, 3], data: new Uint8Array(48) } as const;
const numbers = { dtype: "float32", shape: [4, 4, 3], data: new Float32Array(48) } as const;
const generator = () => maybe(arg("generator", new convbook.Generator(1)));
/** A folder of one class without pictures. */
const folder = mkdtempSync(join(tmpdir(), "convbook-arguments-"));
mkdirSync(join(folder, "cat"));
writeFileSync(join(folder, "cat", "a.ppm"), "P6 1 1 255\nabc");

type Name = keyof typeof transforms;
const apply = (name: Name, transform: () => object, data: unknown): Row =>
  method(
    `transforms.${name}#apply`,
    transform as () => { apply: unknown },
    arg("data", data, {
      also: new RegExp(`${name}|ToTensor|takes`),
      bad: [
        { dtype: "uint8", shape: [2], data: new Uint8Array(2) },
        { dtype: "float64", shape: [1, 1, 3] },
      ],
    }),
    generator(),
  );
const fixed = (name: Name, transform: () => object, data: unknown): Row => {
  const { args, ...row } = apply(name, transform, data);
  return { ...row, args: args.slice(0, 1) };
};
const size = () => arg("size", 2, { bad: [0, 1.5, [0, 2], [1, 2, 3], ["2", 2]] });
const range = (name: string, good: readonly number[]) =>
  arg(name, good, { bad: [[1], [2, 1], [Number.NaN, 1], ["0.1", "0.2"], 3] });
const interpolation = () => maybe(arg("interpolation", "bilinear", { bad: [3] }));
const byte = (name = "fill") => maybe(arg(name, 0, { bad: [1.5, 256, "1"] }));
const jitter = (name: string) => maybe(arg(name, 0.1, { bad: [[1], [0.2, 0.1], "1"] }));
const degrees = () => arg("degrees", 10, { bad: [[1], [20, 10], "1"] });
const rotation = () => [interpolation(), byte()];
const mix = () =>
  options("options", whole("numClasses", 2), maybe(arg("alpha", 1, { bad: [0, "1"] })), maybe(share("p", 1)));
const p = () => maybe(share("p", 0.5));

const counting = (...more: Argument[]) => options("options", arg("numClasses", 2, { bad: [1, 1.5, "2"] }), ...more);
const average = () => maybe(arg("average", "macro", { bad: [3] }));
const ignored = () => maybe(arg("ignoreIndex", 1, { accepts: ["-1"], bad: ["1"] }));
const zero = () => maybe(arg("zeroDivision", 0, { accepts: ["NaN", "-1"], bad: ["1"] }));
const statistics = [average(), ignored(), zero()];
const labels = (name: string) => arg(name, [0, 1], { bad: [5, ["a", "b"], [0], [0, 2], [0, 0.5]] });
const scores = () => arg("predictions", [0.1, 0.9, 0.8, 0.2], { bad: [5, [0, 1, 0]], also: /scores/ });
const ones: readonly [string, Argument][] = [
  ["Accuracy", counting(...statistics, maybe(whole("topK", 1)))],
  ["F1Score", counting(...statistics)],
  ["JaccardIndex", counting(...statistics)],
  ["Precision", counting(...statistics)],
  ["Recall", counting(...statistics)],
  ["ConfusionMatrix", counting(ignored(), maybe(arg("normalize", "true", { bad: [3] })))],
];
const curved: readonly [string, Argument][] = [
  ["CalibrationError", counting(maybe(whole("numBins", 5)), maybe(arg("norm", "l1", { bad: [3] })))],
  ["AUROC", counting(average())],
  ["AveragePrecision", counting(average())],
  ["PrecisionRecallCurve", counting()],
  ["ROC", counting()],
];
const functional = {
  accuracy: ones[0],
  f1Score: ones[1],
  jaccardIndex: ones[2],
  precision: ones[3],
  recall: ones[4],
  confusionMatrix: ones[5],
} as const;
const metric = (name: string) => () =>
  new (Reflect.get(metrics, name) as new (options: object) => { update: unknown })({ numClasses: 2 });
const pair = (given: Argument) => [
  given,
  arg("targets", [0, 1], { bad: [5, ["a", "b"], [0, 2], [0, 0.5]], also: /predictions|scores/ }),
];

/** ImageNet as it is unpacked, of one class. */
const imageNet = mkdtempSync(join(tmpdir(), "convbook-arguments-"));
for (const split of ["train", "val"]) {
  mkdirSync(join(imageNet, split, "n01440764"), { recursive: true });
  writeFileSync(join(imageNet, split, "n01440764", "a.ppm"), "P6 1 1 255\nabc");
}
const names = new Map([["n01440764", Object.freeze(["tench"])]]);
writeFileSync(join(imageNet, "meta.bin"), encodeTorch(Object.freeze([names, ["n01440764"]])));
/** Oxford-IIIT Pet of one image in each part. */
const pets = mkdtempSync(join(tmpdir(), "convbook-arguments-"));
mkdirSync(join(pets, "images"));
mkdirSync(join(pets, "annotations"));
for (const split of ["trainval", "test"]) {
  writeFileSync(join(pets, "annotations", `${split}.txt`), "Abyssinian_1 1 1 1\n");
}
const missing = join(folder, "missing.pt");
const loading = ["loadTorch", "loadSafetensors", "loadCheckpoint", "loadFromCheckpoint"].map(
  (name): Row => ({
    name,
    args: [{ ...arg("path", missing), accepts: new Set(['"x"']), bad: ["", []] }],
    call: async (path) => {
      const load = Reflect.get(convbook, name) as (path: unknown) => Promise<unknown>;
      // No such file is what a path is right with here.
      return await load(path).catch((error: unknown) => {
        if (error instanceof convbook.CheckpointError && error.reason === "io") {
          return;
        }
        throw error;
      });
    },
  }),
);

const weights = join(folder, "weights.pt");
const weighted = new convbook.nn.Linear(1, 1);
writeFileSync(weights, encodeTorch(Object.freeze(weighted.stateDict())));

export const dataRows: readonly Row[] = [
  ...loading,
  call(
    "loadWeights",
    arg("module", weighted),
    arg("path", weights, { bad: ["", []], also: /weights|no such file|x:/ }),
    options("options", maybe(flag("strict"))),
  ),
  make(
    "ArrayDataset",
    arg("values", new Uint8Array(8), { bad: [[1, 2], new Uint8Array(3)] }),
    arg("shape", [2, 2, 1], { bad: [[0], [1.5], 4], also: /values/ }),
    arg("labels", [0, 1], { bad: [[0, -1], [0, 0.5], ["a", "b"], 5], also: /label/ }),
    options(
      "options",
      maybe(text("name", "a")),
      maybe(arg("classes", ["a", "b"], { bad: [["a"], [1, 2]], also: /label/ })),
      maybe(arg("transform", new transforms.ToTensor(), { accepts: ["null"] })),
    ),
  ),
  method("ArrayDataset#get", pictures, arg("index", 1, { bad: [2, 0.5, "1"], also: /sample/ })),
  make("ConcatDataset", arg("datasets", [pictures()], { bad: [[], [undefined], [5]], also: /data set/ })),
  method(
    "ConcatDataset#get",
    () => new convbook.ConcatDataset([pictures()]),
    arg("index", 1, { bad: [2, 0.5, "1"], also: /sample/ }),
  ),
  make("Subset", dataset(), arg("indices", [0], { bad: [[2], [-1], [0.5], [Number.NaN], ["0"], 5], also: /sample/ })),
  method(
    "Subset#get",
    () => new convbook.Subset(pictures(), [0, 1]),
    arg("index", 1, { bad: [2, 0.5, "1"], also: /sample/ }),
  ),
  call("channelStatistics", dataset()),
  make("AlternatingFlip", dataset(), options("options", generator())),
  make(
    "MultiCrop",
    arg("model", { training: false, forward: () => {}, train: () => {}, eval: () => {} }),
    options("options", maybe(arg("views", "mirror", { bad: [[], [5], [{ move: [1] }], [{ weight: 0 }], "toString"] }))),
  ),
  make(
    "DataLoader",
    dataset(),
    options(
      "options",
      maybe(whole("batchSize", 2)),
      flag("shuffle", false),
      maybe(arg("sampler", { length: 1, sample: () => [0] })),
      generator(),
      flag("dropLast"),
      maybe(whole("numWorkers", 0, 0)),
      maybe(whole("prefetchFactor", 1)),
      maybe(arg("batchTransform", new transforms.MixUp({ numClasses: 2 }))),
      maybe(arg("collate", (samples: unknown) => samples)),
    ),
  ),
  {
    name: "ImageFolder",
    args: [
      text("root", folder),
      options(
        "options",
        maybe(arg("transform", new transforms.ToTensor(), { accepts: ["null"] })),
        maybe(arg("extensions", [".ppm"], { bad: [[5], ".ppm"] })),
        flag("allowEmpty"),
        maybe(whole("maxPixels", 100)),
      ),
    ].map((argument, i) => (i === 0 ? { ...argument, accepts: new Set<string>(), also: /x/ } : argument)),
    call: (...given) => convbook.ImageFolder.open(...(given as [string])),
  },
  {
    name: "OxfordIIITPet",
    args: [{ ...text("root", pets), accepts: new Set<string>(), also: /x/ }, options("options", ...petsOptions())],
    call: (...given) => convbook.OxfordIIITPet.open(...(given as [string])),
  },
  {
    name: "ImageNet",
    args: [
      text("root", imageNet),
      options(
        "options",
        maybe(arg("split", "val", { bad: ["test", 1] })),
        maybe(arg("transform", new transforms.ToTensor(), { accepts: ["null"] })),
        maybe(whole("maxPixels", 100)),
        flag("verify"),
        maybe(arg("onImage", () => {}, { bad: [5] })),
        maybe(arg("signal", new AbortController().signal, { bad: [5] })),
      ),
    ].map((argument, i) => (i === 0 ? { ...argument, accepts: new Set<string>(), also: /x/ } : argument)),
    call: (...given) => convbook.ImageNet.open(...(given as [string])),
  },
  {
    name: "prepareImageNet",
    args: [
      text("root", imageNet),
      options(
        "options",
        maybe(arg("splits", [], { bad: [["test"], "train"] })),
        flag("verify"),
        maybe(arg("onImage", () => {}, { bad: [5] })),
        maybe(arg("signal", new AbortController().signal, { bad: [5] })),
      ),
    ].map((argument, i) => (i === 0 ? { ...argument, accepts: new Set<string>(), also: /x/ } : argument)),
    call: (...given) => convbook.prepareImageNet(...(given as [string])),
  },
  call(
    "randomSplit",
    dataset(),
    arg("lengths", [1, 1], { bad: [[], [5], ["1", "1"], [0.5], 5], also: /fractions/ }),
    options("options", generator()),
  ),
  make(
    "SceneTextDataset",
    whole("length", 1, 0),
    options(
      "options",
      ...["size", "words", "letters", "letterHeight"]
        .map((name) => maybe(range(name, [16, 16])))
        .map((argument) => (argument.name === "size" ? { ...argument, bad: [[1], [Number.NaN, 1], 3] } : argument)),
      maybe(arg("maxAngle", 5, { bad: [91, "5"] })),
      maybe(arg("seed", 0, { accepts: ["-1"], bad: [1.5, "1"] })),
    ),
  ),
  method(
    "SceneTextDataset#get",
    () => new convbook.SceneTextDataset(2),
    arg("index", 1, { bad: [2, 0.5, "1"], also: /sample/ }),
  ),
  make(
    "transforms.ColorJitter",
    options("options", jitter("brightness"), jitter("contrast"), jitter("saturation"), jitter("hue")),
  ),
  apply("ColorJitter", () => new transforms.ColorJitter({ hue: 0.1 }), picture),
  make(
    "transforms.Compose",
    arg("transforms", [new transforms.ToTensor()], { bad: [[undefined], [5], new transforms.ToTensor()] }),
  ),
  apply("Compose", () => new transforms.Compose([new transforms.RandomErasing()]), numbers),
  make("transforms.Cutout", whole("size", 2), options("options", maybe(whole("holes", 1, 0)), maybe(real("value", 0)))),
  apply("Cutout", () => new transforms.Cutout(2), numbers),
  make(
    "transforms.RandomErasing",
    options(
      "options",
      p(),
      maybe(range("scale", [0.1, 0.2])),
      maybe(range("ratio", [0.5, 1])),
      maybe(arg("value", 0, { accepts: ["-1"], bad: [["a"], "noise"] })),
    ),
  ),
  apply("RandomErasing", () => new transforms.RandomErasing(), numbers),
  make("transforms.CutMix", mix()),
  make("transforms.MixUp", mix()),
  make(
    "transforms.RandomMix",
    arg("mixes", [new transforms.MixUp({ numClasses: 2 })], { bad: [[], [1], "MixUp"] }),
    options("options", maybe(arg("p", [2], { bad: [[0], [1, 2], "1"] }))),
  ),
  make(
    "transforms.RandAugment",
    options(
      "options",
      maybe(whole("numOps", 2, 0)),
      maybe(arg("magnitude", 9, { bad: [31, "9"] })),
      maybe(whole("numMagnitudeBins", 31)),
      interpolation(),
      byte(),
    ),
  ),
  apply("RandAugment", () => new transforms.RandAugment(), picture),
  make(
    "transforms.TrivialAugmentWide",
    options("options", maybe(whole("numMagnitudeBins", 31, 2)), interpolation(), byte()),
  ),
  apply("TrivialAugmentWide", () => new transforms.TrivialAugmentWide(), picture),
  make(
    "transforms.AugMix",
    options(
      "options",
      maybe(arg("severity", 3, { bad: [11, "3"] })),
      maybe(whole("mixtureWidth", 3)),
      maybe(arg("chainDepth", 2, { accepts: ["-1"], bad: [-2, "1"] })),
      maybe(arg("alpha", 1, { bad: [0, "1"] })),
      maybe(flag("allOps")),
      interpolation(),
      byte(),
    ),
  ),
  apply("AugMix", () => new transforms.AugMix(), picture),
  make(
    "transforms.AutoAugment",
    options("options", maybe(arg("policy", "svhn", { bad: ["cifar", 1] })), interpolation(), byte()),
  ),
  apply("AutoAugment", () => new transforms.AutoAugment(), picture),
  make(
    "transforms.RandomAffine",
    degrees(),
    options(
      "options",
      maybe(range("translate", [0.1, 0.2])),
      maybe(range("scale", [1, 2])),
      maybe(arg("shear", 5, { bad: [[1], [2, 1], "5"] })),
      ...rotation(),
    ),
  ),
  apply("RandomAffine", () => new transforms.RandomAffine(10), picture),
  make("transforms.RandomRotation", degrees(), options("options", ...rotation())),
  apply("RandomRotation", () => new transforms.RandomRotation(10), picture),
  make(
    "transforms.RandomCrop",
    size(),
    options(
      "options",
      maybe(arg("padding", 1, { bad: [1.5, [1, 2, 3], ["1", 1]] })),
      flag("padIfNeeded"),
      byte(),
      maybe(arg("paddingMode", "edge", { bad: [3] })),
    ),
  ),
  apply("RandomCrop", () => new transforms.RandomCrop(2), picture),
  make(
    "transforms.RandomResizedCrop",
    size(),
    options("options", maybe(range("scale", [0.1, 1])), maybe(range("ratio", [0.5, 1])), interpolation()),
  ),
  apply("RandomResizedCrop", () => new transforms.RandomResizedCrop(2), picture),
  make("transforms.RandomHorizontalFlip", p()),
  apply("RandomHorizontalFlip", () => new transforms.RandomHorizontalFlip(0.5), picture),
  make("transforms.RandomVerticalFlip", p()),
  apply("RandomVerticalFlip", () => new transforms.RandomVerticalFlip(0.5), picture),
  make("transforms.CenterCrop", size()),
  fixed("CenterCrop", () => new transforms.CenterCrop(2), picture),
  make("transforms.Resize", size(), options("options", interpolation())),
  fixed("Resize", () => new transforms.Resize(2), picture),
  make(
    "transforms.Normalize",
    arg("mean", [0.5], { bad: [[], [Number.NaN], [0.5, 0.5], ["1"], 0.5] }),
    arg("std", [0.5], { bad: [[], [Number.NaN], [0], [-1], [0.5, 0.5], ["1"], 0.5] }),
  ),
  fixed("Normalize", () => new transforms.Normalize([0, 0, 0], [1, 1, 1]), numbers),
  make("transforms.ToTensor"),
  fixed("ToTensor", () => new transforms.ToTensor(), picture),
  make("Generator", maybe(arg("seed", 1, { accepts: ["-1"], bad: [1.5, "1"] }))),
  call("manualSeed", arg("seed", 1, { accepts: ["-1"], bad: [1.5, "1"] })),
  call("randperm", whole("n", 3, 0), options("options", generator())),
  ...ones.flatMap(([name, given]) => [
    make(`metrics.${name}`, given),
    method(`metrics.${name}#update`, metric(name), ...pair({ ...labels("predictions"), also: /scores/ })),
  ]),
  ...curved.flatMap(([name, given]) => [
    make(`metrics.${name}`, given),
    method(`metrics.${name}#update`, metric(name), ...pair(scores())),
  ]),
  ...Object.entries(functional).map(([name, one]) =>
    call(`metrics.${name}`, ...pair(labels("predictions")), (one as unknown as [string, Argument])[1]),
  ),
  call("metrics.auroc", ...pair(scores()), counting(average())),
  call("metrics.averagePrecision", ...pair(scores()), counting(average())),
  call("metrics.calibrationError", ...pair(scores()), counting(maybe(whole("numBins", 5)))),
  call("metrics.topKAccuracy", ...pair(scores()), counting(whole("k", 1))),
  call(
    "metrics.calibrationFigure",
    arg("bins", [{ from: 0, to: 1, count: 1, confidence: 0.5, accuracy: 0.5 }], { bad: [5, [5]] }),
    options("options"),
  ),
  call(
    "metrics.precisionRecallFigure",
    arg("given", { precision: [1], recall: [1], thresholds: [] }, { bad: [[5]] }),
    options("options"),
  ),
  call("metrics.rocFigure", arg("given", { fpr: [0], tpr: [1], thresholds: [1] }, { bad: [[5]] }), options("options")),
];
