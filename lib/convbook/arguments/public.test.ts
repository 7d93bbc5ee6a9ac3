/** Every public function, constructor and `forward` names the argument that is wrong, says what it got, and never trips over it. */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, describe, expect, it } from "vitest";
import * as convbook from "../index.ts";
import { crystalRows } from "./testing/crystal-rows.ts";
import { dataRows } from "./testing/data-rows.ts";
import { detectionRows } from "./testing/detection-rows.ts";
import { fetchRows } from "./testing/fetch-rows.ts";
import { figureRows } from "./testing/figure-rows.ts";
import { lookRows } from "./testing/look-rows.ts";
import { makeRows } from "./testing/make-rows.ts";
import { modelRows } from "./testing/model-rows.ts";
import { nnRows } from "./testing/nn-rows.ts";
import { notTried } from "./testing/not-tried.ts";
import { complaint, misspeltCalls, outcomeOf, wrongCalls } from "./testing/probe.ts";
import { showRows } from "./testing/show-rows.ts";
import { trainingRows } from "./testing/training-rows.ts";

const rows = [
  ...nnRows,
  ...trainingRows,
  ...dataRows,
  ...figureRows,
  ...modelRows,
  ...crystalRows,
  ...detectionRows,
  ...lookRows,
  ...showRows,
  ...makeRows,
  ...fetchRows,
];

beforeAll(async () => {
  await tf.setBackend("cpu");
});

/** All functions and classes of the package by their paths, each once. */
function* exported(group: object, prefix = "", seen = new Set<unknown>()): Generator<[path: string, value: object]> {
  for (const [name, value] of Object.entries(group) as [string, unknown][]) {
    if (typeof value === "function" && !seen.has(value)) {
      seen.add(value);
      yield [prefix + name, value];
    } else if (Object.prototype.toString.call(value) === "[object Module]") {
      yield* exported(value as object, `${prefix}${name}.`, seen);
    }
  }
}

it("knows every export: each is tried below, or named among those that are not", () => {
  const tried = new Set(rows.map(({ name }) => name));
  const known = new Set([...tried, ...notTried]);
  const missing = [...exported(convbook)].flatMap(([name, value]) => {
    const hasForward =
      name.startsWith("nn.") &&
      typeof (value as { prototype?: { forward?: unknown } }).prototype?.forward === "function";
    return hasForward ? [name, `${name}#forward`] : [name];
  });
  expect(missing.filter((name) => !known.has(name))).toEqual([]);
  expect(notTried.filter((name) => tried.has(name) || !missing.includes(name))).toEqual([]);
});

describe("what is wrong is named", () => {
  it.each(rows.map((row) => [row.name, row] as const))("%s", async (_, row) => {
    const problems: string[] = [];
    const right = await outcomeOf(() => row.call(...row.args.map(({ good }) => good)));
    if ("error" in right) {
      problems.push(`refuses what is right: ${String(right.error)}`);
    }
    for (const { argument, value, args, title } of wrongCalls(row)) {
      const problem = complaint(argument, value, await outcomeOf(() => row.call(...args)));
      if (problem !== null) {
        problems.push(`${title}: ${problem}`);
      }
    }
    expect(problems, problems.join("\n")).toHaveLength(0);
  });
});

describe("an option that does not exist is named, with the nearest that does", () => {
  /** These are given data, which may have more about it than is asked for. */
  const given = ["detection.unstackMaps", "encodePng", "experiment.makeModule", "tutorial5.evaluateModels"];
  /** Hyper-parameters of a module go into its checkpoints; those of a subclass have more names. */
  const kept = ["PatternModule"];
  const withOptions = rows.filter(
    (row) => ![...given, ...kept].includes(row.name) && [...misspeltCalls(row)].length > 0,
  );

  it.each(withOptions.map((row) => [row.name, row] as const))("%s", async (_, row) => {
    for (const { option, args } of misspeltCalls(row)) {
      const outcome = await outcomeOf(() => row.call(...args));
      const message = "error" in outcome ? String(outcome.error) : "it was accepted";
      expect(message).toContain(`"${option}"`);
      expect(message).toContain(`Did you mean "${option.slice(0, -1)}"?`);
    }
  });
});
