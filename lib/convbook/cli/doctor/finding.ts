/** What `convbook doctor` found, a line each. */

/** One line of the report. `ok` is only what was tried just then and worked. */
export interface Finding {
  readonly topic: string;
  /** `missing`: something is broken or in the way; `optional`: it is not there, and need not be. */
  readonly state: "ok" | "missing" | "optional";
  readonly found: string;
  /** What to type to get what is missing. */
  readonly advice?: string;
}

const marks = { ok: "✓", missing: "✗", optional: "–" } as const;

/** Prints the findings, aligned. */
export function print(findings: readonly Finding[]): void {
  const width = Math.max(...findings.map(({ topic }) => topic.length));
  for (const { topic, state, found, advice } of findings) {
    console.log(`${marks[state]} ${topic.padEnd(width)}  ${found}`);
    if (advice !== undefined) {
      console.log(`${" ".repeat(width + 4)}→ ${advice}`);
    }
  }
}

/** A check's answer, or the error that it took too long: some file systems never answer. */
export async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds / 1000} s`)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** One line of an error. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}
