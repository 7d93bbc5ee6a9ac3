/** Why a checkpoint file was refused. */
export type CheckpointReason =
  /** The file ends too early. */
  | "truncated"
  /** The bytes do not follow the format, or contradict each other. */
  | "malformed"
  /** The format allows it, this reader does not: it could do harm, or hide something. */
  | "forbidden"
  /** More than the limits on memory, depth or number of things allow. */
  | "limit"
  /** Valid, but of a kind that is not read here. */
  | "unsupported"
  /** A checkpoint, but without something that the caller needs. */
  | "incomplete"
  /** Its content does not describe or fit a model. */
  | "mismatch"
  /** The file cannot be opened or read. */
  | "io";

/** A checkpoint that cannot be loaded. Nothing was taken from it. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
  /** The file, or a description of where the bytes came from. */
  readonly file: string;
  /** Where in the file, in bytes from its start; null where no place can be named. */
  readonly offset: number | null;
  readonly reason: CheckpointReason;
  /** What is wrong, without the file's name. */
  readonly detail: string;

  constructor(
    file: string,
    offset: number | null,
    reason: CheckpointReason,
    detail: string,
    options: { cause?: unknown } = {},
  ) {
    super(`${file}${offset === null ? "" : `, byte ${offset}`}: ${detail}`, options);
    this.file = file;
    this.offset = offset;
    this.reason = reason;
    this.detail = detail;
  }
}
