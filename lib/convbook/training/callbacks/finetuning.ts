/** Freezing parts of a module and thawing them in the course of a training: PyTorch Lightning's BaseFinetuning and BackboneFinetuning. */
import { isNumber } from "../../arguments/check.ts";
import { found } from "../../arguments/found.ts";
import { BatchNorm } from "../../nn/batch-norm.ts";
import { type AnyModule, Module } from "../../nn/module.ts";
import type { Parameter } from "../../nn/parameter.ts";
import { Callback } from "../core/callback.ts";
import { rankZeroLog, rankZeroWarn } from "../core/rank-zero.ts";
import type { Stage, TrainerContext } from "../core/trainer-context.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";
import { ConfigurationError, refuseUnknownOptions, requireOption, requireSwitches } from "../errors.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";

/** A module, or several. */
export type Modules = AnyModule | readonly Modules[];

/** Options of {@link BaseFinetuning.unfreezeAndAddParamGroup}. */
export interface UnfreezeOptions {
  /** The learning rate of the new group; default: that of the optimizer's first group, divided by `initialDenomLr`. */
  lr?: number;
  /** Default 10. */
  initialDenomLr?: number;
  /** Whether batch norms are trained as well; default true. */
  trainBn?: boolean;
}

/** A group of an optimizer, its parameters by their names. */
type SavedGroup = Readonly<Record<string, unknown>> & { readonly params: readonly string[] };

/**
 * Base of callbacks that freeze parts of a module before training and thaw them later. The optimizer takes what is trainable at the beginning, and thawed
 * parameters become a group of their own; a resumed training has the groups and what was trainable back.
 *
 * @example
 * class FreezeFeatures extends BaseFinetuning {
 *   freezeBeforeTraining(module: AnyTrainingModule) { BaseFinetuning.freeze(module.getSubmodule("features")); }
 *   finetuneFunction(module: AnyTrainingModule, epoch: number, optimizer: Optimizer) {
 *     if (epoch === 10) { BaseFinetuning.unfreezeAndAddParamGroup(module.getSubmodule("features"), optimizer); }
 *   }
 * }
 */
export abstract class BaseFinetuning extends Callback {
  /** Groups of the optimizers as they were when an epoch began. */
  #groups: SavedGroup[][] = [];
  /** Names of what was trainable in the training that this one goes on with. */
  #trainable: readonly string[] | undefined;
  #module: AnyTrainingModule | undefined;

  /** Freezes what is not trained from the beginning; called before `configureOptimizers`. */
  abstract freezeBeforeTraining(module: AnyTrainingModule): void;
  /** Thaws what it is time for; called at the beginning of every epoch, for each optimizer. */
  abstract finetuneFunction(module: AnyTrainingModule, epoch: number, optimizer: Optimizer): void;

  override setup(_trainer: TrainerContext, module: AnyTrainingModule, stage: Stage): void {
    if (stage === "fit") {
      this.#module = module;
      this.#groups = [];
      this.#trainable = undefined;
      this.freezeBeforeTraining(module);
    }
  }

  override onFitStart(trainer: TrainerContext, module: AnyTrainingModule): void {
    if (this.#trainable === undefined) {
      return;
    }
    const byName = new Map(module.namedParameters());
    for (const name of this.#trainable) {
      parameterOf(byName, name).requiresGrad = true;
    }
    for (const [i, groups] of this.#groups.entries()) {
      const optimizer = found(trainer.optimizers[i], `Optimizer ${i} of the checkpoint`);
      optimizer.paramGroups.splice(0);
      for (const { params, ...options } of groups) {
        optimizer.addParamGroup({ ...options, params: params.map((name) => parameterOf(byName, name)) });
      }
    }
    this.#trainable = undefined;
  }

  override onTrainEpochStart(trainer: TrainerContext, module: AnyTrainingModule): void {
    const names = new Map<unknown, string>(module.namedParameters().map(([name, parameter]) => [parameter, name]));
    for (const [i, optimizer] of trainer.optimizers.entries()) {
      this.finetuneFunction(module, trainer.currentEpoch, optimizer);
      this.#groups[i] = optimizer.paramGroups.map(({ params, ...options }) => ({
        ...structuredClone(options),
        params: params.map((parameter) => found(names.get(parameter), "The name of an optimizer's parameter")),
      }));
    }
  }

  override stateDict(): Readonly<Record<string, unknown>> {
    const trainable = (this.#module?.namedParameters() ?? []).filter(([, { requiresGrad }]) => requiresGrad);
    return { groups: this.#groups, trainable: trainable.map(([name]) => name) };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    this.#groups = (state.groups as SavedGroup[][] | undefined) ?? [];
    this.#trainable = state.trainable as string[] | undefined;
  }

  // What subclasses use.

  /** The modules themselves and all in them that have parameters of their own, or no modules in them. */
  static flattenModules(modules: Modules): AnyModule[] {
    if (modules instanceof Module) {
      return modules.modules().filter((each) => each.children().length === 0 || ownParameters(each).length > 0);
    }
    requireOption(Array.isArray(modules), "modules", modules, "a module, or a list of modules");
    return modules.flatMap((each) => BaseFinetuning.flattenModules(each));
  }

  /** Parameters that are trainable, or with `requiresGrad` false those that are not; without `trainBn` those of batch norms are left out. */
  static filterParams(modules: Modules, options: { trainBn?: boolean; requiresGrad?: boolean } = {}): Parameter[] {
    const { trainBn = true, requiresGrad = true } = options;
    return BaseFinetuning.flattenModules(modules)
      .filter((module) => trainBn || !(module instanceof BatchNorm))
      .flatMap(ownParameters)
      .filter((parameter) => parameter.requiresGrad === requiresGrad);
  }

  /** Makes parameters constant; batch norms stay trainable unless `trainBn` is false, and then also keep their running statistics. */
  static freeze(modules: Modules, options: { trainBn?: boolean } = {}): void {
    const { trainBn = true } = options;
    for (const module of BaseFinetuning.flattenModules(modules)) {
      setTrainable(module, trainBn && module instanceof BatchNorm);
    }
  }

  /** Makes all parameters trainable. */
  static makeTrainable(modules: Modules): void {
    for (const module of BaseFinetuning.flattenModules(modules)) {
      setTrainable(module, true);
    }
  }

  /** Makes parameters trainable, and gives those that the optimizer does not have yet to it as a group of their own. */
  static unfreezeAndAddParamGroup(modules: Modules, optimizer: Optimizer, options: UnfreezeOptions = {}): void {
    const { lr, initialDenomLr = 10, trainBn = true } = options;
    BaseFinetuning.makeTrainable(modules);
    const taken = new Set<unknown>(optimizer.paramGroups.flatMap(({ params }) => params));
    const all = BaseFinetuning.filterParams(modules, { trainBn });
    const params = [...new Set(all)].filter((parameter) => !taken.has(parameter));
    if (params.length < all.length) {
      rankZeroWarn(
        `${all.length - params.length} of ${all.length} parameters that are thawed now belong to the optimizer already, and stay in their groups. ` +
          "Give it only what is trainable: this.parameters().filter(({ requiresGrad }) => requiresGrad).",
      );
    }
    if (params.length > 0) {
      optimizer.addParamGroup({ params, lr: lr ?? (optimizer.paramGroups[0]?.lr ?? 0) / initialDenomLr });
    }
  }
}

function ownParameters(module: AnyModule): Parameter[] {
  return module.namedParameters().flatMap(([name, parameter]) => (name.includes(".") ? [] : [parameter]));
}

function setTrainable(module: AnyModule, isTrainable: boolean): void {
  if (module instanceof BatchNorm) {
    module.trackRunningStats = isTrainable;
  }
  for (const parameter of ownParameters(module)) {
    parameter.requiresGrad = isTrainable;
  }
}

function parameterOf(parameters: ReadonlyMap<string, Parameter>, name: string): Parameter {
  const parameter = parameters.get(name);
  if (parameter === undefined) {
    throw new ConfigurationError("The checkpoint's parameter", name, "one of the module's");
  }
  return parameter;
}

export interface BackboneFinetuningOptions {
  /** The epoch, from 0, at whose beginning the backbone is thawed; default 10. */
  unfreezeBackboneAtEpoch?: number;
  /** By which the backbone's rate is multiplied each epoch after that, given the epoch that comes next; default by 2. */
  lambdaFunc?: (epoch: number) => number;
  /** The backbone's rate at the beginning as a part of the rate of the rest; default 0.1. */
  backboneInitialRatioLr?: number;
  /** The backbone's rate at the beginning itself. */
  backboneInitialLr?: number;
  /** Whether the backbone's rate stays at that of the rest once it would exceed it; default true. */
  shouldAlign?: boolean;
  /** As of {@link UnfreezeOptions}; the backbone always has a rate of its own, so that it changes nothing here, as in Lightning. Default 10. */
  initialDenomLr?: number;
  /** Whether batch norms that were frozen are trained as well; default true. */
  trainBn?: boolean;
  /** Prints both rates at the beginning of each epoch; default false. */
  verbose?: boolean;
  /** Digits behind the point that `verbose` prints; default 12. */
  rounding?: number;
}

/**
 * Trains a module's head first and its `backbone` from an epoch on, with a small rate that grows to the head's. The module has its backbone in a field of this
 * name; its batch norms are trainable from the beginning.
 *
 * @example
 * class Transfer extends TrainingModule<ImageBatch> {
 *   backbone = new nn.Sequential(...features);
 *   head = new nn.Linear(64, 10);
 *   configureOptimizers() {
 *     return new optim.Adam(this.parameters().filter(({ requiresGrad }) => requiresGrad), { lr: 1e-3 });
 *   }
 * }
 * const trainer = new Trainer({ callbacks: [new BackboneFinetuning({ unfreezeBackboneAtEpoch: 3 })] });
 */
export class BackboneFinetuning extends BaseFinetuning {
  readonly #options: Required<Omit<BackboneFinetuningOptions, "backboneInitialLr">> & { backboneInitialLr?: number };
  #previousLr: number | undefined;

  constructor(options: BackboneFinetuningOptions = {}) {
    super();
    const owner = "BackboneFinetuning";
    const numbers = ["backboneInitialRatioLr", "backboneInitialLr", "initialDenomLr"] as const;
    const counts = ["unfreezeBackboneAtEpoch", "rounding"] as const;
    const switches = ["shouldAlign", "trainBn", "verbose"] as const;
    refuseUnknownOptions(owner, options, [...counts, "lambdaFunc", ...numbers, ...switches]);
    requireSwitches(owner, options, switches);
    for (const name of numbers) {
      const value = options[name];
      requireOption(
        value === undefined || (isNumber(value) && value > 0),
        `${owner}.${name}`,
        value,
        "a number above 0",
      );
    }
    for (const name of counts) {
      const value = options[name];
      const fits = value === undefined || (Number.isInteger(value) && value >= 0 && value <= 2 ** 31);
      requireOption(fits, `${owner}.${name}`, value, "a whole number of at least 0");
    }
    const { lambdaFunc = () => 2 } = options;
    requireOption(typeof lambdaFunc === "function", `${owner}.lambdaFunc`, lambdaFunc, "a function of the epoch");
    this.#options = {
      unfreezeBackboneAtEpoch: 10,
      backboneInitialRatioLr: 0.1,
      shouldAlign: true,
      initialDenomLr: 10,
      trainBn: true,
      verbose: false,
      rounding: 12,
      ...options,
      lambdaFunc,
    };
  }

  freezeBeforeTraining(module: AnyTrainingModule): void {
    BaseFinetuning.freeze(backboneOf(module));
  }

  finetuneFunction(module: AnyTrainingModule, epoch: number, optimizer: Optimizer): void {
    const { unfreezeBackboneAtEpoch, shouldAlign, backboneInitialRatioLr, backboneInitialLr } = this.#options;
    const current = optimizer.paramGroups[0]?.lr ?? 0;
    if (epoch === unfreezeBackboneAtEpoch) {
      const { initialDenomLr, trainBn } = this.#options;
      this.#previousLr = backboneInitialLr ?? current * backboneInitialRatioLr;
      const options = { lr: this.#previousLr, initialDenomLr, trainBn };
      BaseFinetuning.unfreezeAndAddParamGroup(backboneOf(module), optimizer, options);
    } else if (epoch > unfreezeBackboneAtEpoch && this.#previousLr !== undefined) {
      const factor = this.#options.lambdaFunc(epoch + 1);
      requireOption(isNumber(factor, 0), "What BackboneFinetuning.lambdaFunc gives", factor, "a number of at least 0");
      const next = factor * this.#previousLr;
      this.#previousLr = shouldAlign && next > current ? current : next;
      found(optimizer.paramGroups.at(-1), "The backbone's group").lr = this.#previousLr;
    } else {
      return;
    }
    if (this.#options.verbose) {
      const shown = (rate: number) => Number(rate.toFixed(Math.min(100, this.#options.rounding)));
      rankZeroLog(`Current lr: ${shown(current)}, backbone lr: ${shown(this.#previousLr)}`);
    }
  }

  override stateDict(): Readonly<Record<string, unknown>> {
    return { ...super.stateDict(), previousLr: this.#previousLr ?? null };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    super.loadStateDict(state);
    this.#previousLr = typeof state.previousLr === "number" ? state.previousLr : undefined;
  }
}

function backboneOf(module: AnyTrainingModule): AnyModule {
  const backbone: unknown = Reflect.get(module, "backbone");
  requireOption(
    backbone instanceof Module,
    `The field backbone of ${module.typeName}`,
    backbone,
    "a module, for BackboneFinetuning to freeze and thaw",
  );
  return backbone;
}
