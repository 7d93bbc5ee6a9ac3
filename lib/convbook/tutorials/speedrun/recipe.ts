/** How the network is trained: all numbers of it. */
import { checkInteger } from "../../arguments/check.ts";
import { OptionError } from "../../arguments/option-error.ts";
import * as nn from "../../nn/index.ts";
import { SpeedrunNet, type SpeedrunNetOptions } from "./network.ts";

/** Three pools by two, and the whitening's pixel: smaller pictures come to nothing. */
const patchPixels = 8;

/** Epochs on pictures of one size. */
export interface Stage {
  /** Pixels a side, one more than the network's first group works on. */
  readonly size: number;
  readonly epochs: number;
}

export interface Recipe {
  readonly network: SpeedrunNetOptions;
  /** One after the other; pictures are shown at the last one's size afterwards. */
  readonly stages: readonly Stage[];
  readonly batchSize: number;
  /** Pixels by which pictures are moved at random, at most. */
  readonly translate: number;
  /** Share of the target that is spread over all classes. */
  readonly labelSmoothing: number;
  /** Whether mirroring alternates from epoch to epoch, or is drawn anew each time. */
  readonly alternatingFlip: boolean;
  /** Whether the first convolution is set from the data, or keeps the random weights that it has. */
  readonly whitening: boolean;
  /** Epochs in which the first convolution's bias is learned: the first ones. */
  readonly whiteningBias: number;
  /** For the filters: Muon, or SGD with Nesterov's momentum. The rate is Muon's, or SGD's for the sum of the losses. */
  readonly filters: { readonly optimizer: "Muon" | "SGD"; readonly lr: number; readonly momentum: number };
  /** Rates of SGD for the sum of a batch's losses: that of the mean, which is trained on, times the batch's size. */
  readonly biasLr: number;
  readonly headLr: number;
  readonly momentum: number;
  /** Share of biases and head that is taken off in each step, apart from the rates, for each sample of a batch. */
  readonly weightDecay: number;
  /** Lookahead around both optimizers, or none. */
  readonly lookahead: { readonly k: number; readonly alpha: number } | null;
  /** Share of the steps in which the rates grow, before they fall to 0. */
  readonly warmUp: number;
}

/**
 * The recipe of notebook 09. Rates, momenta, smoothing and decay are those of the literature (K. Jordan's record with Muon, github.com/KellerJordan/cifar10-airbench),
 * Muon's rate and momentum for twice as many steps of half the size; sizes and epochs are for processors.
 */
export const recipe: Recipe = {
  network: {},
  stages: [
    { size: 25, epochs: 4 },
    { size: 33, epochs: 5 },
  ],
  batchSize: 1000,
  translate: 2,
  labelSmoothing: 0.2,
  alternatingFlip: true,
  whitening: true,
  whiteningBias: 3,
  filters: { optimizer: "Muon", lr: 0.18, momentum: 0.7 },
  biasLr: 0.053,
  headLr: 0.67,
  momentum: 0.85,
  weightDecay: 2e-6,
  lookahead: null,
  warmUp: 0,
};

/** @throws {OptionError} where it is no recipe */
export function checkRecipe(owner: string, given: Recipe): void {
  const { stages, batchSize } = (given ?? {}) as Partial<Recipe>;
  const isStage = ({ size, epochs }: Stage) =>
    Number.isInteger(size) && size > patchPixels && Number.isInteger(epochs) && epochs >= 0;
  if (!Array.isArray(stages) || stages.length === 0 || !stages.every(isStage) || !Number.isInteger(batchSize)) {
    throw new OptionError(owner, "recipe", given, "a recipe, such as speedrun.recipe with some of it changed");
  }
}

/** Epochs of all stages. */
export function epochsOf({ stages }: Recipe): number {
  return stages.reduce((sum, { epochs }) => sum + epochs, 0);
}

/** The stage that an epoch belongs to. */
export function stageOf({ stages }: Recipe, epoch: number): Stage {
  let end = 0;
  const stage = stages.find(({ epochs }) => {
    end += epochs;
    return epoch < end;
  });
  if (stage === undefined) {
    throw new RangeError(`The recipe has ${end} epochs; got epoch ${epoch}.`);
  }
  return stage;
}

/** The size at which pictures are shown in the end. */
export function finalSize({ stages }: Recipe): number {
  return stages.at(-1)?.size ?? 0;
}

/**
 * Floating-point operations, as the literature counts them: a multiplication with addition is two, going back costs twice as much as going forward.
 * What Winograd's algorithm saves is not taken off.
 *
 * @param images training images in an epoch
 */
export function trainingOperations(recipe: Recipe, images: number): number {
  checkRecipe("trainingOperations", recipe);
  checkInteger("trainingOperations", "images", images, 0);
  const network = new SpeedrunNet(recipe.network);
  const batches = Math.floor(images / recipe.batchSize);
  const each = recipe.stages.map(({ size, epochs }) => {
    const { multiplyAdds } = nn.summary(network, { inputShape: [1, size, size, 3] });
    return 6 * multiplyAdds * batches * recipe.batchSize * epochs;
  });
  network.dispose();
  return each.reduce((sum, operations) => sum + operations, 0);
}
