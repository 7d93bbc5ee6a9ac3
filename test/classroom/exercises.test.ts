/** The exercises, made and proven as a teacher does it: the solution gets all points, an untouched notebook none. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { joinLines } from "nbconvert-ts-runner";
import { afterAll, describe, expect, test } from "vitest";
import { makeAssignment } from "../../lib/classroom/make/index.ts";
import { readAssignment } from "../../lib/classroom/source/index.ts";

const exercises = fileURLToPath(new URL("../../notebooks/exercises", import.meta.url));
const names = readdirSync(exercises, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

// Inside of the repository, where notebooks find its packages.
const out = mkdtempSync(join(exercises, "..", "..", "node_modules", ".exercises-"));
afterAll(() => rmSync(out, { recursive: true }));

test("there are four", () => {
  expect(names).toEqual(["augmentation", "dense-block", "residual-block", "training-loop"]);
});

describe.each(names)("%s", (name) => {
  test("is proven", async () => {
    const { notebooks, points, notes } = await makeAssignment(join(exercises, name), join(out, name));
    expect(notes).toEqual([]);
    expect(notebooks).toHaveLength(1);
    const [{ automatic, manual } = { automatic: 0, manual: 0 }] = notebooks;
    expect(automatic + manual).toBe(points);
    expect(automatic).toBeGreaterThanOrEqual(10);
  });

  test("has cells that a page of 1280 pixels shows without scrolling sideways", () => {
    const lines = readAssignment(join(exercises, name)).notebooks.flatMap(({ notebook }) =>
      notebook.cells
        .filter(({ cell_type }) => cell_type === "code")
        .flatMap(({ source }) => joinLines(source).split("\n")),
    );
    expect(lines.filter((line) => line.length > 94)).toEqual([]);
  });

  test("has a guide whose table of points is that of the notebook", () => {
    const guide = readFileSync(join(exercises, name, "teacher", "guide.md"), "utf8");
    for (const part of ["**Aims.**", "## Common mistakes", "## Grading task"]) {
      expect(guide).toContain(part);
    }
    const rows = [...guide.matchAll(/^\|.*\| (\d+) \| (program|person) \|$/gm)];
    const graded = readAssignment(join(exercises, name)).notebooks.flatMap(({ cells }) =>
      cells.filter(({ points }) => points > 0),
    );
    expect(rows.map(([, points, by]) => [Number(points), by])).toEqual(
      graded.map(({ points, role }) => [points, role === "tests" ? "program" : "person"]),
    );
  });
});
