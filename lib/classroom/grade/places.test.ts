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

describe("what lies around a grader", () => {
  const around = (grader: string, notebooks: string[], ...places: string[]) =>
    elsewhere({
      folder: path(grader),
      notebooks,
      places: places.map(path),
      needed: [path("course/tools/node")],
    }).sort();

  it("is hidden where a teacher works: all but packages, where links among them lead, and what the kernel needs", () => {
    write("course/dist/grader/blocks.ipynb");
    write("course/dist/solution/blocks.ipynb");
    write("course/dist/student/blocks.ipynb");
    write("course/source/blocks.ipynb");
    write("course/marks.csv");
    write("course/package.json");
    write("course/node_modules/kit/blocks.ipynb");
    write("course/tools/node/bin/node");
    write("course/own-kit/index.ts");
    symlinkSync(path("course/own-kit"), path("course/node_modules/own-kit"));
    write("desk/notes.txt");
    expect(around("course/dist/grader", ["blocks.ipynb"], "desk")).toEqual(
      [
        "course/dist",
        "course/dist/grader",
        "course/dist/solution",
        "course/dist/student",
        "course/marks.csv",
        "course/source",
        "desk/notes.txt",
      ].map(path),
    );
  });

  it("is hidden in a repository of packages where it has the same notebooks, or their results", () => {
    mkdirSync(path("repository"));
    writeFileSync(path("repository/package.json"), JSON.stringify({ workspaces: ["lib/kit"] }));
    write("repository/lib/kit/index.ts");
    write("repository/datasets/digits.json");
    write("repository/made/grader/a/stems.ipynb");
    write("repository/teaching/stems.ipynb");
    write("repository/last-year/ada/stems.graded.ipynb");
    write("repository/other/leaves.ipynb");
    expect(around("repository/made/grader", ["a/stems.ipynb"])).toEqual(
      ["repository/last-year", "repository/made/grader", "repository/teaching"].map(path),
    );
  });
});

it("hides no packages of a grader that lies among them", () => {
  write("desk-2/node_modules/kit/index.js");
  write("desk-2/node_modules/@scope/kit/index.js");
  write("desk-2/node_modules/course/grader/blocks.ipynb");
  write("desk-2/node_modules/course/solution/blocks.ipynb");
  write("desk-2/node_modules/@scope/course/grader/blocks.ipynb");
  write("desk-2/essay.txt");
  for (const grader of ["course/grader", "@scope/course/grader"]) {
    const folder = path(`desk-2/node_modules/${grader}`);
    const found = elsewhere({ folder, notebooks: ["blocks.ipynb"], places: [path("desk-2")], needed: [] });
    expect(found).toContain(path("desk-2/essay.txt"));
    expect(found).toContain(folder);
    expect(found.filter((each) => each.includes("kit"))).toEqual([]);
  }
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
