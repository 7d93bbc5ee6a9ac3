export { type CellDifference, type CompareOptions, compareNotebooks } from "./compare.ts";
export { type Band, missedExpectations, parseBand } from "./expect.ts";
export { sanitizerPresets } from "./sanitize.ts";
