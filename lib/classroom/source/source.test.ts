import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cell, Notebook } from "nbconvert-ts-runner";
import { describe, expect, test } from "vitest";
import { ClassroomError } from "../errors.ts";
import {
  cellsOf,
  checksum,
  isUnchanged,
  type NbgraderMetadata,
  parseSettings,
  readAssignment,
  readMetadata,
  regionsOf,
  replaceRegions,
} from "./index.ts";

// Made by nbgrader itself (nbgrader_oracle.py beside it).
const oracle = JSON.parse(readFileSync(new URL("./testing/nbgrader.json", import.meta.url), "utf8")) as {
  metadata: { cellType: Cell["cell_type"]; given: unknown; error?: string; metadata?: unknown }[];
  checksums: { cellType: Cell["cell_type"]; source: string; metadata: NbgraderMetadata; checksum: string }[];
};

function cell(cellType: Cell["cell_type"], source: string, nbgrader?: unknown): Cell {
  const metadata = nbgrader === undefined ? {} : { nbgrader };
  return cellType === "code"
    ? { cell_type: "code", source, metadata, outputs: [], execution_count: null }
    : { cell_type: cellType, source, metadata };
}

const notebook = (...cells: Cell[]): Notebook => ({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 });
const answer = { schema_version: 3, grade: false, solution: true, locked: false, grade_id: "s" };
const graded = { schema_version: 3, grade: true, solution: false, locked: true, grade_id: "t", points: 2 };

function thrown(run: () => unknown): ClassroomError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ClassroomError);
    return error as ClassroomError;
  }
  throw new Error("nothing was thrown");
}

describe("metadata", () => {
  test.each(oracle.metadata.map((each) => [JSON.stringify(each.given), each] as const))(
    "is upgraded or refused as by nbgrader: %s",
    (_name, { cellType, given, error, metadata }) => {
      const read = readMetadata(cell(cellType, "x = 1", given === null ? undefined : given));
      expect(read.problems.length > 0).toBe(error !== undefined);
      expect(read.metadata ?? null).toEqual(metadata ?? null);
    },
  );

  test.each([
    [
      { ...graded, schema_version: 10 },
      "has nbgrader metadata of schema 10, which is newer than what is known here (3); save the notebook with nbgrader 0.9",
    ],
    [{ ...graded, points: -1 }, "has -1 as its points; expected a number that is 0 or more"],
    [{ ...graded, grade_id: "" }, "has an empty grade_id"],
    [{ ...graded, grade_id: "a b" }, 'has the grade_id "a b"; expected letters, digits, "_" and "-"'],
    [{ ...graded, points: undefined }, "has no points"],
    [{ ...graded, locked: undefined }, 'has no "locked" in its nbgrader metadata; expected true or false'],
    [{ ...graded, grade: "yes" }, 'has "yes" as its "grade"; expected true or false'],
    [{ ...graded, task: true }, "is a task, but a code cell; tasks are Markdown"],
    [{ ...graded, schema_version: undefined, points: "two" }, 'has "two" as its points; expected a number'],
    [{ ...graded, schema_version: "3" }, 'has "3" as its schema_version; expected a whole number from 0 to 3'],
    ["graded", 'has "graded" as its nbgrader metadata; expected an object'],
  ])("that cannot be used says why: %j", (given, problem) => {
    expect(readMetadata(cell("code", "", given)).problems).toEqual([problem]);
  });

  test("what was upgraded or left out is said", () => {
    const { notes } = readMetadata(cell("code", "", { ...graded, schema_version: 2, extra: 1 }));
    expect(notes).toEqual([
      "has nbgrader metadata of schema 2, which was brought to 3",
      'has "extra" in its nbgrader metadata, which nbgrader does not know; it was left out',
    ]);
  });
});

test.each(oracle.checksums)("checksums are nbgrader's: $cellType $source $metadata", (each) => {
  expect(checksum(each.source, each.cellType, each.metadata)).toBe(each.checksum);
});

describe("cells", () => {
  test("have roles, titles and points", () => {
    const { cells, problems } = cellsOf(
      notebook(
        cell("markdown", "# A block\n\n```sh\n# no heading\n```"),
        cell("code", "x", answer),
        cell("code", "x", graded),
        cell("markdown", "## *Why*\n", { ...answer, grade: true, grade_id: "m", points: 3 }),
        cell("markdown", "x", { ...graded, grade: false, task: true, grade_id: "k", points: 4 }),
        cell("code", "x", { ...answer, solution: false, locked: true, grade_id: "r" }),
        cell("code", "x"),
      ),
    );
    expect(problems).toEqual([]);
    expect(cells.map(({ role, id, points, title }) => [role, id, points, title])).toEqual([
      ["plain", null, 0, "A block"],
      ["solution", "s", 0, "A block"],
      ["tests", "t", 2, "A block"],
      ["manual", "m", 3, "Why"],
      ["task", "k", 4, "Why"],
      ["readonly", "r", 0, "Why"],
      ["plain", null, 0, "Why"],
    ]);
  });

  test("of one id are a problem that names them all", () => {
    const { problems } = cellsOf(notebook(cell("code", "a", graded), cell("code", ""), cell("code", "b", graded)));
    expect(problems).toEqual(['the grade_id "t" is that of the cells 1 and 3; expected one cell']);
  });

  test("are unchanged as long as their checksum is the stored one", () => {
    const given = { ...graded, checksum: checksum("a", "code", graded) };
    const [same, other] = cellsOf(notebook(cell("code", "a", given), cell("code", "b", given))).cells;
    expect(same !== undefined && isUnchanged(same)).toBe(true);
    expect(other !== undefined && isUnchanged(other)).toBe(false);
  });
});

describe("regions", () => {
  const source = "f(x) {\n  // BEGIN SOLUTION: return todo<number>('x');\n  return x;\n  // END SOLUTION\n}";

  test("have lines, an indent and a typed hole", () => {
    expect(regionsOf(source, "SOLUTION")).toEqual([
      { begin: 1, end: 3, lines: ["  return x;"], indent: "  ", stub: "return todo<number>('x');" },
    ]);
    expect(regionsOf("# BEGIN SOLUTION: see page 3\n# END SOLUTION", "SOLUTION")[0]?.stub).toBeUndefined();
  });

  test("are replaced by lines", () => {
    expect(replaceRegions(source, "SOLUTION", ({ indent }) => [`${indent}one`, "two"])).toBe("f(x) {\n  one\ntwo\n}");
    expect(replaceRegions(source, "HIDDEN TESTS")).toBe(source);
  });

  test.each([
    [
      "# BEGIN SOLUTION\n# BEGIN SOLUTION\n# END SOLUTION",
      "line 2: BEGIN SOLUTION inside of the region that began in line 1",
    ],
    ["x\n# BEGIN SOLUTION\n", "line 2: BEGIN SOLUTION without an END SOLUTION behind it"],
    ["x\n# END SOLUTION\n", "line 2: END SOLUTION without a BEGIN SOLUTION before it"],
  ])("that cannot be read say where: %j", (text, message) => {
    expect(() => regionsOf(text, "SOLUTION")).toThrow(message);
  });
});

describe("class.yaml", () => {
  test("has defaults, units and short forms", () => {
    expect(parseSettings("", "class.yaml", "blocks")).toEqual({
      title: "blocks",
      due: null,
      points: null,
      seed: 0,
      timeout: 60,
      memory: 2 ** 31,
      threads: 1,
      network: false,
      tolerance: { rtol: 1e-5, atol: 1e-8 },
      variants: {},
    });
    const settings = parseSettings(
      "title: Blocks\ndue: 2027-03-31T18:00+02:00\nmemory: 1.5G\ntolerance: 0.01\nvariants:\n  a: { growth: 12 }\n",
      "class.yaml",
      "x",
    );
    expect(settings).toMatchObject({ title: "Blocks", due: "2027-03-31T18:00+02:00", memory: 1.5 * 2 ** 30 });
    expect(settings).toMatchObject({ tolerance: { rtol: 0.01, atol: 1e-8 }, variants: { a: { growth: 12 } } });
  });

  test("says all that is wrong, with lines", () => {
    const error = thrown(() =>
      parseSettings(
        "title: 3\ntimeuot: 5\nseed: -1\n\nmemory: much\ndue: 2027-02-30\nnetwork: maybe\n",
        "class.yaml",
        "x",
      ),
    );
    expect(error.problems).toEqual([
      "line 1: title is 3; expected a text",
      'line 2: unknown setting "timeuot"; did you mean "timeout"?',
      "line 3: seed is -1; expected a whole number from 0 to 4294967295",
      'line 5: memory is "much"; expected an amount such as 2G or 512M',
      'line 6: due is "2027-02-30"; expected a date such as 2027-03-31, or a time such as 2027-03-31T18:00+02:00',
      'line 7: network is "maybe"; expected true or false',
    ]);
    expect(thrown(() => parseSettings("memory: 2\nthreads: 1000000\n", "class.yaml", "x")).problems).toEqual([
      "line 1: memory is 2; expected at least 32M for a kernel; a number without a unit is bytes",
      "line 2: threads is 1000000; expected a whole number from 1 to 1024",
    ]);
    expect(thrown(() => parseSettings('variants: { a: { "f(": 1 } }', "class.yaml", "x")).message).toBe(
      "class.yaml: line 1: variants, a, f( is 1; expected the name of a variable for it",
    );
    expect(thrown(() => parseSettings("a: [", "class.yaml", "x")).message).toMatch(
      /^class\.yaml: line 1: is not YAML: /,
    );
    expect(thrown(() => parseSettings("- a", "class.yaml", "x")).message).toBe(
      "class.yaml: holds no settings; expected lines such as title: Residual blocks",
    );
  });
});

describe("an assignment", () => {
  function folder(files: Record<string, string>): string {
    const place = mkdtempSync(join(tmpdir(), "convbook-class-"));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(place, name, ".."), { recursive: true });
      writeFileSync(join(place, name), text);
    }
    return place;
  }
  const one = JSON.stringify({
    ...notebook(cell("code", "x", answer), cell("code", "y", graded)),
    metadata: { kernelspec: { name: "convbook", language: "typescript" } },
  });

  test("is a folder or a notebook", () => {
    const place = folder({ "blocks.ipynb": one, "class.yaml": "points: 2", "data/a.csv": "1", ".hidden": "" });
    const whole = readAssignment(place);
    expect(whole).toMatchObject({ points: 2, files: ["data/a.csv"] });
    expect(whole.notebooks.map(({ name, language }) => [name, language])).toEqual([["blocks", "typescript"]]);
    expect(readAssignment(join(place, "blocks.ipynb"))).toMatchObject({ settings: { title: "blocks" }, files: [] });
  });

  test("that cannot be used says why", () => {
    const wrong = folder({ "blocks.ipynb": one, "class.yaml": "points: 3" });
    expect(thrown(() => readAssignment(wrong)).message).toBe(
      `${join(wrong, "class.yaml")}: says 3 points, but the cells give 2; change one of them`,
    );
    expect(thrown(() => readAssignment(join(wrong, "other"))).message).toContain("no such file or folder");
    expect(thrown(() => readAssignment(folder({ "a.txt": "" }))).message).toContain("has no notebook");
  });
});
