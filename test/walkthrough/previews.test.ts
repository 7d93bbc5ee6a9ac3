/** What GitHub shows of the notebooks is of these notebooks. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { folder, hashOf, notebookNames, pageOf, readPreviews } from "./preview-page.ts";

const previews = readPreviews();

describe("notebooks/previews", () => {
  it.each(notebookNames())("%s: the picture is small, and of the notebook as it is", (name) => {
    // Otherwise: run the notebook, then npm run previews out/NAME.ipynb.
    expect(previews[name]?.sources).toBe(hashOf(name));
    const file = readFileSync(join(folder, `previews/${name.slice(0, 2)}.png`));
    const { width, height } = PNG.sync.read(file);
    expect(width).toBeLessThanOrEqual(420);
    expect(height).toBeLessThanOrEqual(240);
    expect(file.length).toBeLessThan(150_000);
  });

  it("stand on the page with the tables of results", () => {
    expect(readFileSync(join(folder, "README.md"), "utf8")).toBe(pageOf(previews));
    expect(Object.keys(previews)).toEqual(notebookNames());
  });
});
