export type { Finding, Graded, Reason, Result, TaskResult } from "./result.ts";
