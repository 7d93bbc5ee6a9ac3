/** The classroom: assignments, solutions, graders and feedback from one notebook. */
export { classCommand } from "./cli/main.ts";
export type { Answer, Figure, Finding, Graded, Reason, Result, TaskResult } from "./results/index.ts";
