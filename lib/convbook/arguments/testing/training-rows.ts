/** Rows for optimizers, schedulers, callbacks, loggers and the trainer. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import * as convbook from "../../index.ts";
import { call, make, method } from "./nn-rows.ts";
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

const { nn, optim, schedulers } = convbook;
/** Where what is right may write. */
export const folder = mkdtempSync(join(tmpdir(), "convbook-arguments-"));

const parameters = () => [new nn.Parameter([2])];
const sgd = () => new optim.SGD(parameters(), { lr: 0.1, momentum: 0.9 });
const list = () =>
  arg("parameters", parameters(), { bad: [[], [5], [undefined], [{ params: [] }], [{ params: 5 }]], also: /params/ });
const lr = () => maybe(positive("lr", 0.1));
/** Options that are true or false and nothing else: a text such as "false" would count as true. */
const switches = (...names: string[]) => names.map((name) => maybe(arg(name, false, { bad: [1, "true"] })));
const eps = () => maybe(positive("eps", 1e-8));
const weightDecay = () => maybe(positive("weightDecay", 0));
const adam = () =>
  options(
    "options",
    lr(),
    maybe(arg("betas", [0.9, 0.99], { bad: [[], [0.9], [0.9, 1], [0.9, Number.NaN], 0.9] })),
    eps(),
    weightDecay(),
    flag("amsgrad"),
  );
const optimizer = () => arg("optimizer", sgd(), { bad: [{ paramGroups: 5 }] });
const steps = (name: string, good: unknown) => arg(name, good, { bad: [[Number.NaN], ["1"], 5] });
const shared = sgd();
const weight = tf.variable(tf.ones([2]));
const gradients = arg("gradients", new Map(), { bad: [[]] });

class Tiny extends convbook.TrainingModule<tf.Tensor, Record<string, never>> {
  readonly layer = new nn.Linear(2, 1);
  forward(x: tf.Tensor): tf.Tensor {
    return this.layer.forward(x);
  }
  trainingStep(batch: tf.Tensor): tf.Scalar {
    return tf.mean(this.forward(batch));
  }
  configureOptimizers(): convbook.optim.Optimizer {
    return new optim.SGD(this.parameters(), { lr: 0.1 });
  }
}
/** A module that trains. */
export const tiny = () => new Tiny();

const schedule = (name: string, given: Argument): Row => make(`schedulers.${name}`, optimizer(), given);
const stepping = (name: string, scheduler: () => { step: unknown }, ...args: Argument[]): Row =>
  method(`schedulers.${name}#step`, scheduler, ...args);

const { speedrun } = convbook;
const pictures = () => new convbook.ArrayDataset(new Uint8Array(2 * 3072), [32, 32, 3], [0, 1], { transform: null });
/** A training of no epochs. */
const nothing = {
  ...speedrun.recipe,
  network: { widths: [1, 1, 1] as const },
  stages: [{ size: 9, epochs: 0 }],
  batchSize: 2,
};
const theRecipe = () => arg("recipe", nothing, { bad: [{ stages: [] }, 5] });
const resultsPath = () => arg("path", join(folder, "results.json"), { accepts: ['"x"'], bad: [""] });
const result = { seed: 1, accuracy: 1, plainAccuracy: 1, seconds: 1, cpuSeconds: 1, operations: 1, epochs: [] };

export const trainingRows: readonly Row[] = [
  make(
    "speedrun.SpeedrunNet",
    options(
      "options",
      maybe(whole("numClasses", 3)),
      maybe(arg("widths", [2, 2, 2], { bad: [[1, 2], [1, 2, 0], 3] })),
      maybe(arg("activation", "relu", { bad: [3] })),
    ),
  ),
  call(
    "speedrun.train",
    options(
      "options",
      theRecipe(),
      whole("seed", 1, 0),
      arg("train", pictures(), { bad: [[]] }),
      arg("test", pictures(), { bad: [[]] }),
      maybe(arg("checkpoint", join(folder, "speedrun.safetensors"), { accepts: ['"x"'], bad: [5] })),
      maybe(whole("watch", 0, 0)),
      maybe(arg("onStep", () => {})),
      maybe(arg("onEpoch", () => {})),
    ),
  ),
  call("speedrun.trainingOperations", theRecipe(), whole("images", 10, 0)),
  call("speedrun.shortened", theRecipe()),
  call("speedrun.ablationsOf", theRecipe()),
  call("speedrun.readResults", resultsPath(), theRecipe()),
  call("speedrun.addResult", resultsPath(), theRecipe(), arg("result", result)),
  call("speedrun.summarize", arg("results", { recipe: nothing, runs: [result] }, { bad: [{ runs: 5 }] })),
  make(
    "optim.SGD",
    list(),
    options(
      "options",
      positive("lr", 0.1),
      maybe(positive("momentum", 0)),
      maybe(positive("dampening", 0)),
      weightDecay(),
      flag("nesterov", false),
    ),
  ),
  make("optim.Adam", list(), adam()),
  make("optim.AdamW", list(), adam()),
  make(
    "optim.RMSprop",
    list(),
    options(
      "options",
      lr(),
      maybe(positive("alpha", 0.9)),
      eps(),
      weightDecay(),
      maybe(positive("momentum", 0)),
      flag("centered"),
    ),
  ),
  make(
    "optim.Muon",
    arg("parameters", [new nn.Parameter([2, 2])], { bad: [[], [5], [new nn.Parameter([2])]], also: /params/ }),
    options(
      "options",
      lr(),
      maybe(arg("momentum", 0.9, { bad: [1, "1"] })),
      flag("nesterov"),
      weightDecay(),
      maybe(whole("nsSteps", 3, 0)),
      maybe(arg("nsCoefficients", [3, -4, 2], { bad: [[1, 2], [1, 2, Number.NaN], 3] })),
      eps(),
      maybe(arg("adjustLrFn", "none", { bad: [3, "toString"] })),
      flag("normalize", false),
    ),
  ),
  call(
    "optim.orthogonalize",
    tensor("matrix", tf.ones([2, 3]), tf.ones([2])),
    options(
      "options",
      maybe(whole("nsSteps", 3, 0)),
      maybe(arg("nsCoefficients", [3, -4, 2], { bad: [[1, 2], [1, 2, Number.NaN], 3] })),
      eps(),
    ),
  ),
  method("optim.Muon#step", () => new optim.Muon([new nn.Parameter([2, 2])]), gradients),
  make("optim.Lookahead", arg("inner", sgd()), options("options", maybe(whole("k", 5)), maybe(share("alpha", 0.5)))),
  call("optim.createOptimizer", arg("name", "SGD", { bad: [3], also: /optimizer/ }), list(), options("options", lr())),
  ...(["SGD", "Adam", "AdamW", "RMSprop"] as const).map((name) =>
    method(`optim.${name}#step`, () => new optim[name](parameters(), { lr: 0.1 }), gradients),
  ),
  method("optim.Lookahead#step", () => new optim.Lookahead(sgd()), gradients),
  schedule("CosineAnnealingLR", options("options", positive("tMax", 5), maybe(real("etaMin", 0)))),
  schedule(
    "CosineAnnealingWarmRestarts",
    options("options", whole("t0", 5), maybe(whole("tMult", 1)), maybe(real("etaMin", 0))),
  ),
  schedule(
    "OneCycleLR",
    options(
      "options",
      arg("maxLr", 0.1, { bad: [[1, 2], ["1"]] }),
      whole("totalSteps", 5),
      maybe(share("pctStart", 0.3)),
      maybe(arg("annealStrategy", "cos", { bad: [3] })),
      flag("cycleMomentum"),
      maybe(share("baseMomentum", 0.85)),
      maybe(share("maxMomentum", 0.95)),
      maybe(arg("divFactor", 25, { bad: [0] })),
      maybe(arg("finalDivFactor", 1e4, { bad: [0] })),
      flag("threePhase", false),
    ),
  ),
  schedule(
    "ReduceLROnPlateau",
    options(
      "options",
      maybe(arg("mode", "min", { bad: [3] })),
      maybe(arg("factor", 0.1, { bad: [1, 0, "0.1"] })),
      maybe(positive("patience", 10)),
      maybe(positive("threshold", 1e-4)),
      maybe(arg("thresholdMode", "rel", { bad: [3] })),
      maybe(positive("cooldown", 0)),
      maybe(positive("minLr", 0)),
      maybe(positive("eps", 1e-8)),
    ),
  ),
  stepping(
    "ReduceLROnPlateau",
    () => new convbook.schedulers.ReduceLROnPlateau(sgd()),
    arg("metric", 1, { accepts: ["-1", "NaN"], bad: ["1"] }),
  ),
  call(
    "schedulers.createScheduler",
    arg("name", "StepLR", { bad: [3], also: /scheduler/ }),
    optimizer(),
    options("options", whole("stepSize", 1)),
  ),
  make(
    "schedulers.SequentialLR",
    arg("optimizer", shared),
    options(
      "options",
      arg("schedulers", [new schedulers.StepLR(shared, { stepSize: 1 })], { bad: [[], [5], [undefined]] }),
      steps("milestones", []),
    ),
  ),
  schedule("ExponentialLR", options("options", arg("gamma", 0.9, { bad: [0, "1"] }))),
  schedule(
    "LambdaLR",
    options(
      "options",
      arg("lrLambda", () => 1),
    ),
  ),
  schedule(
    "LinearLR",
    options(
      "options",
      maybe(arg("startFactor", 0.5, { bad: [0, 2, "1"] })),
      maybe(share("endFactor", 1)),
      maybe(arg("totalIters", 5, { bad: [0] })),
    ),
  ),
  schedule(
    "MultiStepLR",
    options("options", steps("milestones", [1]), maybe(arg("gamma", 0.1, { accepts: ["-1"], bad: ["1"] }))),
  ),
  schedule(
    "StepLR",
    options("options", whole("stepSize", 1), maybe(arg("gamma", 0.1, { accepts: ["-1"], bad: ["1"] }))),
  ),
  make(
    "callbacks.BackboneFinetuning",
    options(
      "options",
      maybe(whole("unfreezeBackboneAtEpoch", 1, 0)),
      maybe(arg("lambdaFunc", () => 2)),
      ...["backboneInitialRatioLr", "backboneInitialLr", "initialDenomLr"].map((name) =>
        maybe(arg(name, 0.1, { bad: [0, "1"] })),
      ),
      maybe(whole("rounding", 3, 0)),
      ...switches("shouldAlign", "trainBn", "verbose"),
    ),
  ),
  make(
    "callbacks.EMAWeightAveraging",
    options(
      "options",
      maybe(share("decay", 0.9)),
      ...["updateEveryNSteps", "updateStartingAtStep", "updateStartingAtEpoch"].map((name) => maybe(whole(name, 1, 0))),
      ...switches("useBuffers"),
    ),
  ),
  make(
    "callbacks.WeightAveraging",
    options("options", maybe(arg("avgFn", (average: tf.Tensor) => average)), ...switches("useBuffers")),
  ),
  make(
    "callbacks.ConfusedLogit",
    options("options", maybe(whole("topK", 1)), maybe(whole("everyNValidations", 1)), maybe(arg("onResult", () => {}))),
  ),
  make(
    "callbacks.DeviceStatsMonitor",
    options("options", ...switches("cpuStats"), maybe(arg("filterKeys", ["tensors"], { bad: [[3], 5] }))),
  ),
  make(
    "callbacks.EarlyStopping",
    options(
      "options",
      text("monitor", "val_loss"),
      maybe(whole("patience", 3, 0)),
      maybe(real("minDelta", 0)),
      maybe(arg("mode", "min", { bad: [3] })),
      maybe(real("stoppingThreshold", 1)),
      maybe(real("divergenceThreshold", 1)),
      ...switches("strict", "checkFinite", "checkOnTrainEpochEnd", "verbose"),
    ),
  ),
  make(
    "callbacks.GradientAccumulationScheduler",
    options("options", arg("scheduling", { 0: 1 }, { bad: [{ 0: 0 }, { x: 1 }, []] })),
  ),
  make("callbacks.HistogramMonitor", options("options", maybe(whole("everyNEpochs", 1)), ...switches("gradients"))),
  make(
    "callbacks.LearningRateMonitor",
    options("options", maybe(arg("loggingInterval", "step", { bad: [3] })), ...switches("logMomentum")),
  ),
  make(
    "callbacks.LivePlot",
    options(
      "options",
      maybe(arg("metrics", ["loss"], { bad: [[3], []] })),
      maybe(positive("interval", 1)),
      ...switches("show"),
    ),
  ),
  make(
    "callbacks.FilterVisualizer",
    options(
      "options",
      maybe(whole("everyNEpochs", 1)),
      maybe(text("layer", "a")),
      maybe(text("dirPath", folder)),
      ...switches("show"),
    ),
  ),
  make(
    "callbacks.ModelCheckpoint",
    options(
      "options",
      maybe(text("monitor", "val_loss")),
      maybe(arg("saveTopK", 1, { accepts: ["-1"], bad: [1.5, -2] })),
      maybe(arg("mode", "min", { bad: [3] })),
      maybe(text("dirPath", folder)),
      maybe(arg("filename", "a", { accepts: ['"x"'], bad: ["{epoch", "{}", "}", "{epoch:q}", "a/", "a\0", ""] })),
      maybe(arg("saveLast", "link", { bad: [1, "true", "copy"] })),
      ...switches("saveWeightsOnly", "saveOnTrainEpochEnd", "saveOnInterrupt", "autoInsertMetricName", "verbose"),
      maybe(arg("format", "ckpt", { bad: [3] })),
    ),
  ),
  make("callbacks.ModelCheckpoint", options("options", maybe(whole("everyNEpochs", 1, 0)))),
  make("callbacks.ModelCheckpoint", options("options", maybe(whole("everyNTrainSteps", 1, 0)))),
  make("callbacks.ModelCheckpoint", options("options", maybe(arg("trainTimeInterval", 5, { bad: [0, { hour: 1 }] })))),
  make("callbacks.ProgressBar", options("options", maybe(positive("refreshInterval", 200)))),
  make(
    "callbacks.StochasticWeightAveraging",
    options(
      "options",
      arg("swaLrs", 0.1, { bad: [[0], ["1"]] }),
      maybe(positive("swaEpochStart", 0.8)),
      maybe(positive("annealingEpochs", 10)),
      maybe(arg("annealingStrategy", "cos", { bad: [3] })),
    ),
  ),
  make(
    "callbacks.Timer",
    options(
      "options",
      maybe(arg("duration", 5, { bad: [0, { hour: 1 }] })),
      maybe(arg("interval", "step", { bad: [3] })),
    ),
  ),
  make(
    "CIFARModule",
    arg("hparams", { modelName: "ResNet" }, { accepts: ["{}"] }),
    arg("model", new nn.Linear(1, 1), { accepts: ["undefined"] }),
  ),
  method(
    "CIFARModule#forward",
    () => new convbook.CIFARModule({ modelName: "custom" }, new nn.Linear(2, 1)),
    tensor("input", tf.zeros([1, 2]), tf.zeros([3])),
  ),
  make("PatternModule", maybe(options("hparams", maybe(arg("modelName", "ResnetClassifier", { bad: ["ResNet"] }))))),
  method(
    "PatternModule#forward",
    () => new convbook.PatternModule(),
    tensor("input", tf.zeros([2, 20, 1]), tf.zeros([3])),
  ),
  call(
    "findLr",
    arg("module", tiny(), { bad: [new nn.Linear(1, 1)] }),
    arg("loader", [tf.zeros([1, 2])], { bad: [5, []] }),
    options(
      "options",
      maybe(arg("minLr", 1e-6, { bad: ["1", 0] })),
      maybe(arg("maxLr", 1, { bad: ["1", 0] })),
      maybe(whole("steps", 3)),
      maybe(arg("mode", "exponential", { bad: [3] })),
      maybe(arg("earlyStopThreshold", 4, { bad: [0] })),
    ),
  ),
  make(
    "Trainer",
    options(
      "options",
      // What is right here writes no files.
      arg("logger", false, { accepts: ["undefined"], bad: [[5]] }),
      ...["maxEpochs", "maxSteps", "numSanityValSteps"].map((name) =>
        maybe(arg(name, 1, { accepts: ["-1", "null"], bad: [1.5, -2] })),
      ),
      ...["minEpochs", "minSteps", "logEveryNSteps"].map((name) =>
        maybe(arg(name, 1, { accepts: ["null"], bad: [1.5] })),
      ),
      maybe(arg("maxTime", 5, { bad: [0, { hour: 1 }] })),
      maybe(arg("checkValEveryNEpoch", 1, { bad: [0, 1.5], accepts: ["null"] })),
      ...["limitTrainBatches", "limitValBatches", "limitTestBatches", "limitPredictBatches"].map((name) =>
        maybe(arg(name, 1, { bad: [1.5, "50", "50 %"] })),
      ),
      maybe(arg("overfitBatches", 0, { bad: [1.5] })),
      maybe(arg("valCheckInterval", 1, { bad: [1.5] })),
      maybe(arg("fastDevRun", false, { accepts: ["null"], bad: [1.5] })),
      maybe(positive("gradientClipValue", 1)),
      maybe(arg("gradientClipAlgorithm", "norm", { bad: [3] })),
      maybe(whole("accumulateGradBatches", 1)),
      ...switches("detectNonFinite", "deterministic", "benchmark", "enableModelSummary", "handleSignals"),
      maybe(arg("precision", "32-true", { bad: [16, "16-mixed", "float32"] })),
      maybe(arg("callbacks", [], { bad: [[5], [undefined]] })),
      maybe(text("defaultRootDir", folder)),
      maybe(arg("profiler", false, { accepts: ["null"], bad: [3] })),
      maybe(arg("signal", new AbortController().signal)),
    ),
  ),
  call(
    "valueAndGrads",
    arg("f", () => tf.sum(weight), { bad: [() => undefined, () => 5] }),
    arg("variables", [weight], { bad: [[5], [undefined]] }),
  ),
  ...(["CSVLogger", "TensorBoardLogger"] as const).map((name) =>
    make(
      `loggers.${name}`,
      options(
        "options",
        arg("rootDir", folder, { accepts: ['"x"', "undefined"] }),
        maybe(text("name", "a")),
        maybe(text("version", "v")),
        ...(name === "TensorBoardLogger" ? switches("logGraph") : []),
      ),
    ),
  ),
  make(
    "loggers.WandbLogger",
    options(
      "options",
      ...["project", "entity", "runName", "id", "baseUrl"].map((name) => maybe(text(name, "a"))),
      maybe(arg("apiKey", "a", { accepts: ['"x"'], bad: [""], also: /apiKey/ })),
      maybe(arg("timeout", 5, { bad: [0, "1"] })),
      maybe(arg("sdk", { init: () => {} }, { bad: [5] })),
      ...switches("keepOpen"),
    ),
  ),
];
