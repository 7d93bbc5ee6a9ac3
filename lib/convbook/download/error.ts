/** What can go wrong with a download, as data that a caller may branch on. */
export type DownloadReason =
  /** No connection, a name that does not resolve, a broken connection. */
  | "network"
  /** The server stopped sending. */
  | "timeout"
  /** The server answered with an error. */
  | "http"
  /** The content is not what the manifest promises. */
  | "hash"
  /** Fewer or more bytes than the manifest promises. */
  | "size"
  /** Not in the cache nor in a mirror folder, and the network may not be used. */
  | "offline"
  /** The disk is full, or a quota or a file size limit is reached. */
  | "space"
  /** The caller's signal was aborted. */
  | "aborted"
  /** Another process held the lock for longer than we wait. */
  | "locked"
  /** Not there: a mirror does not have the file. */
  | "missing"
  /** Any other error of the file system. */
  | "io";

/** One address that was tried, and how it failed. */
export interface DownloadAttempt {
  readonly address: string;
  readonly reason: DownloadReason;
  readonly message: string;
}

/** A file could not be had. `message` is written for people; the fields are for programs. */
export class DownloadError extends Error {
  override readonly name = "DownloadError";
  /** The file's path in its manifest, after the manifest's name. */
  readonly file: string;
  readonly reason: DownloadReason;
  /** Every address that was tried, in order. */
  readonly tried: readonly DownloadAttempt[];

  constructor(
    file: string,
    reason: DownloadReason,
    message: string,
    options: { tried?: readonly DownloadAttempt[]; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.file = file;
    this.reason = reason;
    this.tried = options.tried ?? [];
  }
}

/** A manifest that does not follow its format. `at` says where, as a path of keys (`files[2].sha256`). */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
  readonly manifest: string;
  readonly at: string;

  constructor(manifest: string, at: string, message: string) {
    super(`Manifest ${manifest}: ${at === "" ? "" : `${at}: `}${message}`);
    this.manifest = manifest;
    this.at = at;
  }
}
