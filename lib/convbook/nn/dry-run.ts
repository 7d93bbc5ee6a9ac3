/** Runs a model's forward pass for what it calls, not for numbers. */
import * as tf from "@tensorflow/tfjs-core";
import { OptionError } from "./errors.ts";
import type { AnyModule } from "./module.ts";
import type { Shape } from "./shapes.ts";
import { requireOwn } from "./usage.ts";

/** A call of a module's forward pass. */
export interface DryCall {
  readonly module: AnyModule;
  readonly inputs: readonly unknown[];
  /** Whether it is a layer that only said which shape its output has. */
  readonly isLeaf: boolean;
}

/** What is told on the way; calls within a call come between its two. */
export interface DryObserver {
  enter?(call: DryCall): void;
  leave?(call: DryCall & { readonly output: unknown }): void;
}

interface LeafLayer {
  outputShape(input: Shape): number[];
}

/** The shape of an input, or an error that names it. */
export function checkInputShape(owner: string, name: string, shape: unknown): asserts shape is Shape {
  const isShape = Array.isArray(shape) && shape.length > 0 && shape.every((n) => Number.isSafeInteger(n) && n >= 1);
  if (!isShape) {
    throw new OptionError(owner, name, shape, "positive whole numbers, the batch first");
  }
}

/**
 * Runs the forward pass of a model on zeros, in evaluation mode. Layers that know their output's shape are not computed, so it takes milliseconds for large
 * models too, and neither parameters nor running statistics nor modes change.
 *
 * @param model any module that takes tensors
 * @param inputShapes shapes of its inputs, with the batch
 * @param observer is told of each call
 * @throws {ShapeError} where the input does not fit, naming the layer
 * @throws {UnregisteredModuleError} where it uses layers that are no part of it
 */
export function dryRun(model: AnyModule, inputShapes: readonly Shape[], observer: DryObserver): void {
  const modules = model.modules();
  const modes = modules.map(({ training }) => training);
  const restore = modules.map((module) => watchCalls(module, observer));
  try {
    model.eval();
    requireOwn(model, () =>
      tf.tidy(() => {
        model.forward(...inputShapes.map((shape) => tf.zeros([...shape])));
      }),
    );
  } finally {
    for (const undo of restore) {
      undo();
    }
    modules.forEach((module, i) => {
      module.training = modes[i] as boolean;
    });
  }
}

/** Puts a forward pass that tells of itself in the place of a module's own; gives what puts it back. */
function watchCalls(module: AnyModule, { enter, leave }: DryObserver): () => void {
  const own = Object.getOwnPropertyDescriptor(module, "forward");
  const forward = module.forward as (...inputs: unknown[]) => unknown;
  const leaf = module as unknown as LeafLayer;
  const isLeaf = module.children().length === 0 && typeof leaf.outputShape === "function";
  module.forward = (...inputs: unknown[]) => {
    const call = { module, inputs, isLeaf };
    enter?.(call);
    const input = inputs[0] instanceof tf.Tensor ? inputs[0].shape : [];
    const output = isLeaf ? tf.zeros(leaf.outputShape(input)) : forward.apply(module, inputs);
    leave?.({ ...call, output });
    return output;
  };
  return () => {
    if (own === undefined) {
      delete (module as { forward?: unknown }).forward;
    } else {
      Object.defineProperty(module, "forward", own);
    }
  };
}
