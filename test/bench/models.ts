/**
 * `npm run bench -- models FOLDER [NAME ...]`: every model of TensorFlow.js in a folder, graph or layers, by the engine and by tfjs's CPU backend. A
 * folder of unpacked npm packages will do; names are parts of models' names. Sizes that a model leaves open are 1 for the batch and 32 otherwise.
 */
import { engine } from "@convbook/engine";
import { expectedOf } from "../engine/models/expected.ts";
import { findModels } from "../engine/models/find-models.ts";
import { compareFile } from "../engine/models/run-model.ts";
import type { BenchResult, BenchRow } from "./main.ts";

export async function run([folder, ...names]: readonly string[]): Promise<BenchResult> {
  if (folder === undefined) {
    throw new Error("Usage: npm run bench -- models FOLDER [NAME ...]");
  }
  if (!engine.available) {
    throw new Error(`The native engine is not available: ${engine.reason}`);
  }
  const rows: BenchRow[] = [];
  for (const { name, file } of await findModels(folder)) {
    if (names.length > 0 && !names.some((part) => name.includes(part))) {
      continue;
    }
    const outcome = await compareFile(file, 5);
    rows.push({
      model: name,
      input: outcome.inputs.map((shape) => shape.join(" x ")).join(", "),
      difference: outcome.difference.toExponential(1),
      allowed: expectedOf(name).difference,
      fallbacks: outcome.fallbacks.join(", "),
      cpu: Math.round(outcome.cpu),
      native: Number(outcome.native.toPrecision(3)),
      ratio: Number((outcome.cpu / outcome.native).toPrecision(3)),
    });
  }
  const { isa, threads } = engine.info();
  const note =
    `${isa}, ${threads} threads. difference: the largest one of all outputs, as a share of the output's largest value; fallbacks: kernels that ran as ` +
    "the CPU backend's; cpu, native: milliseconds, of one run and the best of five";
  return { note, rows };
}
