/** A parity test without a reference says what to do about it; every reference has the script that makes it beside it. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { makingOf, readReference, referenceOf } from "./reference.ts";

const url = (path: string) => new URL(path, import.meta.url);

it("says which script makes a file or an entry that is not there", () => {
  expect(() => readReference(url("nn/fixtures/new-layers.json"))).toThrow(
    "test/parity/nn/fixtures/new-layers.json is not there: a script to be written as test/parity/nn/fixtures/make_new_layers.py makes it, " +
      "with a python3 that has PyTorch 1.13.",
  );
  expect(() => referenceOf(url("nn/fixtures/layers.json"), { relu: 1 }, "new layer")).toThrow(
    'test/parity/nn/fixtures/layers.json has no "new layer": give it a case there; test/parity/nn/fixtures/make_layers.py makes it, ' +
      "with a python3 that has PyTorch 1.13.",
  );
});

it.each(["nn/fixtures/", "training/fixtures/"])("each reference of %s has its script", (folder) => {
  const references = readdirSync(fileURLToPath(url(folder))).filter((name) => /\.(?:json|pt)$/.test(name));
  expect(references.length).toBeGreaterThan(0);
  for (const name of references) {
    expect(makingOf(fileURLToPath(url(folder + name)))).toMatch(/^test\/parity\/\S+\.py makes it/);
  }
});
