/** Helpers for tests in notebooks: what students' code gives, checked with messages that help, for part of the points. */
export { CheckError, type Comparison } from "./check-error.ts";
export { type Computes, type EquivalenceOptions, expectSameOutputs } from "./equivalence.ts";
export { type CheckBody, Grade, grade, gradeType, type WeightedCheck } from "./grade.ts";
export {
  expectGradients,
  expectLossFalls,
  expectParameterCount,
  type Loss,
  type ModelLike,
  type ParameterLike,
} from "./model.ts";
export { Random } from "./random.ts";
export { expectSpeed, type SpeedOptions, type Timed } from "./speed.ts";
export { expectSyntax, type SyntaxRule, type SyntaxRules } from "./syntax.ts";
export { expectTensor, TensorExpectation, type Tolerance } from "./tensor.ts";
export type { NumberList, TensorLike, Values } from "./values.ts";
