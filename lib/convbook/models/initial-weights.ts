/** The initial weights that torchvision's classifiers have in common. */
import { type AnyModule, Conv2d, init, Linear, type Parameter } from "../nn/index.ts";

/**
 * Draws weights in the modules' order: convolutions by Kaiming's rule for what leaves them, biases 0.
 *
 * @param modules of the network, as `modules()` gives them
 * @param ofLinear draws the weights of a linear layer; from a normal distribution with a deviation of 0.01 by default
 */
export function drawInitialWeights(
  modules: Iterable<AnyModule>,
  ofLinear: (weight: Parameter) => void = (weight) => init.normal_(weight, 0, 0.01),
): void {
  for (const module of modules) {
    if (module instanceof Conv2d) {
      init.kaimingNormal_(module.weight, { mode: "fanOut", nonlinearity: "relu" });
    } else if (module instanceof Linear) {
      ofLinear(module.weight);
    }
    if ((module instanceof Conv2d || module instanceof Linear) && module.bias !== null) {
      init.zeros_(module.bias);
    }
  }
}
