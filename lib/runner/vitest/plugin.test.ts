/** What the plugin hands on to the tests. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { testFile } from "./plugin.ts";

const folder = mkdtempSync(join(tmpdir(), "plugin-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("parameters arrive in the test's process as they were given, numbers that JSON does not have included", () => {
  const path = join(folder, "a.ipynb");
  writeFileSync(path, JSON.stringify({ cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 }));
  const parameters = {
    top: Number.POSITIVE_INFINITY,
    none: Number.NaN,
    big: 12345678901234567890n,
    zero: -0,
    x: [1.5],
  };
  const code = testFile(path, { parameters });
  const options = /new NotebookSession\("[^"]*", (.*)\);/.exec(code)?.[1];
  expect(new Function(`return ${options}`)()).toEqual({ parameters, timeout: 600 });
});
