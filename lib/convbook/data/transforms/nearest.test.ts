/** Resizing to the nearest pixel, against torchvision and Pillow. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import fixture from "../fixtures/nearest.json" with { type: "json" };
import { Resize } from "./index.ts";

test.each(Object.entries(fixture))("Resize of %s pixels to 1 to 300 takes torchvision's", (length, hash) => {
  const old = Number(length);
  const data = Uint8Array.from({ length: old }, (_, i) => i);
  const taken = createHash("sha256");
  for (let size = 1; size <= 300; size++) {
    const across = new Resize([1, size], { interpolation: "nearest" });
    const down = new Resize([size, 1], { interpolation: "nearest" });
    taken.update(across.apply({ dtype: "uint8", shape: [1, old, 1], data }).data);
    taken.update(down.apply({ dtype: "uint8", shape: [old, 1, 1], data }).data);
  }
  expect(taken.digest("hex")).toBe(hash);
});
