export { leaksInFile, leaksInNotebook, type Secret, secretsOf } from "./leaks.ts";
export { type Made, type MakeOptions, makeAssignment, type ProvenNotebook } from "./make.ts";
export { environmentOf, type Proof, type ProofOptions, proveSolution, proveUntouched } from "./prove.ts";
export { type Edition, release, textFor } from "./release.ts";
export { codeStub, textStub } from "./stubs.ts";
export { variantOf, withValues } from "./variants.ts";
