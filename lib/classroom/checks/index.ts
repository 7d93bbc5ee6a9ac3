/** Helpers for tests in notebooks: what students' code gives, checked with messages that help, for part of the points. */
import { CheckError } from "./check-error.ts";
import { Grade } from "./grade.ts";
import { freeze } from "./intrinsics.ts";
import { Random } from "./random.ts";
import { TensorExpectation } from "./tensor.ts";

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

// Whoever has one of these could change what all others do.
for (const made of [CheckError, Grade, Random, TensorExpectation]) {
  freeze(made.prototype);
  freeze(made);
}
