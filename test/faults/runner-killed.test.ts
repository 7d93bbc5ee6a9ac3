/** The runner killed during a save, fifty times: what is under the notebook's name is always one whole save. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runNotebook } from "../../lib/runner/index.ts";
import { kernelDir, notebookJson, temporaryFolder } from "./support.ts";

const { path: folder, remove } = temporaryFolder();
afterAll(remove);

test("a notebook is whole whenever the process that saves it is killed", async () => {
  let leftovers = 0;
  for (let round = 0; round < 50; round++) {
    const path = join(folder, `${round}.ipynb`);
    const child = spawn(process.execPath, [join(import.meta.dirname, "save-loop.mjs"), path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    // It does nothing but save: whenever it is killed, it is killed during a save.
    await new Promise((done) => setTimeout(done, (round * 7.3) % 40));
    child.kill("SIGKILL");
    await once(child, "exit");
    const { cells } = JSON.parse(readFileSync(path, "utf8"));
    const count = cells[0].execution_count;
    expect(cells[0].outputs[0].text).toHaveLength(40_000 * count);
    expect(new Set(cells[0].outputs[0].text)).toEqual(new Set([`${count}\n`]));
    leftovers += readdirSync(folder).filter((name) => name.startsWith(`.${round}.ipynb.`)).length;
  }
  // It was killed in the middle of writing, and not only between.
  expect(leftovers).toBeGreaterThan(5);
});

test("the next run takes the leftovers of a killed one away", async () => {
  const path = join(folder, "again.ipynb");
  writeFileSync(path, JSON.stringify(notebookJson(["1 + 1"], "convbook")));
  // No process has the highest number that Linux allows.
  writeFileSync(join(folder, ".again.ipynb.4194303-00112233.tmp"), "half");
  expect((await runNotebook(path, { kernelDir })).status).toBe("passed");
  expect(readdirSync(folder).filter((name) => name.includes("again"))).toEqual(["again.ipynb"]);
});
