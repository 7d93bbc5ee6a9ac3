export type { Answer, Figure, Finding, Graded, Reason, Result, TaskResult } from "./result.ts";
