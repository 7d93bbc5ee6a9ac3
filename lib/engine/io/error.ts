/** A model's files that cannot be read or written; the message names the file, what was there and what was expected. */
export class ModelFileError extends Error {
  override readonly name = "ModelFileError";
  /** The file or folder that the error is about. */
  readonly file: string;

  constructor(file: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.file = file;
  }
}
