/** A kernel that does not start is told with what it said, wherever it was to start. */
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkFile } from "../check/index.ts";
import { makeAssignment } from "../make/index.ts";
import { feedbackPage } from "../pages/index.ts";
import { readResult } from "../results/index.ts";
import { cellWith, folderWith, notebookOf, roles } from "../testing/notebooks.ts";
import { gradeClass } from "./index.ts";

const solution = "// BEGIN SOLUTION\nconst plus = (x: number) => x + 1; // one more\n// END SOLUTION";
const cells = [
  cellWith("markdown", "# Sums"),
  cellWith("code", solution, roles.solution("plus")),
  cellWith("code", "if (plus(1) !== 2) throw new Error();", roles.tests("plus-tests", 2)),
];

/** A folder with an assignment for a kernel of this name and a submission, and Jupyter's folder with kernels. */
function classFor(kernel: string): string {
  const notebook = notebookOf(cells);
  notebook.metadata.kernelspec = { name: kernel, language: "typescript", display_name: kernel };
  return folderWith({
    "source/sums.ipynb": notebook,
    "sub/ada/sums.ipynb": notebook,
    "data/kernels/broken/kernel.json": specOf([
      "node",
      "-e",
      "console.error('no weights: 12 missing'); process.exit(3)",
    ]),
    "data/kernels/unread/kernel.json": specOf(["node", "-e", "const = 3;"]),
    "data/kernels/none/kernel.json": specOf(["/no/such/program", "{connection_file}"]),
  });
}

const specOf = (argv: readonly string[]) => ({ argv, display_name: "x", language: "typescript" });

let before: string | undefined;
beforeEach(() => {
  before = process.env.JUPYTER_DATA_DIR;
});
afterEach(() => {
  if (before === undefined) {
    delete process.env.JUPYTER_DATA_DIR;
  } else {
    process.env.JUPYTER_DATA_DIR = before;
  }
});

const ended = "ended with exit code";
const cases: [kernel: string, what: string, words: string][] = [
  ["broken", `the kernel broken ${ended} 3`, "no weights: 12 missing"],
  ["unread", `the kernel unread ${ended} 1`, "SyntaxError: Unexpected token '='"],
  ["none", "/no/such/program", ""],
];

describe.each(cases)("the kernel %s", (kernel, what, words) => {
  test("is told by make, check and grade, and students read no more than that", async () => {
    const folder = classFor(kernel);
    process.env.JUPYTER_DATA_DIR = join(folder, "data");
    const notebook = join(folder, "source/sums.ipynb");

    const failed: unknown = await makeAssignment(join(folder, "source"), join(folder, "dist")).catch(
      (error: unknown) => error,
    );
    const text = failed instanceof Error ? failed.message : "";
    expect(text.startsWith(`${notebook}: the kernel ${kernel} `)).toBe(true);
    expect(text).toContain(what);
    expect(text).toContain(words);

    const { result } = await checkFile(notebook);
    expect(result.status).toBe("failed");
    const [finding] = result.findings;
    expect(finding?.message).toContain(what);
    expect(finding?.message).toContain(words === "" ? "" : `Its last words:\n`);
    expect(finding?.message).toContain(words);
    // Under the task stands the sentence alone.
    expect(result.tasks[0]?.reasons[0]?.message).toBe(finding?.message.split("\n")[0]);

    const lines = await gradeClass(join(folder, "sub"), {
      grader: join(folder, "source"),
      out: join(folder, "out"),
    }).catch((error: unknown) => error);
    if (kernel === "none") {
      // Nobody could be graded: that is no submission's fault.
      expect(String(lines)).toContain(`the kernel "none" cannot be started: its program /no/such/program is not there`);
      return;
    }
    expect(lines).toMatchObject([{ student: "ada", status: "failed" }]);
    const graded = readResult(join(folder, "out/ada/result.json"));
    expect(graded.findings[0]?.message).toContain(words);
    expect(feedbackPage(graded)).toContain(what);
    expect(feedbackPage(graded)).not.toContain("last words");
  }, 60_000);
});

test("a memory limit too small for a kernel is told with both amounts", async () => {
  const folder = folderWith({ "source/sums.ipynb": notebookOf(cells), "source/class.yaml": "memory: 40M" });
  await expect(makeAssignment(join(folder, "source"), join(folder, "dist"))).rejects.toThrow(
    /sums\.ipynb: the solution fails in cell 2 \(plus\): MemoryLimitExceeded: the kernel took \d+ MiB, more than the limit of 40 MiB/,
  );
  const { result } = await checkFile(join(folder, "source/sums.ipynb"));
  expect(result.findings.map(({ kind, message }) => `${kind}: ${message}`)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^limit: .*more than the limit of 40 MiB/)]),
  );
}, 60_000);
