export { readCsv, safeCell, writeCsv } from "./csv.ts";
export {
  canvasCsv,
  type ExportedText,
  type ExportOptions,
  moodleCsv,
  nbgraderCsv,
  openNotes,
  plainCsv,
} from "./formats.ts";
export { type Grades, gradesOf } from "./grades.ts";
export { gradescopeJson, gradescopeZip } from "./gradescope.ts";
export { type Person, type Roster, readRoster } from "./roster.ts";
