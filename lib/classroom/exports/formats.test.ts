import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Result } from "../results/index.ts";
import { failedCheck, resultOf, task } from "../results/testing/results.ts";
import { readCsv } from "./csv.ts";
import { canvasCsv, moodleCsv, nbgraderCsv, plainCsv } from "./formats.ts";
import { gradesOf } from "./grades.ts";
import { gradescopeJson } from "./gradescope.ts";
import { readRoster, rosterOf } from "./roster.ts";

const ada = resultOf("ada", [task("block", 2.5, 4, { reasons: [failedCheck] }), task("count", 3, 3)]);
const zoe = resultOf("zoë@uni.edu", [task("block", 4, 4), task("count", null, 3)], {
  findings: [{ kind: "changed", cell: "t", message: "A locked cell was changed." }],
});
const found = (...results: Result[]) => results.map((result) => ({ path: `${result.student}/result.json`, result }));
const grades = gradesOf(found(ada, zoe));

it("csv has a column for each question, and empty cells where nothing was given", () => {
  const { text } = plainCsv(grades, {});
  expect(text).toBe(
    "\ufeffstudent,block (4),count (3),total,max,status,findings\r\n" +
      "ada,2.5,3,5.5,7,graded,\r\n" +
      "zoë@uni.edu,4,,4,7,needs manual grading,A locked cell was changed.\r\n",
  );
});

it("csv names people, and those who handed in nothing", () => {
  const roster = rosterOf(
    [
      ["Username", "First name", "Surname", "Email address"],
      ["ada", "Ada", "Lovelace", "ada@uni.edu"],
      ["z1", "Zoë", "=Evil", "ZOË@uni.edu"],
      ["bo", "Bo", "Li", "bo@uni.edu"],
    ],
    "list.csv",
  );
  const { text, notes } = plainCsv(grades, { roster });
  expect(readCsv(text).map((row) => row.slice(0, 3))).toEqual([
    ["student", "name", "email"],
    ["ada", "Ada Lovelace", "ada@uni.edu"],
    ["zoë@uni.edu", "Zoë =Evil", "ZOË@uni.edu"],
    ["", "Bo Li", "bo@uni.edu"],
  ]);
  expect(notes).toEqual(["handed in nothing: Bo Li"]);
});

it("several assignments have their questions apart", () => {
  const other = resultOf("ada", [task("block", 1, 1)], { assignment: "Dense blocks" });
  expect(readCsv(plainCsv(gradesOf(found(ada, other)), {}).text)[0]).toEqual([
    "student",
    "Residual blocks: block (4)",
    "Residual blocks: count (3)",
    "Dense blocks: block (1)",
    "total",
    "max",
    "status",
    "findings",
  ]);
  expect(() => gradesOf(found(ada, ada))).toThrow(
    'ada/result.json: this is a second result of "ada" for "Residual blocks"; the first is ada/result.json',
  );
});

it("titles that are the same are told apart by ids", () => {
  const same = resultOf("ada", [task("a", 1, 1, { title: "Task" }), task("b", 1, 2, { title: "Task" })]);
  expect(readCsv(plainCsv(gradesOf(found(same)), {}).text)[0]?.slice(1, 3)).toEqual(["Task [a] (1)", "Task [b] (2)"]);
});

// What Canvas's importer looks for: https://github.com/instructure/canvas-lms/blob/master/lib/gradebook_importer.rb
it("canvas has its five columns, its line of points, and no total that is not final", () => {
  const { text, notes } = canvasCsv(grades, {});
  expect(text).toBe(
    "Student,ID,SIS User ID,SIS Login ID,Section,Residual blocks\r\n" +
      '"    Points Possible",,,,,7\r\n' +
      "ada,,,ada,,5.5\r\n" +
      "zoë@uni.edu,,,zoë@uni.edu,,\r\n",
  );
  expect(notes).toEqual(["1 of 2 have no total yet (--partial takes the points so far): zoë@uni.edu"]);
  expect(readCsv(canvasCsv(grades, { partial: true }).text)[3]?.[5]).toBe("4");
});

it("canvas takes the people of Canvas's own export, and the assignment that is there", () => {
  const roster = rosterOf(
    [
      ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Quiz (12)"],
      ["    Points Possible", "", "", "", "", "10"],
      ["Lovelace, Ada", "4711", "U1", "ada", "A", "9"],
      ["=cmd, Zoë", "4712", "U2", "zoë@uni.edu", "B", ""],
    ],
    "canvas.csv",
  );
  const { text } = canvasCsv(grades, { roster, column: "Residual blocks (815)", perQuestion: true, partial: true });
  expect(readCsv(text)).toEqual([
    [
      "Student",
      "ID",
      "SIS User ID",
      "SIS Login ID",
      "Section",
      "Residual blocks: block",
      "Residual blocks: count",
      "Residual blocks (815)",
    ],
    ["    Points Possible", "", "", "", "", "4", "3", "7"],
    ["Lovelace, Ada", "4711", "U1", "ada", "A", "2.5", "3", "5.5"],
    ["'=cmd, Zoë", "4712", "U2", "zoë@uni.edu", "B", "4", "", "4"],
  ]);
});

it("canvas gets no title that it would take for another assignment's ID, or for a column of its own", () => {
  const titled = (assignment: string) => gradesOf(found(resultOf("ada", [task("a", 1, 1)], { assignment })));
  expect(readCsv(canvasCsv(titled("Week (12)"), {}).text)[0]?.[5]).toBe("Week [12]");
  expect(() => canvasCsv(titled("The Final Score"), {})).toThrow(
    "The Final Score: Canvas takes a column of this name for one of its own and leaves it out; give another with --column",
  );
});

// What Moodle's importer looks for: https://github.com/moodle/moodle/blob/main/grade/import/csv/classes/load_data.php
it("moodle has a user's field, '-' where there is no grade, and feedback", () => {
  const [head, first, second] = readCsv(moodleCsv(grades, {}).text);
  expect(head).toEqual(["Username", "Residual blocks", "Feedback"]);
  expect(first).toEqual([
    "ada",
    "5.5",
    `block: 2.5 of 4\n- adds its input: ${failedCheck.message} (got ${failedCheck.got}, expected ${failedCheck.expected})\ncount: 3 of 3`,
  ]);
  expect(second?.[1]).toBe("-");
  expect(readCsv(moodleCsv(gradesOf(found(zoe)), {}).text)[0]?.[0]).toBe("Email address");
  const roster = rosterOf(
    [
      ["First name", "ID number", "Email address"],
      ["Ada", "ada", "ada@uni.edu"],
      ["Zoë", "007", "zoë@uni.edu"],
    ],
    "moodle.csv",
  );
  expect(readCsv(moodleCsv(grades, { roster }).text).map((row) => row.slice(0, 2))).toEqual([
    ["ID number", "Email address"],
    ["ada", "ada@uni.edu"],
    ["007", "zoë@uni.edu"],
  ]);
});

// Its columns and its zeros: https://github.com/jupyter/nbgrader/blob/main/nbgrader/plugins/export.py
it("nbgrader has the columns of its export, with zeros for who handed in nothing", () => {
  const roster = rosterOf(
    [
      ["id", "first_name", "last_name", "email"],
      ["ada", "Ada", "Lovelace", "ada@uni.edu"],
      ["bo", "Bo", "Li", ""],
    ],
    "students.csv",
  );
  expect(nbgraderCsv(gradesOf(found(ada)), { roster }).text).toBe(
    "assignment,duedate,timestamp,student_id,last_name,first_name,email,raw_score,late_submission_penalty,score,max_score\r\n" +
      "Residual blocks,,,ada,Lovelace,Ada,ada@uni.edu,5.5,0.0,5.5,7.0\r\n" +
      "Residual blocks,,,bo,Li,Bo,,0.0,0.0,0.0,7.0\r\n",
  );
});

it("nbgrader has times in UTC, the list's own ids, and the assignment's name there", () => {
  const given = resultOf("ADA@uni.edu", [task("a", 1, 2)], {
    due: "2027-03-31T18:00+02:00",
    submitted: "2027-03-31 15:59:58.250000",
  });
  const rowsOf = (head: string[], ...rows: string[][]) =>
    readCsv(nbgraderCsv(gradesOf(found(given)), { roster: rosterOf([head, ...rows], "list.csv"), column: "ps1" }).text)
      .slice(1)
      .map((row) => row.slice(0, 5));
  const people = [
    ["7", "Lovelace", "Ada", "ada@uni.edu"],
    ["8", "Li", "Bo", "bo@uni.edu"],
  ];
  const times = ["ps1", "2027-03-31 16:00:00"];
  expect(rowsOf(["id", "last_name", "first_name", "email"], ...people)).toEqual([
    [...times, "2027-03-31 15:59:58.250000", "7", "Lovelace"],
    [...times, "", "8", "Li"],
  ]);
  // A platform's number is no id of nbgrader's: those count by whom submissions are called.
  expect(rowsOf(["ID", "Last name", "First name", "SIS Login ID"], ...people).map((row) => row[3])).toEqual([
    "ada@uni.edu",
    "bo@uni.edu",
  ]);
});

it("tells students no more of a finding than their page does", () => {
  const message = "The kernel could not be started: it ended.\nIts last words:\n/home/teacher/course/grader";
  const result = resultOf("ada", [task("a", 1, 1)], { findings: [{ kind: "limit", cell: null, message }] });
  expect(moodleCsv(gradesOf(found(result)), {}).text).toContain("could not be started: it ended.");
  for (const text of [moodleCsv(gradesOf(found(result)), {}).text, JSON.stringify(gradescopeJson(result))]) {
    expect(text).not.toContain("last words");
    expect(text).not.toContain("/home/teacher");
  }
  expect(plainCsv(gradesOf(found(result)), {}).text).toContain("/home/teacher");
});

it("gives nobody's points to somebody of the same name or number", () => {
  const list = rosterOf(
    readCsv("Student,ID,SIS User ID\nLi Wei,7,1001\nLi Wei,8,1002\nBo Yang,1001,1003\nCy,9,1004\nCy,9,1004\n"),
    "canvas.csv",
  );
  // Canvas's own number of one is the university's of another.
  expect(list.find("1001")?.cells.get("Student")).toBe("Bo Yang");
  expect(list.forIds(["1001", "1002", "1003"]).find("1001")?.cells.get("ID")).toBe("7");
  const { notes, text } = canvasCsv(gradesOf(found(...["li wei", "Cy", "Nobody"].map((name) => resultOf(name, [])))), {
    roster: list,
  });
  expect(notes).toContain("of several people in the list of the class: li wei");
  expect(notes).toContain("not in the list of the class: Nobody");
  expect(text).toContain("\r\nli wei,,,li wei,,");
  expect(text).toContain("\r\nCy,9,1004,");
});

it("says which list is no list of a class", () => {
  expect(() => rosterOf([["Colour", "Size"]], "list.csv")).toThrow(
    'list.csv: none of its columns holds ids: the first line has "Colour, Size", expected one called id, student_id',
  );
});

// What Excel writes as "CSV" is in an encoding that the file does not name; as "Unicode text" it is UTF-16 with tabs.
it("reads lists in UTF-8 and UTF-16, and shows the line that is in neither", () => {
  const folder = mkdtempSync(join(tmpdir(), "convbook-list-"));
  const path = join(folder, "list.csv");
  const list = "id;name\r\nada;Ada Lovelace\r\nju;Jürgen Müller\r\n";
  const named = (bytes: Uint8Array) => {
    writeFileSync(path, bytes);
    return readRoster(path).find("ju")?.name;
  };
  expect(named(Buffer.from(list))).toBe("Jürgen Müller");
  expect(named(Buffer.from(`\ufeff${list}`))).toBe("Jürgen Müller");
  const wide = Buffer.from(`\ufeff${list.replaceAll(";", "\t")}`, "utf16le");
  expect(named(wide)).toBe("Jürgen Müller");
  expect(named(Buffer.from(wide).swap16())).toBe("Jürgen Müller");
  // Of the letters in this list, Windows-1252 has those of Latin 1.
  expect(() => named(Buffer.from(list, "latin1"))).toThrow(
    `${path}: is not UTF-8: line 3 is "ju;J\ufffdrgen M\ufffdller"; save it as UTF-8 (in Excel: "CSV UTF-8")`,
  );
  expect(() => named(wide.subarray(0, wide.length - 1))).toThrow(`${path}: is not UTF-16: line 4 is "\ufffd"`);
  rmSync(folder, { recursive: true });
});
