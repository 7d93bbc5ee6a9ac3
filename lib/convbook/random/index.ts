export { fillBernoulli, fillNormal, fillUniform } from "./fill.ts";
export { beta, dirichlet, gamma } from "./gamma.ts";
export { defaultGenerator, Generator, manualSeed } from "./generator.ts";
export {
  bernoulli,
  type FloatTensorData,
  type LongTensorData,
  type RandomOptions,
  rand,
  randint,
  randn,
  randperm,
} from "./tensors.ts";
