/** The classroom: assignments, solutions, graders and feedback from one notebook. */
export { classCommand } from "./cli/main.ts";
export { ClassroomError } from "./errors.ts";
export type { Answer, Figure, Finding, Graded, Reason, Result, TaskResult } from "./results/index.ts";
export {
  type Assignment,
  type AssignmentCell,
  type AssignmentNotebook,
  type CellRole,
  type ClassSettings,
  cellsOf,
  type NbgraderMetadata,
  readAssignment,
  readAssignmentNotebook,
  readSettings,
} from "./source/index.ts";
export { NotDoneYet, todo } from "./todo.ts";
