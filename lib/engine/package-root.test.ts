/** Where the engine's package is found from: its own files, bundles, and modules whose address is no file's. */
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { packageRoot } from "./package-root.ts";

const root = fileURLToPath(new URL(".", import.meta.url)).replace(/[/\\]$/, "");

it.each([
  ["a file of its own", import.meta.url],
  ["a bundler's name", "webpack-internal:///./node_modules/@convbook/engine/dist/index.js"],
  ["text that is evaluated", "data:text/javascript,0"],
  ["an address", "https://example.org/engine.js"],
])("is found from %s", (_, address) => {
  expect(packageRoot(address)).toBe(root);
});

it("is not found from a file beside which it is not installed", () => {
  expect(packageRoot("file:///nowhere/at/all/bundle.mjs")).toBeUndefined();
});
