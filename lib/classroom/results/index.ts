export { answerTo } from "./answers.ts";
export { fileNames, shortName } from "./file-name.ts";
export { junit } from "./junit.ts";
export { utc } from "./moment.ts";
export { rounded, withTasks } from "./points.ts";
export { type FoundResult, type FoundResults, readResult, readResults, resultFile } from "./read.ts";
export type { Answer, EarlierPoints, Figure, Finding, Graded, Reason, Result, TaskResult } from "./result.ts";
export { titlesOf } from "./titles.ts";
export { writePlainFile } from "./write.ts";
