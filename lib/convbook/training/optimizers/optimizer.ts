/**
 * The base of all optimizers: parameter groups with their own options, state a parameter, saving and loading. Semantics and defaults are
 * PyTorch's (torch.optim), and `optimizers.test.ts` holds each optimizer to it step by step.
 */

import * as tf from "@tensorflow/tfjs-core";
import { isNumber } from "../../arguments/check.ts";
import { classNameOf } from "../../arguments/class-name.ts";
import { found } from "../../arguments/found.ts";
import { checkSwitches } from "../../arguments/options.ts";
import { torchForm } from "../../checkpoints/pickle/pickle.ts";
import { layersBelong } from "../../nn/errors.ts";
import { Parameter, permute } from "../../nn/parameter.ts";
import type { TensorData } from "../../tensor-data.ts";
import { ConfigurationError, requireOption } from "../errors.ts";
import { optimizerStateOf, stateToTorch } from "./torch-state.ts";

/** Something that an optimizer can change: a module's parameter, or a bare variable. */
export type OptimizerParameter = Parameter | tf.Variable;

/** Gradients by the variable that they belong to; a variable without one is left as it is. */
export type Gradients = ReadonlyMap<tf.Variable, tf.Tensor>;

/** Options that every group of every optimizer has. */
export interface BaseOptions {
  /** Learning rate. */
  lr: number;
}

/** Parameters that share options. */
export type ParameterGroup<Options extends BaseOptions = BaseOptions> = Options & {
  params: OptimizerParameter[];
  /** The learning rate that schedulers start from; set by the first scheduler. */
  initialLr?: number;
};

/** What a constructor takes: a list of parameters, or groups with options of their own. */
export type ParametersOrGroups<Options extends BaseOptions> =
  | readonly OptimizerParameter[]
  | readonly (Partial<Options> & { params: readonly OptimizerParameter[] })[];

/** An optimizer's state as plain values: tensors in PyTorch's layouts, parameters by their index over all groups. */
export interface OptimizerState {
  /** State by parameter index, for example `{ momentum_buffer: ..., step: 3 }`. */
  readonly state: ReadonlyMap<number, Readonly<Record<string, TensorData | number>>>;
  /** Each group's options, with `params` as indices. */
  readonly paramGroups: readonly (Readonly<Record<string, unknown>> & { readonly params: readonly number[] })[];
}

/** The state of one parameter: how many steps it has taken, and tensors of its shape. */
export interface ParameterState {
  step: number;
  readonly slots: Map<string, tf.Variable>;
}

/** The variable behind a parameter. */
export function variableOf(parameter: OptimizerParameter): tf.Variable {
  return parameter instanceof Parameter ? parameter.variable : parameter;
}

/** What may have happened to the layers of a module that has no parameters. */
function noneFound(parameters: unknown): string {
  if (!Array.isArray(parameters) || parameters.length > 0) {
    return "";
  }
  return `A module's parameters() are those of the layers that belong to it. ${layersBelong}`;
}

/** One parameter that is about to be updated. */
export interface Update {
  readonly parameter: OptimizerParameter;
  readonly variable: tf.Variable;
  readonly gradient: tf.Tensor;
  readonly state: ParameterState;
}

function areParameters<Options extends BaseOptions>(
  given: ParametersOrGroups<Options>,
): given is readonly OptimizerParameter[] {
  const [first] = given;
  return first instanceof Parameter || first instanceof tf.Variable;
}

/** Base of the optimizers. */
export abstract class Optimizer<Options extends BaseOptions = BaseOptions> {
  /** The groups; schedulers write `lr` into them. */
  readonly paramGroups: ParameterGroup<Options>[] = [];
  /** Options of groups that set none of their own. */
  readonly defaults: Options;
  protected readonly states = new Map<OptimizerParameter, ParameterState>();

  /**
   * @param parameters a list of parameters, or groups `{ params, ...options }`
   * @param defaults options of groups that set none of their own
   */
  constructor(parameters: ParametersOrGroups<Options>, defaults: Options) {
    this.defaults = defaults;
    const isList = Array.isArray(parameters) && parameters.length > 0;
    requireOption(
      isList,
      `${new.target.name}.parameters`,
      parameters,
      "a list of at least one parameter",
      noneFound(parameters),
    );
    const groups = areParameters(parameters) ? [{ params: parameters }] : parameters;
    for (const group of groups) {
      this.addParamGroup(group as never);
    }
  }

  /** Adds parameters with options of their own, for example layers that begin to train later. */
  addParamGroup(group: Partial<Options> & { params: readonly OptimizerParameter[] }): void {
    const owner = classNameOf(this);
    requireOption(
      Array.isArray(group?.params) && group.params.length > 0,
      `${owner}.params`,
      group?.params ?? group,
      "a list of parameters",
      noneFound(group?.params),
    );
    const taken = new Set(this.paramGroups.flatMap(({ params }) => params));
    for (const parameter of group.params) {
      if (!(parameter instanceof Parameter || parameter instanceof tf.Variable)) {
        throw new ConfigurationError(`${owner}.params`, parameter, "made of parameters or tf variables");
      }
      if (taken.has(parameter)) {
        throw new ConfigurationError(
          `${owner}.params`,
          "a parameter twice",
          "made of parameters that are in one group each",
        );
      }
      taken.add(parameter);
    }
    const complete = { ...this.defaults, ...group, params: [...group.params] } as ParameterGroup<Options>;
    this.checkOptions(complete);
    this.paramGroups.push(complete);
  }

  /** Throws a ConfigurationError when a group's options make no sense. */
  protected checkOptions(options: Options): void {
    requireOption(isNumber(options.lr, 0), `${classNameOf(this)}.lr`, options.lr, "a number of at least 0");
    checkSwitches(classNameOf(this), options, this.defaults);
  }

  /** The variables of all groups, those of frozen parameters left out. */
  variables(): tf.Variable[] {
    return this.paramGroups.flatMap(({ params }) => params.map(variableOf)).filter(({ trainable }) => trainable);
  }

  /**
   * Changes the parameters once.
   *
   * @param gradients by variable; they stay the caller's to dispose of
   */
  step(gradients: Gradients): void {
    if (typeof gradients?.get !== "function") {
      throw new ConfigurationError(
        `${classNameOf(this)}.step(gradients)`,
        gradients,
        "a Map from variables to tensors",
      );
    }
    for (const group of this.paramGroups) {
      const updates: Update[] = [];
      for (const parameter of group.params) {
        const variable = variableOf(parameter);
        const gradient = gradients.get(variable);
        if (gradient === undefined) {
          continue;
        }
        let state = this.states.get(parameter);
        if (state === undefined) {
          state = { step: 0, slots: new Map() };
          this.states.set(parameter, state);
        }
        state.step++;
        updates.push({ parameter, variable, gradient, state });
      }
      if (updates.length > 0) {
        this.updateGroup(group, updates);
      }
    }
  }

  /** Changes the parameters of one group; `state.step` counts from 1. */
  protected abstract updateGroup(group: ParameterGroup<Options>, updates: readonly Update[]): void;

  /** A slot of a parameter's state, made with zeros when it is not there yet. */
  protected slot(update: Update, name: string): tf.Variable {
    let slot = update.state.slots.get(name);
    if (slot === undefined) {
      const zeros = tf.zeros(update.variable.shape);
      slot = tf.variable(zeros, false);
      zeros.dispose();
      update.state.slots.set(name, slot);
    }
    return slot;
  }

  /** A copy of the state. */
  stateDict(): OptimizerState {
    const indices = new Map<OptimizerParameter, number>();
    const paramGroups = this.paramGroups.map(({ params, ...options }) => ({
      ...structuredClone(options),
      params: params.map((parameter) => {
        indices.set(parameter, indices.size);
        return indices.size - 1;
      }),
    }));
    const state = new Map<number, Record<string, TensorData | number>>();
    for (const [parameter, index] of indices) {
      const own = this.states.get(parameter);
      if (own === undefined) {
        continue;
      }
      const entry: Record<string, TensorData | number> = { step: own.step };
      for (const [name, slot] of own.slots) {
        entry[name] = toTorchLayout(parameter, slot);
      }
      state.set(index, entry);
    }
    return asOptimizerState({ state, paramGroups });
  }

  /**
   * Takes over a state that {@link stateDict} gave, also one that was saved, or PyTorch's dict of `state` and `param_groups`
   * as `loadCheckpoint` and `loadTorch` give it.
   *
   * @throws ConfigurationError when it is no such state, its groups have other numbers of parameters or options that this
   *   optimizer does not know what to do with; nothing is changed then
   */
  loadStateDict(given: OptimizerState | ReadonlyMap<unknown, unknown> | object): void {
    const saved = optimizerStateOf(classNameOf(this), given);
    const got = saved.paramGroups.map(({ params }) => params.length);
    const own = this.paramGroups.map(({ params }) => params.length);
    if (got.join() !== own.join()) {
      throw new ConfigurationError(
        `The state for ${classNameOf(this)}`,
        `groups of ${got.join(", ")} parameters`,
        `for groups of ${own.join(", ")} parameters`,
      );
    }
    const order = this.paramGroups.flatMap(({ params }) => params);
    const indices = saved.paramGroups.flatMap(({ params }) => params);
    for (const [i, parameter] of order.entries()) {
      const shape = parameter.shape;
      for (const [name, value] of Object.entries(saved.state.get(indices[i] ?? -1) ?? {})) {
        if (typeof value === "number" || value.shape.length === 0) {
          continue;
        }
        if (value.shape.join() !== shape.join()) {
          throw new ConfigurationError(
            `The state "${name}" of parameter ${i}`,
            `shape [${value.shape.join(", ")}]`,
            `of shape [${shape.join(", ")}]`,
          );
        }
      }
    }
    for (const [g, { params: _, ...own }] of this.paramGroups.entries()) {
      this.checkOptions({ ...own, ...saved.paramGroups[g] } as unknown as Options);
    }
    this.dispose();
    for (const [g, group] of this.paramGroups.entries()) {
      const { params: _, ...options } = found(saved.paramGroups[g], `Group ${g} of the state`);
      Object.assign(group, structuredClone(options));
    }
    for (const [i, parameter] of order.entries()) {
      const entry = saved.state.get(indices[i] ?? -1);
      if (entry === undefined) {
        continue;
      }
      const state: ParameterState = { step: 0, slots: new Map() };
      for (const [name, value] of Object.entries(entry)) {
        if (typeof value === "number") {
          if (name === "step") {
            state.step = value;
          }
        } else if (value.shape.length === 0 && name === "step") {
          state.step = Number(value.data[0]);
        } else {
          state.slots.set(name, fromTorchLayout(parameter, value));
        }
      }
      this.states.set(parameter, state);
    }
  }

  /** Frees the state's tensors. The parameters are not touched, and the optimizer begins anew when it is used again. */
  dispose(): void {
    for (const { slots } of this.states.values()) {
      for (const slot of slots.values()) {
        slot.dispose();
      }
    }
    this.states.clear();
  }
}

/** A state that files of torch write as PyTorch's. */
export function asOptimizerState(state: OptimizerState): OptimizerState {
  return Object.defineProperty(state, torchForm, { value: () => stateToTorch(state), enumerable: false });
}

/** Copies a tensor of a parameter's shape out of the backend, in PyTorch's layout. */
export function toTorchLayout(parameter: OptimizerParameter, tensor: tf.Tensor): TensorData {
  const memory = tensor.dataSync<"float32">();
  if (!(parameter instanceof Parameter)) {
    return { dtype: "float32", shape: [...tensor.shape], data: memory.slice() };
  }
  const inverse = parameter.layout.map((_, i) => parameter.layout.indexOf(i));
  return { dtype: "float32", shape: [...parameter.shape], data: permute(memory, tensor.shape, inverse) };
}

function fromTorchLayout(parameter: OptimizerParameter, value: TensorData): tf.Variable {
  if (value.dtype !== "float32" && value.dtype !== "float64") {
    throw new ConfigurationError("Optimizer state", value.dtype, "of type float32");
  }
  const data = Float32Array.from(value.data);
  const memory = parameter instanceof Parameter ? permute(data, value.shape, parameter.layout) : data;
  const tensor = tf.tensor(memory, variableOf(parameter).shape, "float32");
  const variable = tf.variable(tensor, false);
  tensor.dispose();
  return variable;
}

/** Assigns the value of `compute` to a variable, freeing what it allocates on the way. */
export function assign(variable: tf.Variable, compute: () => tf.Tensor): void {
  const value = tf.tidy(compute);
  variable.assign(value);
  value.dispose();
}
