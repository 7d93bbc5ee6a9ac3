/** What tasks are called where several stand under one heading. */
import type { TaskResult } from "./result.ts";

/**
 * The titles of tasks, told apart: of those that are equal each has its number among them behind it.
 *
 * @returns In the tasks' order.
 */
export function titlesOf(tasks: readonly Pick<TaskResult, "title">[]): string[] {
  const seen = new Map<string, number>();
  return tasks.map(({ title }) => {
    const number = (seen.get(title) ?? 0) + 1;
    seen.set(title, number);
    return tasks.filter((each) => each.title === title).length > 1 ? `${title} (${number})` : title;
  });
}
