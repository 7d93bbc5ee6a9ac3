/** Submissions that are odd and honest, and such as are made to stop others. */
import { existsSync } from "node:fs";
import { zipSync } from "fflate";
import { afterAll, beforeAll, expect, it } from "vitest";
import { gradeClass } from "../../lib/classroom/grade/index.ts";
import type { Result } from "../../lib/classroom/results/index.ts";
import {
  Classroom,
  cell,
  course,
  emptySquare,
  emptyTotal,
  goodSquare,
  goodTotal,
  notebook,
  pointsOf,
  type TestCell,
  writeCourse,
} from "./support.ts";

const full = { test_square: 2, test_total: 3, why: "0 notDone" };
const [title, setup, ...rest] = course(goodSquare, goodTotal, false) as [TestCell, TestCell, ...TestCell[]];
const withOwn = (count: number, source: (i: number) => string) =>
  notebook([title, setup, ...Array.from({ length: count }, (_, i) => cell(source(i))), ...rest]);
const good = withOwn(0, String);
const untouched = notebook(course(emptySquare, emptyTotal, false));

/** A student's own work in threads, from a file and from a text; none of which gets what reads the kernel's memory. */
const threads = `// @ts-nocheck
import { writeFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
writeFileSync("twice.mjs", \`
  import { Session } from "node:inspector";
  import { parentPort, Worker, workerData } from "node:worker_threads";
  const told = (make) => { try { make(); return "made"; } catch ({ message }) { return message; } };
  const makers = [Worker, Object.getPrototypeOf(Worker), Session];
  parentPort.postMessage([2 * workerData, ...makers.map((Maker) => told(() => new Maker("1", { eval: true })))]);
\`);
const answer = (worker) => new Promise((resolve, reject) => { worker.on("message", resolve); worker.on("error", reject); });
const refused = "this is not there while a submission is graded";
const said = JSON.stringify([
  await answer(new Worker("./twice.mjs", { workerData: 21 })),
  await answer(new Worker('require("node:worker_threads").parentPort.postMessage(42)', { eval: true })),
]);
if (said !== JSON.stringify([[42, refused, refused, refused], 42])) throw new Error(said);`;

let room: Classroom;
const told: Result[] = [];
const findingsOf = (student: string) => room.result(student).findings.map(({ kind, message }) => `${kind}: ${message}`);

beforeAll(async () => {
  room = new Classroom();
  writeCourse(room);
  const files: Record<string, string | Uint8Array> = {
    "copies/backup/squares.ipynb": untouched,
    "copies/squares.ipynb": good,
    "letters/Squares.ipynb": good,
    "letters/scratch.ipynb": untouched,
    "wide/squares.ipynb": Buffer.from(`\ufeff${good}`, "utf16le"),
    "marked/squares.ipynb": `\ufeff${JSON.stringify(JSON.parse(good), undefined, 1).replaceAll("\n", "\r\n")}`,
    "packed/work.tar.gz": "x",
    "sent.tgz": "x",
    "nested.zip": zipSync({ "handed-in.zip": zipSync({ "own/squares.ipynb": Buffer.from(good) }) }),
    // They are called like what grading and reports write.
    "junit.xml/squares.ipynb": good,
    "report.html/squares.ipynb": good,
    "=1+1 <b>&\u001b[31m/squares.ipynb": good,
    "crowd/squares.ipynb": withOwn(200_000, () => ""),
    "threads/squares.ipynb": withOwn(1, () => threads),
    "errors/squares.ipynb": withOwn(120, (i) => `// @ts-nocheck\nthrow new Error("${i}" + "x".repeat(1e5));`),
  };
  for (const [name, contents] of Object.entries(files)) {
    room.write(`sub/${name}`, contents);
  }
  const grader = room.path("grader");
  await gradeClass(room.path("sub"), {
    grader,
    out: room.path("out"),
    jobs: 2,
    onResult: (result) => told.push(result),
  });
  room.write(
    "late/loops/squares.ipynb",
    withOwn(40, (i) =>
      i < 39 ? "// @ts-nocheck\nfor (;;) {}" : '// @ts-nocheck\nthrow new Error("ran after the end");',
    ),
  );
  await gradeClass(room.path("late"), { grader, out: room.path("late-out"), limits: { timeout: 1, total: 2 } });
}, 600_000);
afterAll(() => room[Symbol.dispose]());

it("grades the notebook that lies furthest out, and says where another one is", () => {
  expect(pointsOf(room.result("copies"))).toEqual(full);
  expect(findingsOf("copies")).toEqual([
    "copied: There is another notebook of this name, backup/squares.ipynb; squares.ipynb counts.",
  ]);
  expect(pointsOf(room.result("letters"))).toEqual(full);
});

it.each(["wide", "marked", "nested", "junit%2Exml", "report%2Ehtml", "%3D1%2B1 %3Cb%3E%26%1B%5B31m"])(
  "grades %s",
  (folder) => {
    const name = folder.startsWith("%3D") ? "%3D1+1 %3Cb%3E%26%1B%5B31m" : folder;
    expect(pointsOf(room.result(name))).toEqual(full);
  },
);

it("tells archives that are not unpacked", () => {
  expect(findingsOf("packed")).toEqual([
    "missing: The notebook squares.ipynb is missing; there is none beside work.tar.gz.",
  ]);
  expect(findingsOf("sent")[0]).toBe(
    "unreadable: sent.tgz is an archive that is not unpacked; expected a notebook, a folder or a zip.",
  );
  expect(existsSync(room.path("out/junit.xml"))).toBe(true);
  expect(told).toHaveLength(13);
});

it("lets students work in threads", () => {
  expect(findingsOf("threads")).toEqual([]);
  expect(pointsOf(room.result("threads"))).toEqual(full);
});

it("is stopped by no crowd of cells", () => {
  expect(pointsOf(room.result("crowd"))).toEqual(full);
  expect(room.result("crowd").answers).toHaveLength(10_000);
});

it("tells so many errors, and no more of each than a message", () => {
  const { findings } = room.result("errors");
  expect(findings).toHaveLength(101);
  expect(findings.every(({ message }) => message.length <= 2001)).toBe(true);
});

it("begins nothing that students added once the time for all cells is up", () => {
  const found = room.result("loops", "late-out").findings.filter(({ cell: of }) => of === null);
  expect(found.length).toBeLessThan(6);
  expect(found.map(({ message }) => message).join()).not.toContain("ran after the end");
});
