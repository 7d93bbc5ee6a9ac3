export {
  type Assignment,
  type AssignmentNotebook,
  languageOf,
  type ReadOptions,
  readAssignment,
  readAssignmentNotebook,
  settingsFile,
  sharedIds,
  teacherFolder,
} from "./assignment.ts";
export {
  type AssignmentCell,
  type CellRole,
  cellName,
  cellsOf,
  isAnswer,
  isUnchanged,
  type ReadCells,
  roleOf,
  sourceOf,
} from "./cells.ts";
export { checksum, isLocked } from "./checksum.ts";
export { described, type Kind, kindOf, notebooksIn } from "./kinds.ts";
export { type MadeFor, type Mark, madeFolders, marked, markOf, markOfFile } from "./mark.ts";
export {
  duplicateIds,
  type NbgraderMetadata,
  type ReadMetadata,
  readMetadata,
  schemaVersion,
  writeMetadata,
} from "./metadata.ts";
export { encodingOf, inputText, isWithin, outputFile, outputFolder, refuse, textOf } from "./places.ts";
export { type Region, RegionError, type RegionKind, regionsOf, replaceRegions } from "./regions.ts";
export { type ClassSettings, defaultSettings, parseSettings, readSettings, type VariantValues } from "./settings.ts";
