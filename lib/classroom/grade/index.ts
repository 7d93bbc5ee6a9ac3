export type { Limits, Walls } from "./box.ts";
export { folderOf, type GivenLimits, type GradeOptions, gradeClass } from "./grade.ts";
export { findSubmissions, type Submission } from "./submissions.ts";
