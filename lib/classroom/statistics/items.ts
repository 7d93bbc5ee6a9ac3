/** How each question did: its difficulty, how well it tells students apart, and what went wrong most. */
import { type Result, titlesOf } from "../results/index.ts";
import { correlation, mean, quantile } from "./numbers.ts";

export interface Item {
  readonly id: string;
  readonly title: string;
  readonly maxPoints: number;
  /** Submissions that have points for it. */
  readonly count: number;
  readonly meanPoints: number;
  /** The mean share of its points: 1 is easy, 0 is hard. */
  readonly difficulty: number;
  /** Correlation of its points with those of all other questions together; undefined where that cannot be told. */
  readonly discrimination: number | undefined;
  /** Shares of submissions with all of its points, and with none. */
  readonly full: number;
  readonly none: number;
  readonly medianSeconds: number;
}

/** Submissions from which on a correlation says something. */
const fewest = 5;

/** Each question of an assignment, in its order. */
export function itemsOf(results: readonly Result[]): Item[] {
  const ids = new Map(
    results.flatMap(({ tasks }) => {
      const titles = titlesOf(tasks);
      return tasks.map(({ id, title, maxPoints }, i) => [id, { title: titles[i] ?? title, maxPoints }] as const);
    }),
  );
  return [...ids].map(([id, { title, maxPoints }]) => {
    const rows = results.flatMap(({ tasks }) => {
      const task = tasks.find((each) => each.id === id);
      if (task === undefined || task.points === null) {
        return [];
      }
      const rest = tasks.reduce((sum, each) => sum + (each.id === id ? 0 : (each.points ?? 0)), 0);
      return [{ points: task.points, rest, seconds: task.seconds ?? 0 }];
    });
    const points = rows.map((row) => row.points);
    const share = (holds: (value: number) => boolean) =>
      rows.length === 0 ? 0 : points.filter(holds).length / rows.length;
    return {
      id,
      title,
      maxPoints,
      count: rows.length,
      meanPoints: mean(points),
      difficulty: maxPoints > 0 ? mean(points) / maxPoints : Number.NaN,
      discrimination:
        rows.length < fewest
          ? undefined
          : correlation(
              points,
              rows.map(({ rest }) => rest),
            ),
      full: share((value) => value >= maxPoints),
      none: share((value) => value <= 0),
      medianSeconds: quantile(
        rows.map(({ seconds }) => seconds),
        0.5,
      ),
    };
  });
}

export interface CommonError {
  readonly task: string;
  readonly check: string;
  /** The message as one of them has it. */
  readonly message: string;
  readonly got: string | undefined;
  readonly expected: string | undefined;
  readonly students: readonly string[];
}

/** What went wrong, the most frequent first. Messages that differ in numbers only are one. */
export function commonErrors(results: readonly Result[]): CommonError[] {
  const groups = new Map<string, CommonError & { readonly students: string[] }>();
  for (const { student, tasks } of results) {
    const titles = titlesOf(tasks);
    for (const [i, { id, title, status, reasons }] of tasks.entries()) {
      const failed = reasons.filter(({ passed }) => !passed);
      const told: readonly { name: string; message?: string; got?: string; expected?: string }[] =
        failed.length > 0 || status === "passed" || status === "manual" || status === "partly"
          ? failed
          : [{ name: "", message: status }];
      for (const { name, message = "", got, expected } of told) {
        const key = JSON.stringify([id, name, kindOf(message)]);
        const group = groups.get(key) ?? {
          task: titles[i] ?? title,
          check: name,
          message,
          got,
          expected,
          students: [],
        };
        if (!group.students.includes(student)) {
          group.students.push(student);
        }
        groups.set(key, group);
      }
    }
  }
  return [...groups.values()].toSorted((a, b) => b.students.length - a.students.length);
}

function kindOf(message: string): string {
  return message.replace(/[-+]?\d[\d.,]*(?:e[-+]?\d+)?/gi, "0").replace(/(["'`])(?:(?!\1).)*\1/g, '""');
}
