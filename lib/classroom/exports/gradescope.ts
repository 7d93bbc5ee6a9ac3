/**
 * Grades for Gradescope, which takes none from a table: what it takes is what an autograder leaves for a submission, `results.json`. So the grades of a
 * class are an autograder, which gives each submission the result that is there already.
 *
 * Formats: https://gradescope-autograders.readthedocs.io/en/latest/specs/ and https://gradescope-autograders.readthedocs.io/en/latest/submission_metadata/
 */
import { strToU8, type Zippable, zipSync } from "fflate";
import { fileNames, type Result } from "../results/index.ts";
import { rounded, summaryOf, toldFindings } from "./grades.ts";
import type { Roster } from "./roster.ts";

/** The results.json of one submission. Points that a person gives and has not given yet are left out: Gradescope has questions of its own for them. */
export function gradescopeJson(result: Result): object {
  const tests = result.tasks
    .filter(({ points }) => points !== null)
    .map((task, i) => ({
      name: task.title,
      name_format: "text",
      number: String(i + 1),
      score: rounded(task.points ?? 0),
      max_score: rounded(task.maxPoints),
      status: (task.points ?? 0) >= task.maxPoints ? "passed" : "failed",
      output: summaryOf({ ...result, tasks: [task], findings: [] })
        .split("\n")
        .slice(1)
        .join("\n"),
      output_format: "text",
      visibility: "visible",
    }));
  return {
    score: rounded(tests.reduce((sum, { score }) => sum + score, 0)),
    ...(result.used !== undefined && { execution_time: Math.round(result.used.seconds) }),
    output: toldFindings(result).join("\n"),
    output_format: "text",
    visibility: "visible",
    stdout_visibility: "hidden",
    extra_data: { student: result.student, assignment: result.assignment, submission: result.provenance?.submission },
    tests,
  };
}

/** What Gradescope runs; its image has Python, because what calls this is written in it. The argument is for trying it elsewhere. */
const runner = `#!/usr/bin/env python3
"""Gives a submission the result with which it was graded before, found by the address of whoever handed it in."""
import json
import os
import shutil
import sys

root = sys.argv[1] if len(sys.argv) > 1 else "/autograder"
source = os.path.join(root, "source")
with open(os.path.join(source, "students.json"), encoding="utf-8") as file:
    known = json.load(file)
with open(os.path.join(root, "submission_metadata.json"), encoding="utf-8") as file:
    users = json.load(file)["users"]
for key in ("email", "name"):
    for user in users:
        name = known.get(str(user.get(key)).strip().lower())
        if name is not None:
            os.makedirs(os.path.join(root, "results"), exist_ok=True)
            shutil.copyfile(os.path.join(source, "results", name), os.path.join(root, "results", "results.json"))
            sys.exit(0)
# Without results.json Gradescope says that grading failed, and gives no points.
sys.exit("there is no result for " + ", ".join(str(user.get("email")) for user in users))
`;

/** The time in the zip, so that the same results make the same zip. */
const anyTime = new Date(1980, 0, 1, 12);
/** Of a program, on the systems that Gradescope runs. */
const executable = { os: 3, attrs: 0o100755 << 16 } as const;

/**
 * An autograder for "Configure Autograder", to be run again on all submissions.
 *
 * @param results Of one assignment.
 * @param roster Whose addresses Gradescope knows students by; without it, ids have to be their addresses, or their names there.
 * @returns The zip, and ids of whom no address is known.
 */
export function gradescopeZip(
  results: readonly Result[],
  roster: Roster | undefined,
): { readonly zip: Uint8Array; readonly unknown: readonly string[] } {
  const names = fileNames(results.map(({ student }) => student));
  const students = new Map<string, string>();
  const files: Zippable = {
    "setup.sh": [strToU8("#!/bin/sh\n# Nothing to install.\n"), executable],
    run_autograder: [strToU8(runner), executable],
  };
  const unknown: string[] = [];
  for (const [i, result] of results.entries()) {
    const file = `${names[i]}.json`;
    files[`results/${file}`] = strToU8(`${JSON.stringify(gradescopeJson(result), undefined, 2)}\n`);
    // Not the list's name: two may have one, and one of them would get the other's points.
    const keys = [result.student, roster?.find(result.student)?.email ?? ""].filter((key) => key !== "");
    for (const key of keys) {
      students.set(key.trim().toLowerCase(), file);
    }
    if (!keys.some((key) => key.includes("@"))) {
      unknown.push(result.student);
    }
  }
  files["students.json"] = strToU8(`${JSON.stringify(Object.fromEntries(students), undefined, 2)}\n`);
  return { zip: zipSync(files, { mtime: anyTime }), unknown };
}
