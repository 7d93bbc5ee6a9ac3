export * from "./exports.ts";
export { ModelFileError } from "./io/error.ts";
export { type FileSystemHandler, fileSystem } from "./io/file-system.ts";
export { engine } from "./node/engine.ts";
