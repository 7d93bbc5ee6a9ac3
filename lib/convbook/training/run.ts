/**
 * One fit, validation, test or prediction from its beginning to its end: one at a time for a Trainer, interruptible, taken down whatever happens.
 *
 * A notebook's second interrupt stops code wherever it is, without its `finally`. Such a run never ends by itself: the next one finds it and takes
 * it down first.
 */
import * as tf from "@tensorflow/tfjs-core";
import { display } from "../display/index.ts";
import type { AnyModule } from "../nn/module.ts";
import { arrangeCallbacks } from "./callbacks/defaults.ts";
import { Interruption, InterruptionListener } from "./core/interruption.ts";
import { rememberModes } from "./core/modes.ts";
import { setBenchmark, withPrecision } from "./core/precision.ts";
import { refuseGoneModuleHooks } from "./core/removed-names.ts";
import type { RunContext, Stage } from "./core/trainer-context.ts";
import { type AnyTrainingModule, TrainingModule } from "./core/training-module.ts";
import { requireOption } from "./errors.ts";
import type { Trainer } from "./trainer.ts";

/** How long a run that was asked to stop may take for it before another one takes its place, ms. */
const patience = 5000;
/** The runs of all Trainers that have not ended. */
const open = new Set<Run>();

/** What a stopped function leaves behind in tfjs's engine: scopes, depths and the tape. */
const engineState = () => tf.engine().state;
const never = () => new Promise<never>(() => {});

/** A verb of a Trainer while it runs. */
export class Run implements RunContext {
  readonly module: AnyTrainingModule;
  readonly listener: InterruptionListener;
  readonly #trainer: Trainer;
  readonly stage: Stage;
  readonly #restoreModes: () => void;
  /** Scopes of tfjs that were open when it began. */
  readonly #scopes = engineState().scopeStack.length;
  readonly #iterators = new Set<AsyncIterator<unknown>>();
  #isSetUp = false;
  /** Another run has taken its place: whatever of it wakes up goes no further. */
  #isAbandoned = false;
  /** Settles when the run has ended. */
  readonly ended: Promise<void>;
  #settle: () => void = () => {};

  constructor(trainer: Trainer, module: AnyTrainingModule, stage: Stage, signal: AbortSignal | undefined) {
    this.#trainer = trainer;
    this.module = module;
    this.stage = stage;
    this.#restoreModes = rememberModes(module as AnyModule);
    const signals = [trainer.options.signal, signal].filter((each) => each !== undefined);
    this.listener = new InterruptionListener(
      signals.length === 0 ? undefined : AbortSignal.any(signals),
      trainer.options.handleSignals,
    );
    this.listener.isShared = trainer.strategy.size > 1;
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
    open.add(this);
    module.attachTrainer(trainer);
  }

  /** Runs the verb, with what all verbs have in common around it. */
  async execute<T>(body: () => Promise<T>): Promise<T> {
    try {
      const result = await this.#setUpAndRun(body);
      await this.#trainer.strategy.tearDown(this.module);
      await this.#takeDown(this.listener.requested ? "interrupted" : "success");
      return result;
    } finally {
      const { profiler } = this.#trainer.options;
      if (profiler !== undefined && this.#trainer.isGlobalZero) {
        display(profiler);
      }
      this.#end();
    }
  }

  async #setUpAndRun<T>(body: () => Promise<T>): Promise<T> {
    const { module } = this;
    const trainer = this.#trainer;
    const stage = this.stage;
    try {
      const modules = module.configureCallbacks();
      const replaced = new Set(modules.map((callback) => callback.constructor));
      trainer.callbacks = arrangeCallbacks([
        ...trainer.ownCallbacks.filter((callback) => !replaced.has(callback.constructor)),
        ...modules,
      ]);
      await prepareData(trainer);
      this.#isSetUp = true;
      await trainer.hooks.call("setup", stage);
      await trainer.hooks.callModule("configureModel");
      await trainer.strategy.setUp(module);
      return await body();
    } catch (error) {
      await this.#fail(error);
      throw error;
    }
  }

  /** Takes a run down that failed. What goes wrong then is told, but what went wrong first is what the caller is to hear of. */
  async #fail(reason: unknown): Promise<void> {
    this.#trainer.strategy.fail(reason);
    const tell = (error: unknown) => {
      console.warn(`After the ${this.stage} had failed: ${error instanceof Error ? error.message : error}`);
    };
    if (this.#isSetUp) {
      await this.#trainer.hooks.callCallbacks("onException", reason).catch(tell);
    }
    await this.#takeDown("failed").catch(tell);
  }

  /** What a promise gives, as long as this run is the Trainer's. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    try {
      return await promise;
    } finally {
      if (this.#isAbandoned) {
        await never();
      }
    }
  }

  /** Takes note of a loader that gives batches, to be closed should the run be abandoned. */
  openIterator<I extends AsyncIterator<unknown>>(iterator: I): I {
    this.#iterators.add(iterator);
    return iterator;
  }

  /** Lets a loader end, before its last batch perhaps. */
  async close(iterator: AsyncIterator<unknown>): Promise<void> {
    this.#iterators.delete(iterator);
    await iterator.return?.();
  }

  /** Whether code of this run was stopped from outside. To be asked in a turn of the event loop of its own, when none can be running. */
  get isStopped(): boolean {
    return this.#trainer.hooks.isOnStack;
  }

  /** Takes down a run that does not end. Nothing is saved: half a step may have been taken. */
  async abandon(): Promise<void> {
    const { module, listener } = this;
    const trainer = this.#trainer;
    this.#isAbandoned = true;
    listener.requests += 2;
    unwind(this.#scopes);
    trainer.hooks.reset();
    trainer.manual = undefined;
    trainer.gradientStore.setRecording(undefined);
    trainer.zeroGrad();
    module.untoggleOptimizer();
    this.#restoreModes();
    // What was stopped within a loader never answers.
    for (const iterator of this.#iterators) {
      iterator.return?.().catch(() => {});
    }
    try {
      if (this.#isSetUp) {
        await trainer.hooks.callCallbacks("onException", new Interruption());
      }
      await trainer.data.dispose();
      await this.#takeDown("interrupted");
    } catch (error) {
      console.warn(`The ${this.stage} that was stopped could not be taken down: ${error}`);
    } finally {
      this.#end();
    }
  }

  async #takeDown(status: "success" | "interrupted" | "failed"): Promise<void> {
    try {
      await this.#trainer.metrics.settle();
      for (const logger of this.#trainer.loggers) {
        await logger.finalize?.(status);
      }
    } finally {
      if (this.#isSetUp) {
        await this.#trainer.hooks.call("teardown", this.stage);
      }
    }
  }

  #end(): void {
    this.listener.stop();
    this.#trainer.runningStage = undefined;
    this.module.attachTrainer(undefined);
    this.#trainer.currentRun = undefined;
    open.delete(this);
    this.#settle();
  }
}

/** What is prepared on a disk is prepared once a machine, before anybody goes on: Lightning's `prepare_data_per_node`. */
async function prepareData(trainer: Trainer): Promise<void> {
  const { strategy } = trainer;
  if (strategy.isFirstOfMachine) {
    await trainer.hooks.callModule("prepareData");
  }
  await strategy.gather(null);
}

/** Closes what a function that was stopped left open in tfjs. */
function unwind(scopes: number): void {
  const state = engineState();
  while (state.scopeStack.length > scopes) {
    tf.engine().endScope();
  }
  Object.assign(state, { gradientDepth: 0, kernelDepth: 0, activeTape: null });
}

/**
 * Runs a verb.
 *
 * @throws Error when the Trainer runs already, unless that run was stopped, or asked to stop and does not
 */
export async function runVerb<T>(
  trainer: Trainer,
  module: AnyTrainingModule,
  stage: Stage,
  signal: AbortSignal | undefined,
  body: () => Promise<T>,
): Promise<T> {
  requireOption(module instanceof TrainingModule, "The module", module, "a TrainingModule");
  refuseGoneModuleHooks(module, TrainingModule.prototype);
  const backend = tf.getBackend();
  requireOption(
    !trainer.options.deterministic || !["webgpu", "tensorflow"].includes(backend),
    "Trainer.deterministic",
    true,
    `false on the backend ${backend}, whose sums depend on timing`,
  );
  if (open.size > 0) {
    // In a turn of its own: what is on the stack of another run now, it was stopped in.
    await new Promise((resolve) => setImmediate(resolve));
    for (const run of [...open]) {
      if (run.isStopped) {
        await run.abandon();
      }
    }
  }
  for (let run = trainer.currentRun; run !== undefined; run = trainer.currentRun) {
    if (!run.listener.requested) {
      throw new Error("This Trainer is running already; make another one for a second run beside it.");
    }
    if (!(await endsSoon(run))) {
      await run.abandon();
    }
  }
  setBenchmark(trainer.options.benchmark);
  return withPrecision(trainer.options.precision, async () => {
    const run = new Run(trainer, module, stage, signal);
    trainer.metrics.seenBatches.clear();
    trainer.currentRun = run;
    trainer.latestModule = module;
    return run.execute(body);
  });
}

async function endsSoon(run: Run): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), patience);
  });
  try {
    return await Promise.race([run.ended.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
