/** What a forward pass does, as steps: calls of modules, with the steps within them, and what is called between. */
import * as tf from "@tensorflow/tfjs-core";
import { tensorsIn } from "../compile/tensors-in.ts";
import { eagerly } from "../compile/tracing.ts";
import { type KernelRun, watchKernels } from "../compile/watch-kernels.ts";
import { type DryCall, dryRun } from "../dry-run.ts";
import type { AnyModule } from "../module.ts";
import type { Shape } from "../shapes.ts";
import { describeKernel, describeLayer, type Words } from "./words.ts";

/** A result of a step, or an input of the whole. */
export interface Value {
  readonly shape: Shape;
  /** The layer or the kernel that made it; null for an input. */
  readonly maker: Leaf | null;
}

/** A layer, or something called between layers. */
export interface Leaf {
  readonly kind: "leaf";
  /** Dotted name of the layer; empty for what is called between layers. */
  readonly name: string;
  readonly module: AnyModule | null;
  readonly words: Words;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** A call of a module that has modules. */
export interface Group {
  readonly kind: "group";
  readonly name: string;
  readonly module: AnyModule;
  readonly steps: Step[];
}

export type Step = Leaf | Group;

/** A whole forward pass. */
export interface Recording {
  readonly model: Group;
  readonly inputs: readonly Value[];
  /** What it gives, with the field's name where it is a field. */
  readonly outputs: readonly { readonly name: string; readonly value: Value }[];
}

/** Kernels that change nothing that a reader would want to see. */
const silent: ReadonlySet<string> = new Set(["Identity", "Cast"]);

/** Those that are silent where they only add or take away dimensions of one place. */
const reshaping: ReadonlySet<string> = new Set(["Reshape", "ExpandDims"]);

function isSilent(kernel: string, [given]: readonly tf.Tensor[], [made]: readonly tf.Tensor[]): boolean {
  const lengths = (tensor: tf.Tensor | undefined) => tensor?.shape.filter((n) => n !== 1).join();
  return silent.has(kernel) || (reshaping.has(kernel) && lengths(given) === lengths(made));
}

/** Runs a model on zeros of the given shapes and writes down what it does. */
export function record(model: AnyModule, inputShapes: readonly Shape[]): Recording {
  const names = new Map(model.namedModules().map(([name, module]) => [module, name]));
  const values = new Map<number, Value>();
  const open: Group[] = [];
  const frames: ("whole" | "group" | "layer")[] = [];
  /** How deep within a layer that is one box. */
  let inside = 0;
  let whole: Group | undefined;
  const inputs: Value[] = [];
  const outputs: { name: string; value: Value }[] = [];
  const known = (tensors: Iterable<tf.Tensor>): Value[] =>
    [...tensors].flatMap(({ id }) => {
      const value = values.get(id);
      return value === undefined ? [] : [value];
    });
  const add = (leaf: Omit<Leaf, "kind" | "outputs">, made: Iterable<tf.Tensor>) => {
    const results: Value[] = [];
    const step: Leaf = { kind: "leaf", ...leaf, outputs: results };
    for (const { id, shape } of made) {
      const value = { shape, maker: step };
      results.push(value);
      values.set(id, value);
    }
    open.at(-1)?.steps.push(step);
  };
  const enter = (call: DryCall) => {
    const { module, isLeaf } = call;
    if (whole === undefined) {
      whole = { kind: "group", name: "", module, steps: [] };
      open.push(whole);
      for (const { id, shape } of tensorsIn(call.inputs)) {
        const value = { shape, maker: null };
        inputs.push(value);
        values.set(id, value);
      }
      inside += isLeaf ? 1 : 0;
      frames.push(isLeaf ? "layer" : "whole");
      return;
    }
    if (inside > 0 || isLeaf || module.children().length === 0) {
      inside++;
      frames.push("layer");
      return;
    }
    const group: Group = { kind: "group", name: names.get(module) ?? "", module, steps: [] };
    open.at(-1)?.steps.push(group);
    open.push(group);
    frames.push("group");
  };
  const leave = ({ module, inputs: given, output }: DryCall & { readonly output: unknown }) => {
    const frame = frames.pop();
    if (frame === "group") {
      open.pop();
    } else if (frame === "layer") {
      inside--;
      if (inside === 0) {
        const from = known(tensorsIn(given));
        add({ name: names.get(module) ?? "", module, words: describeLayer(module), inputs: from }, tensorsIn(output));
      }
    }
    if (frames.length === 0) {
      outputs.push(...namedOutputs(output, values));
    }
  };
  const watch = ({ kernel: called, within, inputs: given, outputs: made }: KernelRun) => {
    // A function with a gradient of its own around one kernel is that kernel.
    const audible = [...new Set(within)].filter((name) => !silent.has(name));
    const kernel = called ?? (audible.length === 1 ? (audible[0] ?? null) : null);
    const from = known(given);
    if (inside > 0 || whole === undefined || from.length === 0) {
      return;
    }
    const [first] = from;
    if (kernel !== null && first !== undefined && isSilent(kernel, given, made)) {
      for (const { id } of made) {
        values.set(id, first);
      }
      return;
    }
    const constants = given.filter(({ id }) => !values.has(id));
    add(
      {
        name: "",
        module: null,
        words: describeKernel(kernel, from.length, constants, given[0] === constants[0]),
        inputs: from,
      },
      made,
    );
  };
  eagerly(() => watchKernels(watch, () => dryRun(model, inputShapes, { enter, leave })));
  if (whole === undefined) {
    throw new Error("The model's forward pass did not run.");
  }
  return { model: whole, inputs, outputs };
}

function namedOutputs(output: unknown, values: ReadonlyMap<number, Value>): { name: string; value: Value }[] {
  if (output instanceof tf.Tensor) {
    const value = values.get(output.id);
    return value === undefined ? [] : [{ name: "", value }];
  }
  if (output === null || typeof output !== "object") {
    return [];
  }
  const entries = output instanceof Map ? [...output] : Object.entries(output);
  return entries.flatMap(([name, part]) =>
    [...tensorsIn({ part })].flatMap(({ id }) => {
      const value = values.get(id);
      return value === undefined ? [] : [{ name: String(name), value }];
    }),
  );
}
