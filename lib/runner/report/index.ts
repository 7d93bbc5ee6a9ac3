export { githubAnnotations, markdownSummary } from "./github.ts";
export { jsonReport } from "./json.ts";
export { junitReport } from "./junit.ts";
export { type LiveOptions, LiveReport } from "./live.ts";
export { type RunningCell, RunningCells, type RunningCellsOptions } from "./running-cells.ts";
