/** Residual blocks by the names that hyper-parameters have for them: the library's, and those of its users. */
import { PreActResNetBlock, ResNetBlock, type ResNetBlockOptions } from "../nn/blocks/index.ts";
import { type AnyModule, UnknownNameError } from "../nn/index.ts";
import { checkedRegistration, type Made, made } from "./registration.ts";

/**
 * Blocks that users register, for the types: name and type of the block, to be declared beside {@link registerBlock}.
 *
 * @example
 * declare module "convbook" {
 *   interface RegisteredBlocks {
 *     SEBlock: SEBlock;
 *   }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: users add to it, by declaration merging.
export interface RegisteredBlocks {}

/** Name of a residual block of {@link ResNet}. */
export type ResNetBlockName = "ResNetBlock" | "PreActResNetBlock" | keyof RegisteredBlocks;

/** A residual block's class, or a function that makes one: given the input's channels and activation, subsampling and width. The block takes
 * [N, H, W, C] and gives the same, or half as high and wide with cOut channels where it subsamples. */
export type MakeBlock = Made<[cIn: number, options: ResNetBlockOptions], AnyModule>;

/** Options of {@link registerBlock}. */
export interface RegisterBlockOptions {
  /** Whether the block begins with its own normalisation and activation, so that none follow the network's first convolution; false by default. */
  readonly preActivation?: boolean;
}

interface Entry {
  readonly make: MakeBlock;
  readonly preActivation: boolean;
}

const own: ReadonlyMap<string, Entry> = new Map([
  ["ResNetBlock", { make: ResNetBlock, preActivation: false }],
  ["PreActResNetBlock", { make: PreActResNetBlock, preActivation: true }],
]);
const registered = new Map<string, Entry>();

/**
 * Adds a residual block under a name that `blockName` of {@link ResNet} may have, in programs, configurations and checkpoints.
 *
 * In a notebook a later block of the same name replaces the earlier, so that a cell can be run again; elsewhere a name is registered once.
 *
 * @param name for example "SEBlock"; none of the library's own
 * @param make the block's class, or a function that makes one, called with (cIn, { actFn, subsample, cOut })
 * @throws {OptionError} for a name that is taken
 *
 * @example
 * registerBlock("SEBlock", SEBlock);
 * createModel("ResNet", { blockName: "SEBlock" });
 */
export function registerBlock(name: string, make: MakeBlock, options: RegisterBlockOptions = {}): void {
  const { preActivation = false } = checkedRegistration("registerBlock", name, make, options, ["preActivation"], {
    own: own.has(name),
    registered: registered.has(name),
  });
  registered.set(name, { make, preActivation });
}

/** Names of all residual blocks of {@link ResNet}. */
export function residualBlockNames(): readonly ResNetBlockName[] {
  return [...own.keys(), ...registered.keys()] as ResNetBlockName[];
}

/**
 * What is known of the block of this name.
 *
 * @throws {UnknownNameError} with the nearest names
 */
export function residualBlock(name: ResNetBlockName): {
  readonly preActivation: boolean;
  readonly create: (cIn: number, options: ResNetBlockOptions) => AnyModule;
} {
  const entry = own.get(name) ?? registered.get(name);
  if (entry === undefined) {
    throw new UnknownNameError("residual block", name, residualBlockNames());
  }
  return { preActivation: entry.preActivation, create: (...args) => made(entry.make, `The block ${name}`, args) };
}
