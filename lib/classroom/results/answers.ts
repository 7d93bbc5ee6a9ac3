/** What a student wrote for one task. */
import type { Answer, Result } from "./result.ts";

/**
 * The answer to a task: its cell, or what the student added behind the Markdown that asks.
 *
 * @returns The text; undefined where there is none.
 */
export function answerTo({ answers = [] }: Pick<Result, "answers">, task: string): string | undefined {
  const own = answers.filter((answer: Answer) => answer.cell === task || answer.task === task);
  return own.length === 0 ? undefined : own.map(({ source }) => source).join("\n\n");
}
