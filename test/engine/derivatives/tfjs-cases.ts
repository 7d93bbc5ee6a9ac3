/** For every kernel that tfjs-core registers a gradient for: where it is differentiated. */
import { arrayCases } from "./array-cases.ts";
import type { DerivativeCase } from "./check.ts";
import { elementCases } from "./element-cases.ts";
import { imageCases } from "./image-cases.ts";

export const tfjsCases: Readonly<Record<string, readonly DerivativeCase[]>> = {
  ...elementCases,
  ...arrayCases,
  ...imageCases,
};
