/** Names that PyTorch Lightning had or has and this library does not: what serves instead, said to whoever brings them along. */

import { ConfigurationError } from "../errors.ts";
import type { Callback } from "./callback.ts";
import type { AnyTrainingModule } from "./training-module.ts";

/** A name as it is spelt here. */
export const camelCased = (name: string): string =>
  name.replaceAll(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** What the Trainer's options of older versions are today, as a piece of a sentence. */
const options: Readonly<Record<string, string>> = {
  gpus: 'devices, with accelerator: "gpu"',
  autoSelectGpus: 'devices: "auto"',
  numProcesses: "devices",
  nbGpuNodes: "numNodes",
  numGpuNodes: "numNodes",
  distributedBackend: 'strategy: "ddp"',
  replaceSamplerDdp: "useDistributedSampler",
  ampBackend: "precision",
  ampLevel: "precision",
  logGpuMemory: "callbacks: new DeviceStatsMonitor()",
  weightsSummary: "enableModelSummary",
  terminateOnNan: "detectNonFinite",
  detectAnomaly: "detectNonFinite",
  resumeFromCheckpoint: "ckptPath, among the last argument of fit: fit(module, train, val, { ckptPath })",
  progressBarRefreshRate: "callbacks: new ProgressBar({ refreshInterval }), in milliseconds",
  checkpointCallback: "enableCheckpointing, or a ModelCheckpoint among callbacks",
  earlyStopCallback: "an EarlyStopping among callbacks",
  weightsSavePath: "defaultRootDir, or dirPath of a ModelCheckpoint among callbacks",
  stochasticWeightAvg: "a StochasticWeightAveraging among callbacks",
  autoLrFind: "findLr(module, loader)",
  trackGradNorm: "gradientNorm, logged from the module's onBeforeOptimizerStep",
  flushLogsEveryNSteps: "flushEvery of the CSVLogger",
  logSaveInterval: "flushEvery of the CSVLogger",
  rowLogInterval: "logEveryNSteps",
  addRowLogInterval: "logEveryNSteps",
  gradientClipVal: "gradientClipValue",
  gradientClip: "gradientClipValue",
  maxNbEpochs: "maxEpochs",
  minNbEpochs: "minEpochs",
  nbSanityValSteps: "numSanityValSteps",
  trainPercentCheck: "limitTrainBatches",
  valPercentCheck: "limitValBatches",
  testPercentCheck: "limitTestBatches",
  overfitPct: "overfitBatches",
  maxSecs: "maxTime",
};

/** Options for which there is nothing, and why. */
const absent: Readonly<Record<string, string>> = {
  tpuCores: "There are no TPUs here.",
  ipus: "There are no IPUs here.",
  hpus: "There are no HPUs here.",
  autoScaleBatchSize: "Choose the batch size of the loader.",
  truncatedBpttSteps: "Cut the sequence in trainingStep, with automaticOptimization false.",
  reloadDataloadersEveryEpoch: "A loader is iterated anew each epoch; its setEpoch(epoch) tells it which.",
  reloadDataloadersEveryNEpochs: "A loader is iterated anew each epoch; its setEpoch(epoch) tells it which.",
  prepareDataPerNode: "prepareData runs once a machine, always.",
  multipleTrainloaderMode: "Put the loaders together in one that gives batches of all.",
  moveMetricsToCpu: "What is logged is a number already.",
  processPosition: "One bar is shown at a time.",
  inferenceMode: "Evaluation never records gradients.",
  plugins: "See precision and strategy.",
  barebones: "Set enableProgressBar, enableModelSummary, enableCheckpointing and logger to false.",
  modelRegistry: "Checkpoints are files; see ckptPath.",
};

/** What to say of an option of the Trainer that there is not; undefined for a name that nobody had. */
export function removedOption(name: string): string | undefined {
  const own = camelCased(name);
  if (Object.hasOwn(options, own)) {
    return `It is written ${options[own]} now.`;
  }
  return Object.hasOwn(absent, own) ? absent[own] : undefined;
}

/** Hooks that are gone, and those that took their place. */
const goneHooks: Readonly<Record<string, string>> = {
  onInitStart: "setup",
  onInitEnd: "setup",
  onConfigureSharded: "configureModel",
  onBeforeAcceleratorBackendSetup: "setup",
  onKeyboardInterrupt: "onException",
  onBatchStart: "onTrainBatchStart",
  onBatchEnd: "onTrainBatchEnd",
  onEpochStart: "onTrainEpochStart",
  onEpochEnd: "onTrainEpochEnd",
  onPretrainRoutineStart: "onFitStart",
  onPretrainRoutineEnd: "onFitStart",
  onHpcSave: "onSaveCheckpoint",
  onHpcLoad: "onLoadCheckpoint",
  trainingEpochEnd: "onTrainEpochEnd",
  validationEpochEnd: "onValidationEpochEnd",
  testEpochEnd: "onTestEpochEnd",
  trainingStepEnd: "onTrainBatchEnd",
  validationStepEnd: "onValidationBatchEnd",
  testStepEnd: "onTestBatchEnd",
};

/** Names of all methods of an object up to a base class, which has all hooks. */
function methodsOf(object: object, base: object): string[] {
  const names: string[] = [];
  for (let place: object | null = object; place !== null && place !== base; place = Object.getPrototypeOf(place)) {
    names.push(...Object.getOwnPropertyNames(place).filter((name) => /^[a-z]\w*$/.test(name)));
  }
  return names;
}

/** What modules must have, and their base has not. */
const needed: readonly string[] = ["trainingStep", "configureOptimizers"];

function refuse(owner: string, object: object, base: object): void {
  for (const name of methodsOf(object, base)) {
    const own = camelCased(name);
    // Who has the hook as well may call the other as he likes.
    const isLeft = Reflect.get(object, own) === Reflect.get(base, own) && (own in base || needed.includes(own));
    const instead = Object.hasOwn(goneHooks, own) ? goneHooks[own] : own !== name && isLeft ? own : undefined;
    if (instead === undefined || typeof Reflect.get(object, name) !== "function") {
      continue;
    }
    throw new ConfigurationError(
      `The hooks of ${owner}`,
      name,
      "among those that are called",
      `${name} never is: its place has ${instead}.`,
    );
  }
}

/**
 * Refuses hooks of a callback that nobody calls: those that are gone, and those in Python's spelling.
 *
 * @param base the prototype of all callbacks
 * @throws ConfigurationError naming the hook, and the one that took its place
 */
export function refuseGoneHooks(callback: Callback, base: object): void {
  refuse(callback.constructor.name, callback, base);
}

/** The same for a module. */
export function refuseGoneModuleHooks(module: AnyTrainingModule, base: object): void {
  refuse(module.typeName, module, base);
}
