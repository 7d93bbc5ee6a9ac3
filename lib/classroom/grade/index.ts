export type { Limits, Walls } from "./box.ts";
export { contextOf, type GivenLimits } from "./context.ts";
export { folderOf, type GradeOptions, gradeClass } from "./grade.ts";
export { type GradedSubmission, gradeSubmission } from "./submission.ts";
export { filesBelow, findSubmissions, type Submission } from "./submissions.ts";
