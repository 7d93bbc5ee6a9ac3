/**
 * Whole models by the engine and by tfjs's CPU backend: such as tfjs makes on the spot, and those in the folder that CONVBOOK_MODELS names, public
 * ones of npm packages for example, which are not ours to hand on.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engine, fileSystem } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import "../support.ts";
import { expectedOf, publicModels } from "./expected.ts";
import { findModels } from "./find-models.ts";
import { detectorGraph, layersModels } from "./made-models.ts";
import { compareFile, compareTraining } from "./run-model.ts";

const folder = process.env.CONVBOOK_MODELS ?? "";
const found = folder === "" || !engine.available ? [] : await findModels(folder);
const missing = Object.keys(publicModels).filter((name) => !found.some((model) => model.name === name));
if (missing.length > 0) {
  const packages = [...new Set(missing.map((name) => name.split("/").slice(0, 2).join("/")))];
  console.log(
    `Left out: ${missing.length} public models; CONVBOOK_MODELS names no folder with ${packages.join(", ")} of npm, unpacked.`,
  );
}

describe.runIf(engine.available)("models that tfjs makes", () => {
  let home = "";
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "models-"));
  });
  afterAll(() => rm(home, { recursive: true }));

  it.each(Object.entries(layersModels))("%s: outputs and a step of training", async (name, make) => {
    await tf.setBackend("cpu");
    const model = make();
    const place = join(home, name.replace(/\W+/g, "-"));
    await model.save(fileSystem(place));
    model.dispose();
    const outcome = await compareFile(join(place, "model.json"), 2);
    expect(outcome.difference).toBeLessThan(1e-5);
    expect([outcome.fallbacks, outcome.left]).toEqual([[], 0]);
    expect(await compareTraining(join(place, "model.json"))).toBeLessThan(1e-5);
  });

  it("a graph that ends as detectors do", async () => {
    const place = join(home, "detector");
    await fileSystem(place).save(detectorGraph());
    const outcome = await compareFile(join(place, "model.json"), 2);
    expect(outcome.outputs).toBe(9);
    expect(outcome.difference).toBeLessThan(1e-6);
    expect([outcome.fallbacks, outcome.left]).toEqual([[], 0]);
  });
});

describe.runIf(found.length > 0)("models of CONVBOOK_MODELS", () => {
  it.each(found.map(({ name, file }) => [name, file] as const))(
    "%s",
    async (name, file) => {
      const outcome = await compareFile(file, 2);
      const { inputs, outputs, difference } = expectedOf(name);
      expect(outcome.difference).toBeLessThanOrEqual(difference);
      expect([outcome.fallbacks, outcome.left]).toEqual([[], 0]);
      expect([inputs ?? outcome.inputs, outputs ?? outcome.outputs]).toEqual([outcome.inputs, outcome.outputs]);
    },
    600_000,
  );
});
