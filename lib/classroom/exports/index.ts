export { readCsv, safeCell, writeCsv } from "./csv.ts";
export {
  canvasCsv,
  type ExportedText,
  type ExportOptions,
  gradescopeJson,
  moodleCsv,
  nbgraderCsv,
  plainCsv,
} from "./formats.ts";
export { type Grades, gradesOf } from "./grades.ts";
export { type Person, type Roster, readRoster } from "./roster.ts";
