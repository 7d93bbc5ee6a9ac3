/** An event file that cannot be read or written: which file, where in it, and why. */
export class EventFileError extends Error {
  override readonly name = "EventFileError";
  readonly file: string;
  /** Position in the file, in bytes. */
  readonly offset: number;
  readonly reason: string;

  constructor(file: string, offset: number, reason: string, options?: ErrorOptions) {
    super(`${file}: at byte ${offset}: ${reason}`, options);
    this.file = file;
    this.offset = offset;
    this.reason = reason;
  }
}
