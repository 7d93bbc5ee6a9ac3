export { cacheFolder, isOffline } from "./cache.ts";
export { type DownloadResult, download } from "./download.ts";
export { type DownloadAttempt, DownloadError, type DownloadReason, ManifestError } from "./error.ts";
export {
  datasetsFolder,
  loadManifest,
  type Manifest,
  type ManifestFile,
  parseManifest,
  readManifest,
} from "./manifest.ts";
export type { DownloadOptions } from "./options.ts";
export {
  type DownloadProgress,
  formatBytes,
  formatProgress,
  type ProgressStream,
  terminalProgress,
} from "./progress.ts";
export { type FetchedFile, type FetchFileOptions, fetchFile } from "./single-file.ts";
