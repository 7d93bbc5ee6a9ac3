/** A class of submissions that attack grading: none gets a point that it does not deserve, none learns or changes anything, all others are graded. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { wallsHere } from "../../lib/classroom/grade/box.ts";
import { gradeClass } from "../../lib/classroom/grade/index.ts";
import { hostileClass, writeHostile } from "./hostile-class.ts";
import {
  Classroom,
  course,
  goodSquare,
  goodTotal,
  hiddenLine,
  notebook,
  pointsOf,
  type TestCell,
  writeCourse,
} from "./support.ts";

const walls = await wallsHere();

// Many wait for their limits: on a busy machine that takes longer than one test has.
test.runIf(walls === "closed")("fifty hostile submissions, and one that is none", { timeout: 3_600_000 }, async () => {
  using room = new Classroom();
  writeCourse(room);
  const secret = "the neighbour's own words";
  const neighbour = room.write(
    "sub/a neighbour/squares.ipynb",
    notebook(course(`${goodSquare} // ${secret}`, goodTotal, false)),
  );
  const outside = room.path("outside");
  room.write("outside/kept.txt", "as it was");
  const all = hostileClass({ grader: room.path("grader/squares.ipynb"), neighbour, outside });
  expect(Object.keys(all).length).toBeGreaterThanOrEqual(40);
  writeHostile(room, all);
  const before = inventory(room.folder);
  process.env.TOKEN_OF_WHO_GRADES = secret;
  const limits = { timeout: 10, memory: 700 * 2 ** 20, disk: 32 * 2 ** 20, processes: 100, output: 2 ** 20 };
  const lines = await gradeClass(room.path("sub"), {
    grader: room.path("grader"),
    out: room.path("out"),
    jobs: 2,
    limits,
  });
  delete process.env.TOKEN_OF_WHO_GRADES;
  expect(lines).toHaveLength(Object.keys(all).length + 1);

  const problems: string[] = [];
  expect(pointsOf(room.result("a neighbour"))).toMatchObject({ test_square: 2, test_total: 3 });
  for (const [name, { deserved, finding }] of Object.entries(all)) {
    const result = room.result(name);
    const [square, total] = result.tasks.map(({ points }) => points);
    if (square !== deserved[0] || total !== deserved[1]) {
      problems.push(
        `${name}: got ${square} and ${total}, deserves ${deserved}: ${JSON.stringify(result.tasks.map(({ status, reasons }) => [status, reasons]))}`,
      );
    }
    if (finding !== undefined && !result.findings.some(({ kind }) => kind === finding)) {
      problems.push(`${name}: no finding ${finding}, but ${JSON.stringify(result.findings)}`);
    }
    const text = JSON.stringify({ ...result, answers: [] });
    if (text.includes(hiddenLine.slice(0, 24)) || text.includes(secret)) {
      problems.push(`${name}: its result tells ${text}`);
    }
    const shown = shownByStudents(room.path("out", name, "squares.graded.ipynb"));
    for (const told of [hiddenLine.slice(0, 24), secret, "CONNECTED", "PRIVATE"]) {
      if (shown.includes(told)) {
        problems.push(`${name}: a cell showed ${JSON.stringify(told)}`);
      }
    }
  }
  expect(problems).toEqual([]);
  expect(inventory(room.folder).filter((line) => !line.startsWith("out/"))).toEqual(before);
  for (const place of [
    "/tmp/hostile-was-here",
    "/usr/hostile-was-here",
    "/etc/hostile-was-here",
    "/tmp/escaped-from-a-zip.txt",
  ]) {
    expect(existsSync(place)).toBe(false);
  }
});

test.runIf(walls !== "closed")(`left out: this system has no namespaces for this user (${walls})`, () => {});

/** What the student's own cells showed: the teacher's copy holds the tests and their errors besides. */
function shownByStudents(path: string): string {
  if (!existsSync(path)) {
    return "";
  }
  const { cells } = JSON.parse(readFileSync(path, "utf8")) as { cells: TestCell[] };
  const own = cells.filter(({ metadata }) => metadata.nbgrader?.grade !== true);
  return JSON.stringify(own.map((each) => ("outputs" in each ? each.outputs : [])));
}

/** All files below a folder with their sizes. */
function inventory(folder: string, prefix = ""): string[] {
  return readdirSync(`${folder}/${prefix}`, { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${prefix}${entry.name}`;
      return entry.isDirectory() ? inventory(folder, `${path}/`) : [`${path} ${statSync(`${folder}/${path}`).size}`];
    })
    .sort();
}
