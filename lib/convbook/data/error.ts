/** What a data error is about. */
export type DataErrorCode =
  /** A file does not follow its format. */
  | "format"
  /** A sample could not be made. */
  | "sample"
  /** Samples of one batch do not fit together. */
  | "collate"
  /** A worker thread failed or ended. */
  | "worker"
  /** A state that was saved does not fit the loader. */
  | "state";

/** Data that cannot be used. `message` is written for people; the fields are for programs. */
export class DataError extends Error {
  override readonly name = "DataError";
  readonly code: DataErrorCode;
  /** The file that it is about, where there is one. */
  readonly file: string | undefined;
  /** The index in the data set that it is about, where there is one. */
  readonly index: number | undefined;

  constructor(
    code: DataErrorCode,
    message: string,
    { file, index, cause }: { file?: string | undefined; index?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.file = file;
    this.index = index;
  }
}
