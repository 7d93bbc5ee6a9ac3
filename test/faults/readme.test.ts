/** The examples of the runner's README are run, so that they cannot lie. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import * as runner from "../../lib/runner/index.ts";
import { repository, temporaryFolder, writeNotebook } from "./support.ts";

const { path: folder, remove } = temporaryFolder();
afterAll(remove);

const readme = readFileSync(join(repository, "lib/runner/README.md"), "utf8");
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map((match) => match[1] ?? "");

test("the program runs a notebook and makes a page of it", () => {
  const program = blocks("ts").find((block) => block.includes("runNotebook"));
  writeFileSync(join(folder, "program.mts"), program ?? "");
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
  writeNotebook(
    folder,
    "demo.ipynb",
    [{ source: "let epochs: number = 1;", tags: ["parameters"] }, "console.log(epochs, 'epochs');"],
    "convbook",
  );
  const tsx = join(repository, "node_modules/tsx/dist/cli.mjs");
  const { stdout, stderr, status } = spawnSync(process.execPath, [tsx, "program.mts"], {
    cwd: folder,
    encoding: "utf8",
  });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  expect(stdout).toContain("3/3 console.log(epochs, 'epochs');\n3 epochs\n");
  expect(existsSync(join(folder, "out/demo.ipynb")) && existsSync(join(folder, "out/demo.html"))).toBe(true);
});

test("the settings that it shows are those that there are", () => {
  const settings = JSON.parse(blocks("json")[0] ?? "");
  expect(Object.keys(settings.runner)).toEqual([
    "timeout",
    "notebookTimeout",
    "fast",
    "raises",
    "rtol",
    "atol",
    "sanitize",
    "compare",
    "expect",
    "data",
  ]);
});

test("the functions that it names exist", () => {
  const named = [...readme.slice(readme.indexOf("## From a program")).matchAll(/`([A-Za-z]+)`/g)].map(
    (match) => match[1] ?? "",
  );
  expect(named.length).toBeGreaterThan(10);
  expect(
    named.filter(
      (name) =>
        /^(to|run|compare|strip|validate|upgrade|junit|markdown|github|json|Live|Kernel|Notebook)/.test(name) &&
        !(name in runner),
    ),
  ).toEqual([]);
});
