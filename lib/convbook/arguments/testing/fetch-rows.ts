/** Rows for what is fetched, shown, and shared among processes. What is right gets as far as looking for a file that is not there. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import * as convbook from "../../index.ts";
import { besides, call, invoke, make, method } from "./nn-rows.ts";
import { type Argument, arg, flag, maybe, options, type Row, tensor, text, whole } from "./probe.ts";

const { nn, tutorial5 } = convbook;
const empty = mkdtempSync(join(tmpdir(), "convbook-arguments-"));

/** What a call gives that ends without the network; nothing where the file is not there. */
const offline = async (fetched: () => unknown): Promise<unknown> => {
  const before = process.env.CONVBOOK_MIRROR;
  Reflect.deleteProperty(process.env, "CONVBOOK_MIRROR");
  try {
    return await fetched();
  } catch (error) {
    if (!(error instanceof convbook.DownloadError)) {
      throw error;
    }
    return undefined;
  } finally {
    if (before !== undefined) {
      process.env.CONVBOOK_MIRROR = before;
    }
  }
};

const sets = (): Argument[] => [
  maybe(arg("train", true, { bad: [0, 1] })),
  arg("transform", null, { accepts: ["undefined", "null"], bad: [5, []] }),
];
export const petsOptions = (): Argument[] => [
  maybe(arg("split", "test", { bad: ["train", 1] })),
  maybe(arg("targetTypes", ["category"], { bad: ["breed", [], ["breed"], 5] })),
  arg("transform", null, { accepts: ["undefined", "null"], bad: [5, []] }),
  maybe(whole("maxPixels", 100)),
];
const fetching = (...more: Argument[]): Argument =>
  maybe(
    options(
      "options",
      maybe(arg("onProgress", () => {}, { bad: [5] })),
      maybe(arg("signal", new AbortController().signal, { bad: [5] })),
      maybe(arg("cache", empty, { accepts: ['"x"'], bad: [5, ""] })),
      maybe(arg("offline", true, { bad: [0] })),
      ...more,
    ),
  );

/** A data set, always offline and with an empty cache. */
const dataset = (name: "cifar10" | "cifar100" | "mnist" | "fashionMnist" | "imagenette", ...more: Argument[]): Row => ({
  name,
  args: [fetching(...sets(), ...more)],
  call: (given) => offline(() => invoke(name, besides(given, { cache: empty, offline: true }))),
});

const evaluation = {
  correct: 1,
  total: 2,
  accuracy: 0.5,
  predictions: new Int32Array(2),
  confidences: new Float32Array(2),
  seconds: 1,
};
const result = { name: "ResNet", weights: "convbook", parameters: 5, validation: evaluation, test: evaluation };
const results = () => arg("results", [result], { bad: [5, [5], [{ ...result, name: "x" }]] });
const images = { classes: ["a", "b"], length: 2, get: (i: number) => [undefined, i] };
const network = new nn.Sequential(new nn.Flatten(), new nn.Linear(32 * 32 * 3, 2));
const models = Object.fromEntries(
  tutorial5.modelNames.map((name) => [name, { name, model: network, parameters: 5, weights: "convbook" }]),
);
const someModels = () => arg("models", models, { bad: [5, [], { ResNet: {} }] });
const oneBatch = {
  dataset: { length: 1 },
  async *[Symbol.asyncIterator]() {
    yield [tf.zeros([1, 32, 32, 3]), tf.tensor1d([0], "int32")];
  },
};
const group = { size: 1, allgatherSync: (all: Float32Array) => all, allreduceSync: (all: Float32Array) => all };
const norm = () => new nn.SyncBatchNorm(2);

export const fetchRows: readonly Row[] = [
  dataset("cifar10"),
  dataset("cifar100", maybe(arg("labels", "fine", { bad: [5] }))),
  dataset("mnist"),
  dataset("fashionMnist"),
  dataset("imagenette"),
  {
    name: "oxfordIIITPet",
    args: [fetching(...petsOptions(), arg("mirror", null, { accepts: ["undefined", "null", '"x"'], bad: ["", 5] }))],
    call: (given) => offline(() => invoke("oxfordIIITPet", besides(given, { cache: empty, offline: true }))),
  },
  {
    name: "download",
    args: [
      arg("manifest", convbook.loadManifest("cifar10"), { bad: [5, []] }),
      options(
        "options",
        maybe(arg("files", [], { bad: [5, [5], ["no"]], also: /"no"/ })),
        maybe(arg("folder", empty, { accepts: ['"x"'], bad: ["", 5] })),
        arg("mirror", null, { accepts: ["undefined", "null", '"x"'], bad: ["", 5] }),
        maybe(arg("offline", true, { bad: [0] })),
        maybe(arg("onProgress", () => {}, { bad: [5] })),
        maybe(arg("signal", new AbortController().signal, { bad: [5] })),
        maybe(arg("timeoutMs", 5, { bad: ["5"] })),
        maybe(whole("retries", 0, 0)),
        maybe(arg("retryDelayMs", 5, { bad: ["5"] })),
        maybe(arg("lockTimeoutMs", 5, { bad: ["5"] })),
      ),
    ],
    call: (manifest, ...rest) => offline(() => invoke("download", manifest, ...rest)),
  },
  {
    name: "selectBackend",
    args: [
      maybe(
        options(
          "options",
          maybe(arg("backend", "cpu", { bad: ["", 5] })),
          maybe(arg("training", true, { bad: [0] })),
          maybe(arg("announce", false, { bad: [5, true] })),
        ),
      ),
    ],
    call: (given) => invoke("selectBackend", besides(given, { backend: "cpu", announce: false })),
  },
  call("clearOutput", flag("wait", true)),
  call(
    "display",
    arg("value", "", { accepts: ["undefined", "null", "NaN", "{}", '"x"', "-1"] }),
    maybe(
      options("options", maybe(text("displayId", "a")), maybe(arg("metadata", {}, { accepts: ["{}"], bad: [5, []] }))),
    ),
  ),
  make(
    "DistributedSampler",
    arg("of", 4, { bad: [1.5, []], also: /length/ }),
    options(
      "options",
      whole("numReplicas", 2),
      arg("rank", 0, { bad: [2, 0.5] }),
      flag("shuffle"),
      maybe(whole("seed", 0, 0)),
      flag("dropLast"),
      flag("uneven"),
    ),
  ),
  make(
    "nn.SyncBatchNorm",
    whole("numFeatures", 2),
    maybe(
      options(
        "options",
        maybe(arg("eps", 1e-5, { bad: ["1"] })),
        arg("momentum", 0.1, { accepts: ["undefined", "null"], bad: ["1", 2] }),
        flag("affine"),
        flag("trackRunningStats"),
      ),
    ),
  ),
  method("nn.SyncBatchNorm#forward", norm, tensor("x", tf.ones([3, 2]), tf.ones([3, 3]), tf.ones([3, 2], "int32"))),
  call(
    "nn.convertSyncBatchnorm",
    arg("module", norm(), { bad: [5, []] }),
    arg("group", group, { accepts: ["null"], bad: [5, []] }),
  ),
  call("tutorial5.splitImageCount", whole("images", 30, 0)),
  call("tutorial5.pretrainedFile", arg("name", "ResNet", { bad: [5, "../x"] })),
  call("tutorial5.tableRows", results()),
  call("tutorial5.compareWithPublished", results()),
  call("tutorial5.resultsTable", results()),
  call("tutorial5.trainingCurves", arg("models", [], { bad: [5, [5]] })),
  call("tutorial5.confusion", arg("result", result, { bad: [5, []] }), arg("images", images, { bad: [5, []] })),
  call("tutorial5.imagesWithin", arg("seconds", 1, { bad: ["1"] }), someModels()),
  call(
    "tutorial5.evaluateModels",
    someModels(),
    options("loaders", arg("validation", oneBatch, { bad: [5] }), arg("test", oneBatch, { bad: [5] })),
  ),
  {
    name: "tutorial5.createLoaders",
    args: [options("counts", whole("validation", 1, 0), whole("test", 1, 0)), fetching()],
    call: (counts, given) =>
      offline(() => invoke("tutorial5.createLoaders", counts, besides(given, { cache: empty, offline: true }))),
  },
  {
    name: "tutorial5.loadModels",
    args: [
      maybe(
        options(
          "options",
          maybe(arg("weights", "convbook", { bad: [5] })),
          maybe(arg("onMessage", () => {}, { bad: [5] })),
        ),
      ),
    ],
    call: (given) => invoke("tutorial5.loadModels", besides(given, { weights: "convbook", onMessage: () => {} })),
  },
];
