/** The optimizers of the recipe: Muon for the filters, SGD for the rest, each with rates that rise and fall. */
import type { Parameter } from "../../nn/index.ts";
import { Lookahead, Muon, type Optimizer, SGD } from "../../training/optimizers/index.ts";
import { LambdaLR } from "../../training/schedulers/index.ts";
import type { SpeedrunNet } from "./network.ts";
import type { Recipe } from "./recipe.ts";

export interface Optimization {
  readonly optimizers: readonly Optimizer[];
  readonly schedulers: readonly LambdaLR[];
}

/** Iterations of Newton and Schulz that are enough here. */
const nsSteps = 3;

/** @param steps of the whole training */
export function optimizersOf(network: SpeedrunNet, recipe: Recipe, steps: number): Optimization {
  const { batchSize, weightDecay, biasLr, headLr, momentum, filters: own, lookahead } = recipe;
  const learned = network.parameters().filter(({ requiresGrad }) => requiresGrad);
  const filters = learned.filter(({ shape }) => shape.length === 4);
  const biases = learned.filter(({ shape }) => shape.length === 1);
  const decay = weightDecay * batchSize;
  // SGD takes the decay times the rate: divided by the rate, it is the same for every rate.
  const group = (params: readonly Parameter[], sumLr: number) => {
    const lr = sumLr * batchSize;
    return { params, lr, weightDecay: decay / lr };
  };
  const groups = [group(biases, biasLr), group([network.head.weight], headLr)];
  const sgd = { lr: biasLr, momentum, nesterov: true };
  const optimizers: Optimizer[] =
    own.optimizer === "Muon"
      ? [
          new SGD(groups, sgd),
          new Muon(filters, {
            lr: own.lr,
            momentum: own.momentum,
            nsSteps,
            adjustLrFn: "none",
            normalize: true,
            weightDecay: 0,
          }),
        ]
      : [new SGD([...groups, group(filters, own.lr)], sgd)];
  const wrapped = lookahead === null ? optimizers : optimizers.map((each) => new Lookahead(each, lookahead));
  const rising = Math.max(1, Math.round(recipe.warmUp * steps));
  const lrLambda = (step: number) => Math.min((step + 1) / rising, Math.max(0, 1 - step / steps));
  return { optimizers: wrapped, schedulers: wrapped.map((each) => new LambdaLR(each, { lrLambda })) };
}
