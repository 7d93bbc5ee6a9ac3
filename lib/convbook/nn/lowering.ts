/** Running modules as blocks: see functional/block.ts. */
import type * as tf from "@tensorflow/tfjs-core";
import { BlockBuilder, type BlockValue, hasBlocks } from "./functional/block.ts";
import type { AnyModule } from "./module.ts";

/** A module that can describe its forward pass to a builder. */
export interface Lowerable {
  /**
   * Adds the module's operations.
   *
   * @returns its output, or null where it has something that blocks do not know
   */
  lower(builder: BlockBuilder, x: BlockValue): BlockValue | null;
}

/** Whether `lower` speaks for the module's own forward pass: a subclass may have overridden the latter alone. */
function isDescribed(module: AnyModule): module is AnyModule & Lowerable {
  for (let type: unknown = module; type !== null; type = Object.getPrototypeOf(type)) {
    if (Object.hasOwn(type as object, "lower")) return true;
    if (Object.hasOwn(type as object, "forward")) return false;
  }
  return false;
}

/** Adds a module's operations to a block; null where it cannot be part of one, for example because somebody watches it. */
export function lower(module: AnyModule, builder: BlockBuilder, x: BlockValue): BlockValue | null {
  return isDescribed(module) ? module.lower(builder, x) : null;
}

/** Adds modules one after the other; null where one of them cannot be part of a block. */
export function lowerAll(modules: Iterable<AnyModule>, builder: BlockBuilder, x: BlockValue): BlockValue | null {
  let value: BlockValue | null = x;
  for (const module of modules) {
    if (value === null) return null;
    value = lower(module, builder, value);
  }
  return value;
}

/**
 * Runs as many of the first modules as can be joined in a block.
 *
 * @returns their output and number; null where there is nothing to join, or no backend that could
 */
export function runAsBlock(modules: readonly AnyModule[], x: tf.Tensor): { y: tf.Tensor; count: number } | null {
  if (!hasBlocks() || x.rank !== 4 || x.dtype !== "float32" || x.size === 0) return null;
  let builder = new BlockBuilder(x as tf.Tensor4D);
  let value: BlockValue | null = builder.input;
  let count = 0;
  for (; count < modules.length; count++) {
    const module = modules[count] as AnyModule;
    if (!isDescribed(module)) break;
    const next = module.lower(builder, value);
    if (next === null) {
      // It may have described a part of itself: once more without it.
      builder = new BlockBuilder(x as tf.Tensor4D);
      value = lowerAll(modules.slice(0, count), builder, builder.input);
      break;
    }
    value = next;
  }
  if (count === 0) return null;
  const y = value === null || builder.convolutions === 0 ? null : builder.run(value);
  return y === null ? null : { y, count };
}
