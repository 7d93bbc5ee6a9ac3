export { DataParallel } from "./data-parallel.ts";
export { makeStrategy } from "./options.ts";
export { SingleProcess } from "./single.ts";
