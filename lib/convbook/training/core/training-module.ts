/**
 * A model together with how it is trained: PyTorch Lightning's LightningModule. Its hooks have Lightning's names in camelCase and are called
 * in Lightning's order.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { ImageLike } from "../../display/index.ts";
import type { Parameter } from "../../nn/parameter.ts";
import { ConfigurationError } from "../errors.ts";
import type { LogOptions } from "../logging/results.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import type { Scheduler } from "../schedulers/scheduler.ts";
import { checkJson, type HyperParameters } from "./json.ts";
import {
  type BackwardOptions,
  type ManualOptimizer,
  type ManualOptimizers,
  manualOptimizers,
} from "./manual-optimization.ts";
import { ModuleHooks } from "./module-hooks.ts";
import type { HookResult, OptimizerConfig, StepOutput } from "./module-results.ts";
import type { TrainerContext } from "./trainer-context.ts";

/**
 * Base of trainable modules.
 *
 * Steps are synchronous: they run inside of `tf.tidy`, so that what they allocate on the way is freed.
 *
 * @example
 * class LitModel extends TrainingModule<ImageBatch> {
 *   model = new ResNet();
 *   loss = new nn.CrossEntropyLoss();
 *   forward(x: tf.Tensor) { return this.model.forward(x as tf.Tensor4D); }
 *   trainingStep([images, labels]: ImageBatch) {
 *     const loss = this.loss.forward(this.forward(images), labels);
 *     this.log("train_loss", loss);
 *     return loss;
 *   }
 *   configureOptimizers() { return new optim.Adam(this.parameters(), { lr: 1e-3 }); }
 * }
 */
export abstract class TrainingModule<
  // biome-ignore lint/suspicious/noExplicitAny: whatever the loader gives
  Batch = any,
  H extends object = HyperParameters,
  In extends unknown[] = [x: tf.Tensor],
  Out = tf.Tensor,
> extends ModuleHooks<Batch, In, Out> {
  /** Hyper-parameters: plain JSON values that checkpoints carry. Set by {@link saveHyperParameters}. */
  hparams: H = {} as H;
  /**
   * Whether the Trainer goes back through the loss that `trainingStep` returns and steps the optimizer; default true. A module that sets it to
   * false does so itself, with {@link optimizers} and {@link manualBackward}, and may have several optimizers.
   */
  automaticOptimization: boolean = true;
  /**
   * An input, for example of shape [1, 32, 32, 3]: with it the summary has shapes and the logged graph has edges. Disposed of with the module.
   */
  exampleInput: tf.Tensor | undefined;
  #attached: TrainerContext | undefined;
  /** Parameters that a toggled optimizer made constant. */
  readonly #toggled: Parameter[] = [];

  /** The trainer that runs this module. */
  get trainer(): TrainerContext {
    if (this.#attached === undefined) {
      throw new Error(
        `${this.typeName} is not attached to a Trainer; its hooks run inside of fit, validate, test or predict.`,
      );
    }
    return this.#attached;
  }

  /** Called by the trainer. */
  attachTrainer(trainer: TrainerContext | undefined): void {
    this.#attached = trainer;
  }

  /** Epochs that are over. */
  get currentEpoch(): number {
    return this.#attached?.currentEpoch ?? 0;
  }

  /** Steps that the optimizer has taken. */
  get globalStep(): number {
    return this.#attached?.globalStep ?? 0;
  }

  /**
   * Keeps the hyper-parameters, so that a checkpoint carries them and `loadFromCheckpoint` can build the module again.
   *
   * @throws ConfigurationError naming a value that JSON cannot hold
   */
  saveHyperParameters(hparams: H): void {
    checkJson(hparams, "hparams");
    this.hparams = structuredClone(hparams);
  }

  /**
   * Logs a value. Defaults are Lightning's: by step in `trainingStep` and the training batch hooks, by epoch everywhere else.
   *
   * @param name for example `val_acc`
   * @param value a number, or a tensor of one element (it is not disposed of)
   */
  log(name: string, value: number | tf.Tensor, options: LogOptions = {}): void {
    this.trainer.log(name, value, options);
  }

  /** Logs several values with the same options. */
  logDict(values: Readonly<Record<string, number | tf.Tensor>>, options: LogOptions = {}): void {
    for (const [name, value] of Object.entries(values)) {
      this.log(name, value, options);
    }
  }

  /**
   * Records a picture with the loggers that can: TensorBoardLogger, and loggers of one's own that have `logImage`.
   *
   * @param image [H, W], [H, W, C], or several [N, H, W, C], floats from 0 to 1 or bytes; read at once, and not disposed of
   */
  logImage(name: string, image: ImageLike): void {
    this.trainer.logImage(name, image);
  }

  /** Records a distribution of values with the loggers that can. */
  logHistogram(name: string, values: tf.Tensor | ArrayLike<number>): void {
    this.trainer.logHistogram(name, values);
  }

  /** Makes all parameters constant and switches to evaluation mode. */
  freeze(): this {
    return this.requiresGrad_(false).eval();
  }

  /** Makes all parameters trainable again and switches to training mode. */
  unfreeze(): this {
    return this.requiresGrad_(true).train();
  }

  override train(mode = true): this {
    return super.train(mode);
  }

  // Optimizing by hand.

  /**
   * The optimizers that {@link configureOptimizers} made, for a module with `automaticOptimization` false.
   *
   * @example
   * const optimizer = this.optimizers();
   * optimizer.zeroGrad();
   * this.manualBackward(loss);
   * optimizer.step();
   *
   * @example
   * const [generator, discriminator] = this.optimizers();
   */
  optimizers(): ManualOptimizers {
    return manualOptimizers(this.trainer);
  }

  /** The schedulers that {@link configureOptimizers} made. With `automaticOptimization` false nobody but the module steps them. */
  lrSchedulers(): readonly Scheduler[] {
    return this.trainer.schedulers.map(({ scheduler }) => scheduler);
  }

  /**
   * Adds the gradients of a loss to those that the optimizers will use, with the hooks of a backward pass around it.
   *
   * @param loss a scalar that `trainingStep` has computed
   * @throws ConfigurationError unless `automaticOptimization` is false, NonFiniteError when the loss is NaN or infinite
   */
  manualBackward(loss: tf.Tensor, options: BackwardOptions = {}): void {
    if (this.automaticOptimization) {
      throw new ConfigurationError(
        `${this.typeName}.automaticOptimization`,
        true,
        "false for a module that calls manualBackward",
      );
    }
    const { hooks } = this.trainer;
    hooks.callSync("onBeforeBackward", loss);
    hooks.enter("backward", () => this.backward(loss, options));
    hooks.callSync("onAfterBackward");
  }

  /** Makes only one optimizer's parameters trainable, until {@link untoggleOptimizer}: gradients of the others are not computed. */
  toggleOptimizer({ optimizer }: ManualOptimizer): void {
    this.untoggleOptimizer();
    const own = new Set(optimizer.paramGroups.flatMap(({ params }) => params));
    for (const parameter of this.parameters()) {
      if (own.has(parameter) || !parameter.requiresGrad) {
        continue;
      }
      parameter.requiresGrad = false;
      this.#toggled.push(parameter);
    }
  }

  /** Takes {@link toggleOptimizer} back. */
  untoggleOptimizer(): void {
    for (const parameter of this.#toggled.splice(0)) {
      parameter.requiresGrad = true;
    }
  }

  // Steps.

  /** Computes a batch's loss. */
  abstract trainingStep(batch: Batch, batchIndex: number): StepOutput;
  /** Evaluates a batch of the validation data; default: nothing. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a step that returns nothing needs no return statement
  validationStep(_batch: Batch, _batchIndex: number, _dataloaderIndex: number): tf.TensorContainer | void {}
  /** Evaluates a batch of the test data; default: nothing. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a step that returns nothing needs no return statement
  testStep(_batch: Batch, _batchIndex: number, _dataloaderIndex: number): tf.TensorContainer | void {}
  /** Predicts a batch; default: the output for the batch, or for its first element. What it returns is the caller's to dispose of. */
  predictStep(batch: Batch, _batchIndex: number, _dataloaderIndex: number): tf.TensorContainer {
    const input: unknown = Array.isArray(batch) ? batch[0] : batch;
    return Reflect.apply(this.forward, this, [input]);
  }
  /** Makes the optimizers, and the schedulers with them. */
  abstract configureOptimizers(): OptimizerConfig;

  // What happens to a loss, its gradients and the optimizer's step.

  /** Forgets gradients that wait for their optimizer step. */
  zeroGrad(): void {
    this.trainer.zeroGrad();
  }
  onValidationModelZeroGrad(): HookResult {
    this.zeroGrad();
  }
  optimizerZeroGrad(_epoch: number, _batchIndex: number, _optimizer: Optimizer): void {
    this.trainer.zeroGrad();
  }
  /** Runs the backward pass of a loss that `trainingStep` returned. */
  backward(loss: tf.Tensor, options: BackwardOptions = {}): void {
    this.trainer.backward(loss, options);
  }
  /** Limits the gradients before the optimizer's step. */
  configureGradientClipping(optimizer: Optimizer, value: number | undefined, algorithm: "norm" | "value"): HookResult {
    this.clipGradients(optimizer, value, algorithm);
  }
  clipGradients(
    optimizer: Optimizer | ManualOptimizer,
    value: number | undefined,
    algorithm: "norm" | "value" = "norm",
  ): void {
    this.trainer.clipGradients(value, algorithm, "optimizer" in optimizer ? optimizer.optimizer : optimizer);
  }
  optimizerStep(_epoch: number, _batchIndex: number, optimizer: Optimizer): HookResult {
    optimizer.step(this.trainer.gradients);
  }

  protected override onDispose(): void {
    this.exampleInput?.dispose();
    this.exampleInput = undefined;
  }
}

/** A training module of such batches. */
// biome-ignore lint/suspicious/noExplicitAny: whatever its hyper-parameters and inputs are
export type TrainingModuleOn<Batch> = TrainingModule<Batch, any, any, any>;

/** Any training module. */
// biome-ignore lint/suspicious/noExplicitAny: whatever its batches are
export type AnyTrainingModule = TrainingModuleOn<any>;
