import type * as tf from "@tensorflow/tfjs-core";
import { checkSizeLists, checkSizes } from "../arguments/check.ts";
import { classNameOf } from "../arguments/class-name.ts";
import type { StateDict } from "../tensor-data.ts";
import { prepareForward, settled } from "./compile/tracing.ts";
import { structureChanged } from "./compile/verdicts.ts";
import { checkObject, OptionError, refuseUnknownOptions, StateDictError } from "./errors.ts";
import { Buffer, CounterBuffer, Parameter, type StateEntry } from "./parameter.ts";
import { Registry } from "./registry.ts";

/** Any module, whatever it takes and gives. */
// biome-ignore lint/suspicious/noExplicitAny: a module's inputs are its own affair; containers only pass them on.
export type AnyModule = Module<any, any>;

/** What {@link Module.registerForwardHook} calls after each forward pass; a value that it returns replaces the output. */
export type ForwardHook<In extends unknown[], Out> = (
  module: Module<In, Out>,
  inputs: In,
  output: Out,
) => Out | undefined;

/** A hook of any module. */
type AnyForwardHook = Parameters<AnyModule["registerForwardHook"]>[0];

/** What `loadStateDict` found when it was not strict. */
export interface LoadResult {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
}

/**
 * A part of a network: parameters, buffers and child modules, each registered under PyTorch's name for it, and a forward pass.
 *
 * A field that holds a module, a {@link Parameter} or a {@link Buffer} is registered under the field's name, as an attribute is in PyTorch, and
 * giving the field another one replaces it; `registerModule` and its like register under another name. What lies in an array, a Map or a plain object is
 * refused (a {@link ModuleList} or a {@link Sequential} holds many); `#private` fields are not seen, and the first forward pass of `summary`, `evaluate` or
 * the Trainer refuses layers that hide there.
 *
 * Names in a state dict are the registered ones joined by dots. A module or parameter that is registered in two places is shared: it is
 * iterated once and saved under each of its names, as in PyTorch. The forward pass never disposes of its input; what it allocates on the
 * way belongs to the caller's `tf.tidy`.
 *
 * @example
 * class Block extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
 *   conv = new Conv2d(16, 16, { kernelSize: 3, padding: 1 });
 *   forward(x: tf.Tensor4D): tf.Tensor4D {
 *     return tf.add(x, this.conv.forward(x));
 *   }
 * }
 */
export abstract class Module<In extends unknown[] = [x: tf.Tensor], Out = tf.Tensor> {
  /** Whether the module is in training mode (batch statistics, dropout); set by {@link train} and {@link eval}. */
  training = true;
  readonly #registry: Registry = new Registry(this, (value): value is AnyModule => value instanceof Module);
  readonly #forwardHooks = new Set<AnyForwardHook>();
  /** The field that a forward pass is, where it is one, while hooks stand in its place. */
  #ownForward: PropertyDescriptor | undefined;

  constructor() {
    prepareForward(new.target, Module.prototype);
  }

  /** Computes the module's output. */
  abstract forward(...inputs: In): Out;

  /** Adds a learnable tensor under PyTorch's name for it, and returns it. */
  registerParameter<P extends Parameter>(name: string, parameter: P): P {
    checkPart(this, "parameter", name, parameter instanceof Parameter, parameter);
    this.#registry.add(name, parameter);
    return parameter;
  }

  /** Adds a tensor or counter that is part of the state but not learned, and returns it. */
  registerBuffer<B extends Buffer | CounterBuffer>(name: string, buffer: B): B {
    checkPart(this, "buffer", name, buffer instanceof Buffer || buffer instanceof CounterBuffer, buffer);
    this.#registry.add(name, buffer);
    return buffer;
  }

  /** Adds a child, and returns it. */
  registerModule<M extends AnyModule>(name: string, module: M): M {
    checkPart(this, "module", name, module instanceof Module, module);
    this.#registry.add(name, module);
    return module;
  }

  get #ownParameters(): ReadonlyMap<string, Parameter> {
    return this.#registry.parameters;
  }

  get #ownBuffers(): ReadonlyMap<string, Buffer | CounterBuffer> {
    return this.#registry.buffers;
  }

  get #ownModules(): ReadonlyMap<string, AnyModule> {
    return this.#registry.modules;
  }

  /** The children with their names; a shared child under its first name only. */
  namedChildren(): [name: string, module: AnyModule][] {
    const seen = new Set<AnyModule>();
    return [...this.#ownModules].filter(([, module]) => !seen.has(module) && seen.add(module));
  }

  /** The children, each once. */
  children(): AnyModule[] {
    return this.namedChildren().map(([, module]) => module);
  }

  /** This module (with the empty name) and all below it with their dotted names, parents first; a shared module under its first name only. */
  namedModules(prefix = ""): [name: string, module: AnyModule][] {
    const found = new Map<AnyModule, string>();
    const above = new Set<AnyModule>();
    const visit = (module: AnyModule, name: string) => {
      if (above.has(module)) {
        const expected = "a module that does not contain this one (a reference back belongs into a #private field)";
        throw new OptionError(this.typeName, `the module "${name}"`, module.typeName, expected);
      }
      if (found.has(module)) {
        return;
      }
      found.set(module, name);
      above.add(module);
      for (const [childName, child] of module.#ownModules) {
        visit(child, name === "" ? childName : `${name}.${childName}`);
      }
      above.delete(module);
    };
    visit(this, prefix);
    return [...found].map(([module, name]) => [name, module]);
  }

  /** This module and all below it, parents first, each once. */
  modules(): AnyModule[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** All learnable tensors with their dotted names; a shared one under its first name only. */
  namedParameters(): [name: string, parameter: Parameter][] {
    return collect(this, (module) => module.#ownParameters);
  }

  /** All learnable tensors, each once. */
  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /** All buffers with their dotted names; a shared one under its first name only. */
  namedBuffers(): [name: string, buffer: Buffer | CounterBuffer][] {
    return collect(this, (module) => module.#ownBuffers);
  }

  /** All buffers, each once. */
  buffers(): (Buffer | CounterBuffer)[] {
    return this.namedBuffers().map(([, buffer]) => buffer);
  }

  /** The module below this one at a dotted path, as `model.getSubmodule("blocks.0.net.3")`; the empty path is this module. */
  getSubmodule(path: string): AnyModule {
    let module: AnyModule = this;
    if (path === "") {
      return module;
    }
    for (const name of path.split(".")) {
      const next = module.#ownModules.get(name);
      if (next === undefined) {
        const known = [...module.#ownModules.keys()].join(", ");
        throw new OptionError(
          this.typeName,
          "path",
          path,
          `the dotted name of a module (${module.typeName} has: ${known})`,
        );
      }
      module = next;
    }
    return module;
  }

  /** Number of learned values, shared ones counted once. */
  parameterCount(): number {
    return this.parameters().reduce((sum, parameter) => sum + parameter.size, 0);
  }

  /** Sets training mode here and below, and returns this module. */
  train(mode = true): this {
    for (const module of this.modules()) {
      module.training = mode;
    }
    return this;
  }

  /** Sets evaluation mode here and below, and returns this module. */
  eval(): this {
    return this.train(false);
  }

  /** Calls `fn` on every module below, children before parents, then on this one, and returns it. */
  apply(fn: (module: AnyModule) => void): this {
    const seen = new Set<AnyModule>();
    const visit = (module: AnyModule) => {
      if (seen.has(module)) {
        return;
      }
      seen.add(module);
      for (const child of module.#ownModules.values()) {
        visit(child);
      }
      fn(module);
    };
    visit(this);
    return this;
  }

  /** Says for all parameters here and below whether training changes them, and returns this module. */
  requiresGrad_(requiresGrad = true): this {
    for (const parameter of this.parameters()) {
      parameter.requiresGrad = requiresGrad;
    }
    return this;
  }

  /**
   * Calls `hook` after each forward pass of this module, whoever calls it, until the returned function is called.
   *
   * @returns a function that removes the hook
   */
  registerForwardHook(hook: ForwardHook<In, Out>): () => void {
    this.#forwardHooks.add(hook);
    structureChanged();
    if (this.#forwardHooks.size === 1) {
      // The instance's own property shadows the class's method, so that modules without hooks pay nothing for them.
      const forward = this.forward;
      this.#ownForward = Object.getOwnPropertyDescriptor(this, "forward");
      this.forward = (...inputs: In): Out => {
        let output = forward.apply(this, inputs);
        // Whoever watches sees numbers.
        settled([inputs, output]);
        for (const each of this.#forwardHooks) {
          output = each(this, inputs, output) ?? output;
        }
        return output;
      };
    }
    return () => {
      structureChanged();
      if (this.#forwardHooks.delete(hook) && this.#forwardHooks.size === 0) {
        Reflect.deleteProperty(this, "forward");
        if (this.#ownForward !== undefined) {
          Object.defineProperty(this, "forward", this.#ownForward);
        }
      }
    };
  }

  /** Whether somebody watches this module's forward passes, so that it must not be fused with its neighbours. */
  get hasForwardHooks(): boolean {
    return this.#forwardHooks.size > 0;
  }

  /** The state's entries under every name that they have, in PyTorch's order: own parameters, own buffers, then the children's. */
  #stateEntries(): Map<string, StateEntry> {
    // Complains about modules that contain themselves.
    this.namedModules();
    const entries = new Map<string, StateEntry>();
    const visit = (module: AnyModule, prefix: string) => {
      for (const [name, parameter] of module.#ownParameters) {
        entries.set(prefix + name, parameter);
      }
      for (const [name, buffer] of module.#ownBuffers) {
        if (buffer.persistent) {
          entries.set(prefix + name, buffer);
        }
      }
      for (const [name, child] of module.#ownModules) {
        visit(child, `${prefix}${name}.`);
      }
    };
    visit(this, "");
    return entries;
  }

  /** Shapes of all entries of the state dict, in its order, without copying their values. */
  stateShapes(): Map<string, readonly number[]> {
    return new Map([...this.#stateEntries()].map(([name, entry]) => [name, entry.shape]));
  }

  /** Copies of all parameters and persistent buffers in PyTorch's names, order and layouts. */
  stateDict(): StateDict {
    const state: StateDict = new Map();
    for (const [name, entry] of this.#stateEntries()) {
      state.set(name, entry.toTensorData());
    }
    return state;
  }

  /**
   * Loads parameters and buffers by name. Either everything that fits is loaded, or an error is thrown and nothing is.
   *
   * Files written before PyTorch 0.4.1 know no `num_batches_tracked`: where a state dict has none at all, none is missed.
   *
   * @param state values in PyTorch's names and layouts
   * @param options strict (default): every entry must be there, and no other
   * @returns the names that were missing and unexpected, both empty when strict
   * @throws {StateDictError} listing all missing, unexpected (when strict) and misshapen entries at once
   */
  loadStateDict(state: StateDict, options: { strict?: boolean } = {}): LoadResult {
    const { strict = true } = options;
    const entries = this.#stateEntries();
    const isCounter = (name: string) => /(^|\.)num_batches_tracked$/.test(name);
    const hasCounters = [...state.keys()].some(isCounter);
    const missing = [...entries.keys()].filter((name) => !state.has(name) && (hasCounters || !isCounter(name)));
    const unexpected = [...state.keys()].filter((name) => !entries.has(name));
    const misshapen: { name: string; expected: readonly number[]; got: readonly number[] }[] = [];
    for (const [name, entry] of entries) {
      const got = state.get(name)?.shape;
      if (got !== undefined && (got.length !== entry.shape.length || got.some((n, i) => n !== entry.shape[i]))) {
        misshapen.push({ name, expected: entry.shape, got });
      }
    }
    if (misshapen.length > 0 || (strict && missing.length + unexpected.length > 0)) {
      throw new StateDictError(this.typeName, { missing, unexpected: strict ? unexpected : [], misshapen });
    }
    for (const [name, entry] of entries) {
      const value = state.get(name);
      if (value !== undefined) {
        entry.load(value);
      }
    }
    return { missing, unexpected };
  }

  /** Frees all parameters and buffers here and below. The module cannot be used afterwards. */
  dispose(): void {
    for (const entry of new Set(this.#stateEntries().values())) {
      entry.dispose();
    }
    for (const buffer of this.buffers()) {
      buffer.dispose();
    }
    for (const module of this.modules()) {
      module.onDispose();
    }
  }

  /** Frees what a subclass holds besides parameters and buffers. */
  protected onDispose(): void {}

  /**
   * For constructors: options that are an object of known names, or an error that names what they are.
   *
   * @param known every name that there is
   */
  protected optionsOf<T extends object>(options: T, known: readonly (keyof T & string)[], argument = "options"): T {
    checkObject(this.typeName, argument, options);
    refuseUnknownOptions(this.typeName, options, known);
    return options;
  }

  /** For constructors: refuses counts and widths that are no whole numbers of at least 1, by their names. */
  protected checkSizes(sizes: Readonly<Record<string, unknown>>): void {
    checkSizes(this.typeName, sizes);
  }

  /** The same for lists of them that are not empty. */
  protected checkSizeLists(lists: Readonly<Record<string, unknown>>): void {
    checkSizeLists(this.typeName, lists);
  }

  /** The type's name, as printed: that of its class, or of the nearest class above where that has none. */
  get typeName(): string {
    return classNameOf(this);
  }

  /** The options, as printed in parentheses after the type. */
  protected extraRepr(): string {
    return "";
  }

  /** The tree of modules, as PyTorch prints it. */
  toString(): string {
    this.namedModules();
    if (this.#ownModules.size === 0) {
      return `${this.typeName}(${this.extraRepr()})`;
    }
    const lines = [...this.#ownModules].map(
      ([name, child]) => `  (${name}): ${child.toString().replaceAll("\n", "\n  ")}`,
    );
    return `${this.typeName}(${this.extraRepr()}\n${lines.join("\n")}\n)`;
  }

  /** What a notebook shows for a module: the tree of {@link toString}. */
  [Symbol.for("Jupyter.display")](): Record<string, string> {
    return { "text/plain": this.toString() };
  }
}

/** Refuses what is no part of its kind. */
function checkPart(owner: AnyModule, kind: string, name: unknown, isOfKind: boolean, part: unknown): void {
  if (typeof name !== "string") {
    throw new OptionError(owner.typeName, "name", name, "a string");
  }
  if (!isOfKind) {
    throw new OptionError(owner.typeName, `the ${kind} "${name}"`, part, `a ${kind}`);
  }
}

/** What every module below `root` owns, with dotted names, each thing once. */
function collect<T>(root: AnyModule, own: (module: AnyModule) => ReadonlyMap<string, T>): [string, T][] {
  const seen = new Set<T>();
  const found: [string, T][] = [];
  for (const [prefix, module] of root.namedModules()) {
    for (const [name, value] of own(module)) {
      if (seen.has(value)) {
        continue;
      }
      seen.add(value);
      found.push([prefix === "" ? name : `${prefix}.${name}`, value]);
    }
  }
  return found;
}
