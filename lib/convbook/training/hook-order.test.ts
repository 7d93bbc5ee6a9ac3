import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Callback, ModelCheckpoint, Trainer, TrainingModule } from "./index.ts";
import { BoringModule, randomBatches } from "./testing/boring.ts";

// The sequences are those of PyTorch Lightning's own tests (tests/tests_pytorch/models/test_hooks.py, automatic optimization, one device), in
// camelCase. A hook is listed when it returns, as there.

const folder = mkdtempSync(join(tmpdir(), "convbook-hooks-"));
beforeAll(() => tf.setBackend("cpu"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Wraps every hook of an object so that calls are listed. */
function listen(target: object, base: object, prefix: string, called: string[], leftOut: readonly string[]): void {
  for (
    let prototype = Object.getPrototypeOf(target);
    prototype !== Object.prototype;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const { value } = Object.getOwnPropertyDescriptor(prototype, name) ?? {};
      if (typeof value !== "function" || name === "constructor" || leftOut.includes(name)) {
        continue;
      }
      if (!(name in base) || Object.hasOwn(target, name)) {
        continue;
      }
      const inner = (target as Record<string, (...args: unknown[]) => unknown>)[name] as (
        ...args: unknown[]
      ) => unknown;
      (target as Record<string, unknown>)[name] = (...args: unknown[]) => {
        const result = inner.apply(target, args);
        const shown = args.filter(
          (arg) => typeof arg === "number" || typeof arg === "boolean" || (typeof arg === "string" && arg !== "norm"),
        );
        called.push(`${prefix}${name}(${shown.join(", ")})`);
        return result;
      };
    }
  }
}

class ListeningCallback extends Callback {
  constructor(called: string[]) {
    super();
    listen(this, Callback.prototype, "Callback.", called, []);
  }
  override stateDict() {
    return { foo: true };
  }
}

const noHooks = [
  ...["log", "logDict", "attachTrainer", "saveHyperParameters", "freeze", "unfreeze", "onDispose", "loss"],
  ...[
    "eval",
    "registerModule",
    "registerParameter",
    "registerBuffer",
    "registerForwardHook",
    "checkName",
    "stateEntries",
  ],
  ...[
    "namedChildren",
    "children",
    "namedModules",
    "modules",
    "namedParameters",
    "parameters",
    "namedBuffers",
    "buffers",
  ],
  ...[
    "getSubmodule",
    "parameterCount",
    "apply",
    "requiresGrad_",
    "stateDict",
    "loadStateDict",
    "dispose",
    "extraRepr",
    "toString",
  ],
];

class ListeningModule extends BoringModule {
  constructor(called: string[], withModelTrain: boolean) {
    super();
    if (withModelTrain) {
      this.onValidationModelTrain = () => {
        called.push("onValidationModelTrain()");
      };
      this.onTestModelTrain = () => {
        called.push("onTestModelTrain()");
      };
    }
    listen(this, { ...TrainingModule.prototype, ...allNames(this) }, "", called, noHooks);
  }
}

function allNames(target: object): object {
  const names: Record<string, true> = {};
  for (let p = Object.getPrototypeOf(target); p !== Object.prototype; p = Object.getPrototypeOf(p)) {
    for (const name of Object.getOwnPropertyNames(p)) {
      names[name] = true;
    }
  }
  return names;
}

const transfer = ["onBeforeBatchTransfer(0)", "transferBatchToDevice(0)", "onAfterBatchTransfer(0)"];

function trainBatches(epoch: number, from: number, to: number, batches: number): string[] {
  return Array.from({ length: to - from }, (_, k) => from + k).flatMap((i) => [
    ...transfer,
    `Callback.onTrainBatchStart(${i})`,
    `onTrainBatchStart(${i})`,
    "forward()",
    `trainingStep(${i})`,
    "Callback.onBeforeZeroGrad()",
    "onBeforeZeroGrad()",
    `optimizerZeroGrad(${epoch}, ${i})`,
    "Callback.onBeforeBackward()",
    "onBeforeBackward()",
    "backward()",
    "Callback.onAfterBackward()",
    "onAfterBackward()",
    "Callback.onBeforeOptimizerStep()",
    "onBeforeOptimizerStep()",
    "clipGradients()",
    "configureGradientClipping()",
    `optimizerStep(${epoch}, ${i})`,
    ...(i === batches - 1 ? ["lrSchedulerStep()"] : []),
    `Callback.onTrainBatchEnd(${i})`,
    `onTrainBatchEnd(${i})`,
  ]);
}

function evaluation(noun: string, step: string, batches: number, withModelTrain: boolean): string[] {
  return [
    "train(false)",
    `on${noun}ModelEval()`,
    `Callback.on${noun}Start()`,
    `on${noun}Start()`,
    `Callback.on${noun}EpochStart()`,
    `on${noun}EpochStart()`,
    ...Array.from({ length: batches }, (_, i) => [
      ...transfer,
      `Callback.on${noun}BatchStart(${i}, 0)`,
      `on${noun}BatchStart(${i}, 0)`,
      "forward()",
      `${step}(${i}, 0)`,
      `Callback.on${noun}BatchEnd(${i}, 0)`,
      `on${noun}BatchEnd(${i}, 0)`,
    ]).flat(),
    `Callback.on${noun}EpochEnd()`,
    `on${noun}EpochEnd()`,
    `Callback.on${noun}End()`,
    `on${noun}End()`,
    ...(withModelTrain ? [`on${noun}ModelTrain()`] : []),
  ];
}

const setUp = (stage: string) => [
  "configureCallbacks()",
  "prepareData()",
  `Callback.setup(${stage})`,
  `setup(${stage})`,
  "configureModel()",
];
const takeDown = (stage: string) => [`Callback.teardown(${stage})`, `teardown(${stage})`];
const load = ["onLoadCheckpoint()", "Callback.onLoadCheckpoint()", "Callback.loadStateDict()"];
const save = ["Callback.stateDict()", "Callback.onSaveCheckpoint()", "onSaveCheckpoint()"];

function makeTrainer(called: string[], options: object): Trainer {
  const trainer = new Trainer({
    defaultRootDir: mkdtempSync(join(folder, "run-")),
    enableProgressBar: false,
    enableModelSummary: false,
    logger: false,
    callbacks: [new ListeningCallback(called)],
    ...options,
  });
  // What the constructor asked for is no hook.
  called.length = 0;
  return trainer;
}

class WithLoaders extends ListeningModule {
  override trainDataloader() {
    return randomBatches(64);
  }
  override valDataloader() {
    return randomBatches(64);
  }
  override testDataloader() {
    return randomBatches(64);
  }
  override predictDataloader() {
    return randomBatches(64);
  }
}

describe("hooks come in Lightning's order", () => {
  it.each([true, false])("in fit with validation (onValidationModelTrain overridden: %s)", async (overridden) => {
    const called: string[] = [];
    const module = new WithLoaders(called, overridden);
    const trainer = makeTrainer(called, { maxEpochs: 1, limitTrainBatches: 2, limitValBatches: 2 });
    await trainer.fit(module);
    expect(called).toEqual([
      ...setUp("fit"),
      "configureOptimizers()",
      "Callback.onFitStart()",
      "onFitStart()",
      "zeroGrad()",
      "Callback.onSanityCheckStart()",
      "valDataloader()",
      ...evaluation("Validation", "validationStep", 2, overridden),
      "Callback.onSanityCheckEnd()",
      "trainDataloader()",
      "Callback.onTrainStart()",
      "onTrainStart()",
      "Callback.onTrainEpochStart()",
      "onTrainEpochStart()",
      ...trainBatches(0, 0, 2, 2),
      "zeroGrad()",
      "onValidationModelZeroGrad()",
      ...evaluation("Validation", "validationStep", 2, overridden),
      "Callback.onTrainEpochEnd()",
      "onTrainEpochEnd()",
      ...save,
      "Callback.onTrainEnd()",
      "onTrainEnd()",
      "Callback.onFitEnd()",
      "onFitEnd()",
      ...takeDown("fit"),
    ]);
    module.dispose();
  });

  it("in fit without validation, resumed at the next epoch", async () => {
    const dirPath = mkdtempSync(join(folder, "epochs-"));
    const options = { limitTrainBatches: 2, limitValBatches: 0 };
    const first = makeTrainer([], {
      ...options,
      maxEpochs: 1,
      callbacks: [new ListeningCallback([]), new ModelCheckpoint({ dirPath })],
    });
    const { bestModelPath } = await first.fit(new WithLoaders([], false));
    const called: string[] = [];
    const module = new WithLoaders(called, false);
    const callbacks = [new ListeningCallback(called), new ModelCheckpoint({ dirPath })];
    const trainer = makeTrainer(called, { ...options, maxEpochs: 2, callbacks });
    await trainer.fit(module, undefined, undefined, { ckptPath: bestModelPath });
    expect(called).toEqual([
      ...setUp("fit"),
      ...load,
      "configureOptimizers()",
      "Callback.onFitStart()",
      "onFitStart()",
      "zeroGrad()",
      "trainDataloader()",
      "Callback.onTrainStart()",
      "onTrainStart()",
      "Callback.onTrainEpochStart()",
      "onTrainEpochStart()",
      ...trainBatches(1, 0, 2, 2),
      "Callback.onTrainEpochEnd()",
      "onTrainEpochEnd()",
      ...save,
      "Callback.onTrainEnd()",
      "onTrainEnd()",
      "Callback.onFitEnd()",
      "onFitEnd()",
      ...takeDown("fit"),
    ]);
  });

  it("in fit without validation, resumed within an epoch", async () => {
    const dirPath = mkdtempSync(join(folder, "steps-"));
    const options = { limitValBatches: 0 };
    const first = makeTrainer([], {
      ...options,
      maxSteps: 1,
      callbacks: [new ListeningCallback([]), new ModelCheckpoint({ dirPath })],
    });
    const { bestModelPath } = await first.fit(new WithLoaders([], false));
    const called: string[] = [];
    const module = new WithLoaders(called, false);
    const callbacks = [new ListeningCallback(called), new ModelCheckpoint({ dirPath })];
    const trainer = makeTrainer(called, { ...options, maxSteps: 3, callbacks });
    await trainer.fit(module, undefined, undefined, { ckptPath: bestModelPath });
    expect(called).toEqual([
      ...setUp("fit"),
      ...load,
      "configureOptimizers()",
      "Callback.onFitStart()",
      "onFitStart()",
      "zeroGrad()",
      "trainDataloader()",
      "Callback.onTrainStart()",
      "onTrainStart()",
      ...trainBatches(0, 1, 3, 64),
      "Callback.onTrainEpochEnd()",
      "onTrainEpochEnd()",
      ...save,
      "Callback.onTrainEnd()",
      "onTrainEnd()",
      "Callback.onFitEnd()",
      "onFitEnd()",
      ...takeDown("fit"),
    ]);
  });

  it.each([
    {
      verb: "validate",
      noun: "Validation",
      loader: "valDataloader",
      step: "validationStep",
      overridden: true,
      batches: 2,
    },
    {
      verb: "validate",
      noun: "Validation",
      loader: "valDataloader",
      step: "validationStep",
      overridden: false,
      batches: 0,
    },
    { verb: "test", noun: "Test", loader: "testDataloader", step: "testStep", overridden: true, batches: 2 },
    { verb: "test", noun: "Test", loader: "testDataloader", step: "testStep", overridden: false, batches: 0 },
  ] as const)("in $verb with $batches batches", async ({ verb, noun, loader, step, overridden, batches }) => {
    const called: string[] = [];
    const module = new WithLoaders(called, overridden);
    const trainer = makeTrainer(called, { limitValBatches: batches, limitTestBatches: batches });
    await trainer[verb](module, undefined, { verbose: false });
    expect(called).toEqual([
      ...setUp(verb),
      "zeroGrad()",
      ...(batches === 0 ? [] : [`${loader}()`, ...evaluation(noun, step, batches, overridden)]),
      ...takeDown(verb),
    ]);
  });

  it("in predict", async () => {
    const called: string[] = [];
    const module = new WithLoaders(called, false);
    const trainer = makeTrainer(called, { limitPredictBatches: 2 });
    const outputs = await trainer.predict(module);
    expect(outputs).toHaveLength(2);
    tf.dispose(outputs);
    expect(called).toEqual([
      ...setUp("predict"),
      "zeroGrad()",
      "predictDataloader()",
      ...evaluation("Predict", "predictStep", 2, false),
      ...takeDown("predict"),
    ]);
  });

  // Made by fixtures/make_hooks.py with a PyTorch Lightning that ran.
  const fixture = JSON.parse(readFileSync(new URL("./fixtures/hooks.json", import.meta.url), "utf8")) as {
    runs: Record<"fit" | "validate" | "test" | "predict", string>;
  };
  it.each(["fit", "validate", "test", "predict"] as const)("in %s, as Lightning did when it ran", async (verb) => {
    const called: string[] = [];
    const module = new WithLoaders(called, false);
    // There the hooks that come after an evaluation are overridden, which puts all modules into training mode.
    for (const name of ["onValidationModelTrain", "onTestModelTrain"] as const) {
      module[name] = () => {
        module.train();
        called.push(name);
      };
    }
    const limits = { limitTrainBatches: 2, limitValBatches: 2, limitTestBatches: 2, limitPredictBatches: 2 };
    const trainer = makeTrainer(called, { ...limits, maxEpochs: 1 });
    const result = await (trainer[verb] as (module: object) => Promise<unknown>)(module);
    if (verb === "predict") {
      tf.dispose(result as tf.Tensor[]);
    }
    const names = called.map((call) => call.replace(/\(.*/, ""));
    const theirs = fixture.runs[verb]
      .split(" ")
      .map((name) => name.replaceAll(/_([a-z])/g, (_, letter) => letter.toUpperCase()));
    expect(names).toEqual(theirs);
    module.dispose();
  });
});
