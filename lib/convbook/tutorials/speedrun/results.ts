/** Results that were measured, in a file beside the notebook. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { OptionError } from "../../arguments/option-error.ts";
import { writeFileAtomic } from "../../files/index.ts";
import { checkRecipe, type Recipe } from "./recipe.ts";
import type { SpeedrunResult } from "./train.ts";

/** A training, and where it ran. */
export interface Measured extends SpeedrunResult {
  /** The processor's name. */
  readonly processor: string;
  /** How many of its cores. */
  readonly cores: number;
  /** Day, as 2026-01-31. */
  readonly date: string;
}

/** A file of results. */
export interface Results {
  readonly recipe: Recipe;
  readonly runs: readonly Measured[];
}

/**
 * Reads a file of results; an empty one for the recipe where there is none.
 *
 * @throws Error where its results are of another recipe
 */
export async function readResults(path: string, recipe: Recipe): Promise<Results> {
  if (typeof path !== "string" || path === "") {
    throw new OptionError("readResults", "path", path, "a file's path");
  }
  checkRecipe("readResults", recipe);
  if (!existsSync(path)) {
    return { recipe, runs: [] };
  }
  const results = JSON.parse(await readFile(path, "utf8")) as Results;
  if (JSON.stringify(results.recipe) !== JSON.stringify(recipe)) {
    throw new Error(`${path} has results of another recipe. Move it away to measure this one.`);
  }
  return results;
}

/** Adds a training that ran here, just now. */
export async function addResult(path: string, recipe: Recipe, result: SpeedrunResult): Promise<Results> {
  if (typeof result?.accuracy !== "number") {
    throw new OptionError("addResult", "result", result, "what train gave");
  }
  const { runs } = await readResults(path, recipe);
  const [first] = cpus();
  const measured = {
    ...result,
    processor: first?.model.trim() ?? "",
    cores: cpus().length,
    date: new Date().toISOString().slice(0, 10),
  };
  const results = { recipe, runs: [...runs.filter(({ seed }) => seed !== result.seed), measured] };
  await writeFileAtomic(path, `${JSON.stringify(results, null, 2)}\n`);
  return results;
}

/** Mean and standard deviation of the accuracy, and how many trainings stand behind them. */
export interface Summary {
  readonly seeds: number;
  readonly accuracy: number;
  /** Of a sample, with one degree of freedom taken off; 0 for one training. */
  readonly deviation: number;
  readonly plainAccuracy: number;
  readonly cpuSeconds: number;
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function deviationOf(values: readonly number[]): number {
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1));
}

export function summarize(results: Results): Summary {
  const runs: unknown = results?.runs;
  if (!Array.isArray(runs)) {
    throw new OptionError("summarize", "results", results, "results, as readResults gives them");
  }
  return summaryOf(runs);
}

function summaryOf(runs: readonly Measured[]): Summary {
  const accuracies = runs.map(({ accuracy }) => accuracy);
  return {
    seeds: runs.length,
    accuracy: meanOf(accuracies),
    deviation: deviationOf(accuracies),
    plainAccuracy: meanOf(runs.map(({ plainAccuracy }) => plainAccuracy)),
    cpuSeconds: meanOf(runs.map(({ cpuSeconds }) => cpuSeconds)),
  };
}
