/** Willem van Schaik's PngSuite, which is not ours to hand on: `CONVBOOK_PNGSUITE` names a folder that it lies in. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "convbook";
import { describe, expect, test } from "vitest";
import { decodePng } from "../../lib/convbook/data/formats/png.ts";
import expected from "./fixtures/pngsuite.json" with { type: "json" };

const folder = process.env.CONVBOOK_PNGSUITE;
if (folder === undefined) {
  console.log("Left out: PngSuite. CONVBOOK_PNGSUITE names no folder with its files.");
}

describe.skipIf(folder === undefined)("PngSuite, as Pillow decodes it", () => {
  test.each(Object.entries(expected))("%s", (name, want) => {
    const bytes = readFileSync(join(folder as string, name));
    if (want === null) {
      expect(() => decodePng(bytes, name)).toThrow(DataError);
      return;
    }
    const { shape, data } = decodePng(bytes, name);
    expect({ shape, sha256: createHash("sha256").update(data).digest("hex") }).toEqual(want);
  });
});
