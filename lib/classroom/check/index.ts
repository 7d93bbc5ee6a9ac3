export { type Checked, type CheckOptions, checkFile } from "./check.ts";
