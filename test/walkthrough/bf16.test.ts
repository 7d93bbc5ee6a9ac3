/** What inference in bf16 does to the accuracy of the tutorial's four networks on the 10,000 test images. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { engine } from "@convbook/engine";
import { selectBackend, tutorial5 } from "convbook";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const mirror = fileURLToPath(new URL("../../../shared/data/uva-tutorial5", import.meta.url));
const data = process.env.CI !== undefined || existsSync(mirror) || process.env.CONVBOOK_MIRROR !== undefined;
if (!data) {
  console.log(
    "Left out: accuracies in bf16. Set CONVBOOK_MIRROR to a folder with the tutorial's checkpoints (datasets/uva-tutorial5.json).",
  );
}
const bf16 = engine.available && engine.info().hasBf16;
if (!bf16) {
  console.log("Left out: accuracies in bf16, which this processor does not have");
}

describe.runIf(data && bf16)("accuracy in bf16", () => {
  let rows: readonly tutorial5.TableRow[];

  beforeAll(async () => {
    await selectBackend({ training: false });
    const models = await tutorial5.loadModels({ mirror: process.env.CONVBOOK_MIRROR ?? mirror });
    const loaders = await tutorial5.createLoaders(tutorial5.splitImageCount(15_000));
    engine.setPrecision("bf16", { strict: true });
    rows = tutorial5.tableRows(await tutorial5.evaluateModels(models, loaders));
  });
  afterAll(() => {
    engine.setPrecision("float32");
  });

  it.each(tutorial5.modelNames)("%s keeps its published accuracy to 0.3 points", (name) => {
    const row = rows.find(({ model }) => model === name) as tutorial5.TableRow;
    const published = tutorial5.publishedTable[name];
    console.log(
      `${name}: test ${row.test} (float32 ${published.test}), validation ${row.val} (float32 ${published.val})`,
    );
    expect(Math.abs(row.test - published.test)).toBeLessThanOrEqual(0.003);
    expect(Math.abs(row.val - published.val)).toBeLessThanOrEqual(0.003);
  });

  it("does round: not all four give the accuracies of float32 to the digit", () => {
    const same = tutorial5.modelNames.every((name) => {
      const { test, val } = tutorial5.publishedTable[name];
      return rows.some((row) => row.model === name && row.test === test && row.val === val);
    });
    expect(same).toBe(false);
  });
});
