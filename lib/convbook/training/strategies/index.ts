export { DataParallel } from "./data-parallel.ts";
export { makeStrategy, ranksToStart } from "./options.ts";
export { SingleProcess } from "./single.ts";
