/** A notebook's kernel is told which kernelspec the notebook names, so that ours checks it as that one would. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runNotebook, runNotebooks } from "../../lib/runner/index.ts";
import { kernelDir, temporaryFolder, writeNotebook } from "./support.ts";

const { path: folder, remove } = temporaryFolder();
afterAll(remove);

/** A queue's front may be null: https://github.com/icyphy/cal-analyzer, notebooks/ts/Delay-explicit.ipynb. */
const source =
  "function front(queue: number[]): number | null { return queue[0] ?? null }\nconst first: number = front([5]);";
const writtenFor = (name: string, language = "typescript") =>
  writeNotebook(folder, `${name}.ipynb`, [source], "convbook", { kernelspec: { name, language, display_name: name } });

test("one notebook", async () => {
  const options = { kernel: "convbook", kernelDir, output: null };
  expect((await runNotebook(writtenFor("tslab"), options)).status).toBe("passed");
  const own = await runNotebook(writtenFor("convbook"), options);
  expect(own.cells[0]?.failure?.message).toContain("TS2322");
  // As far as its name goes: it is TypeScript, not JavaScript.
  expect((await runNotebook(writtenFor("jslab"), options)).status).toBe("passed");
});

test("many in one folder, with kernels that are started ahead", async () => {
  const paths = ["tslab", "convbook", "jslab", "tslab-2"].map((name) => writtenFor(name));
  const outcomes = await runNotebooks(paths, { kernel: "convbook", kernelDir, save: false });
  expect(outcomes.map(({ status }) => status)).toEqual(["passed", "failed", "passed", "failed"]);
});

test("with a cache, another name is another run", async () => {
  const reasons: string[] = [];
  const run = async (path: string) =>
    runNotebooks([path], {
      kernel: "convbook",
      kernelDir,
      save: false,
      cache: join(folder, "cache"),
      onCacheMiss: (_, why) => reasons.push(why),
    });
  const path = writtenFor("tslab");
  expect((await run(path))[0]?.status).toBe("passed");
  expect((await run(path))[0]?.status).toBe("cached");
  writeFileSync(path, readFileSync(path, "utf8").replaceAll('"tslab"', '"convbook"'));
  expect((await run(path))[0]?.status).toBe("failed");
  expect(reasons).toEqual(["changed: the kernel"]);
});
