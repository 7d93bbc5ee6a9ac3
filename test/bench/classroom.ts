/** Grading a class: what a submission costs beyond its own computing, and whether memory stays flat. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { gradeClass } from "../../lib/classroom/grade/index.ts";
import { cell, notebook } from "../classroom/support.ts";
import type { BenchResult } from "./main.ts";

const tasks = 4;

/**
 * Grades a class of students with four tasks each.
 *
 * @param args How many students; 100 unless given.
 */
export async function run([count = "100"]: readonly string[]): Promise<BenchResult> {
  const students = Number(count);
  const room = mkdtempSync(join(tmpdir(), "bench-class-"));
  try {
    mkdirSync(join(room, "grader"));
    mkdirSync(join(room, "sub"));
    writeFileSync(join(room, "grader/sums.ipynb"), notebook(cellsOf(0)));
    for (let student = 0; student < students; student++) {
      writeFileSync(join(room, "sub", `student${String(student).padStart(3, "0")}.ipynb`), notebook(cellsOf(student)));
    }
    const jobs = Math.max(1, Math.min(2, availableParallelism()));
    const memory: number[] = [];
    let computing = 0;
    const start = performance.now();
    const lines = await gradeClass(join(room, "sub"), {
      grader: join(room, "grader"),
      out: join(room, "out"),
      jobs,
      onResult: ({ used }) => {
        computing += used?.seconds ?? 0;
        globalThis.gc?.();
        memory.push(process.memoryUsage().rss);
      },
    });
    const seconds = (performance.now() - start) / 1000;
    const mebibytes = (bytes = 0) => Math.round(bytes / 2 ** 20);
    const wrong = lines.filter(({ points }) => points !== tasks).length;
    return {
      note: `${cpus()[0]?.model.trim()}, ${jobs} at a time, load ${loadavg()[0]?.toFixed(1)}; ${wrong} graded wrongly`,
      rows: [
        {
          students,
          tasks: students * tasks,
          "seconds in all": round(seconds),
          "s per submission": round(seconds / students),
          "its own computing": round(computing / students),
          "beyond, on one core": round((seconds * jobs - computing) / students),
          "MiB after a tenth": mebibytes(memory[Math.floor(memory.length / 10)]),
          "MiB at the end": mebibytes(memory.at(-1)),
        },
      ],
    };
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
}

function cellsOf(student: number) {
  return Array.from({ length: tasks }, (_, task) => [
    cell(
      `// ${student}\nfunction sum${task}(n: number): number { let s = 0; for (let i = 1; i <= n; i++) s += i; return s; }`,
      `sum${task}`,
      "solution",
    ),
    cell(`if (sum${task}(100) !== 5050) throw new Error("wrong");`, `test_sum${task}`, "tests", 1),
  ]).flat();
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
