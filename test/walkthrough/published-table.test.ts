/**
 * The published table of Tutorial 5, to the last digit: all 15,000 images, on the best backend of this machine.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { selectBackend, tutorial5 } from "convbook";
import { beforeAll, describe, expect, it } from "vitest";

const mirror = fileURLToPath(new URL("../../../shared/data/uva-tutorial5", import.meta.url));
const available = process.env.CI !== undefined || existsSync(mirror) || process.env.CONVBOOK_MIRROR !== undefined;
if (!available) {
  console.log(
    "Left out: the published table. Set CONVBOOK_MIRROR to a folder with the tutorial's checkpoints (datasets/uva-tutorial5.json).",
  );
}

describe.runIf(available)("the published table", () => {
  let rows: readonly tutorial5.TableRow[];

  beforeAll(async () => {
    await selectBackend({ training: false });
    const models = await tutorial5.loadModels({ mirror: process.env.CONVBOOK_MIRROR ?? mirror });
    const loaders = await tutorial5.createLoaders(tutorial5.splitImageCount(15_000));
    rows = tutorial5.tableRows(await tutorial5.evaluateModels(models, loaders));
  }, 1_200_000);

  it.each(tutorial5.modelNames)("%s gives the published accuracies and size", (name) => {
    expect(rows.find(({ model }) => model === name)).toEqual({ model: name, ...tutorial5.publishedTable[name] });
  });

  it("is what the tutorial prints, in percent", () => {
    expect(rows.map(({ val }) => (100 * val).toFixed(2))).toEqual(["90.40", "91.84", "91.80", "90.72"]);
    expect(rows.map(({ test }) => (100 * test).toFixed(2))).toEqual(["89.70", "91.06", "91.07", "90.23"]);
    expect(rows.map(({ parameters }) => parameters)).toEqual([260_650, 272_378, 272_250, 239_146]);
  });
});
