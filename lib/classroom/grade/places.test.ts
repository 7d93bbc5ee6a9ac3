/** What a submission's kernel needs to see of the machine, and what it must not find there. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packageFolders } from "./box.ts";
import { elsewhere } from "./elsewhere.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "convbook-places-")));
afterAll(() => rmSync(root, { recursive: true }));
const path = (name: string) => join(root, name);
const write = (name: string) => {
  mkdirSync(dirname(path(name)), { recursive: true });
  writeFileSync(path(name), "{}");
};

describe("the same notebooks elsewhere", () => {
  it("are solutions, the source, what was handed out, and files beside; not the grader's own, nor what only has packages", () => {
    write("course/dist/grader/blocks.ipynb");
    write("course/dist/solution/blocks.ipynb");
    write("course/dist/student/blocks.ipynb");
    write("course/source/blocks.ipynb");
    write("course/old/2025/blocks.ipynb");
    write("course/blocks.ipynb");
    write("course/other/stems.ipynb");
    write("course/node_modules/kit/blocks.ipynb");
    write("desk/blocks.ipynb");
    expect(elsewhere(path("course/dist/grader"), ["blocks.ipynb"], path("desk")).sort()).toEqual(
      [
        "course/blocks.ipynb",
        "course/dist/solution",
        "course/dist/student",
        "course/old",
        "course/source",
        "desk/blocks.ipynb",
      ].map(path),
    );
  });

  it("are found by the names of variants' notebooks, and nowhere where there is nothing", () => {
    expect(elsewhere(path("course/dist/grader"), ["a/stems.ipynb"], path("nowhere"))).toEqual([path("course/other")]);
  });
});

describe("packages", () => {
  it("are those of the project furthest up", () => {
    write("project/node_modules/kit/package.json");
    write("project/lib/kernel/node_modules/part/package.json");
    expect(packageFolders(path("project/lib/kernel"), [])).toEqual([path("project")]);
  });

  it("beside homes are meant alone, really where they are", () => {
    write("shared/kit/package.json");
    mkdirSync(path("home/ada/course"), { recursive: true });
    symlinkSync(path("shared"), path("home/node_modules"));
    expect(packageFolders(path("home/ada/course"), [path("home")])).toEqual([path("home/ada/course"), path("shared")]);
  });
});
