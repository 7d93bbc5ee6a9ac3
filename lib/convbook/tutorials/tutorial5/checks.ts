/** What the tutorial's functions ask of results and models that they are given. */
import { OptionError } from "../../arguments/option-error.ts";
import { modelNames } from "./published.ts";

const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;

const isEvaluation = (value: unknown) =>
  typeof field(value, "total") === "number" && typeof field(value, "accuracy") === "number";

const isResult = (value: unknown) =>
  modelNames.some((name) => name === field(value, "name")) &&
  isEvaluation(field(value, "validation")) &&
  isEvaluation(field(value, "test"));

/** Requires a list of results of `evaluateModels`. */
export function checkResults(owner: string, results: unknown): void {
  if (!Array.isArray(results) || !results.every(isResult)) {
    throw new OptionError(owner, "results", results, "a list of results, as evaluateModels gives it");
  }
}

/** Requires one of these results. */
export function checkResult(owner: string, result: unknown): void {
  if (!isResult(result)) {
    throw new OptionError(owner, "result", result, "a result, as evaluateModels gives several");
  }
}

/** Requires all of the tutorial's models by name. */
export function checkModels(owner: string, models: unknown): void {
  const missing = modelNames.some(
    (name) => typeof field(field(field(models, name), "model"), "forward") !== "function",
  );
  if (missing) {
    throw new OptionError(owner, "models", models, "the tutorial's models, as loadModels gives them");
  }
}
