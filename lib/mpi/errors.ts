/** What goes wrong with MPI: one typed error, by whose code a caller can tell what to do. */

/**
 * `unavailable`: there is no binding on this machine; `launcher`: the program was started by another library's launcher; `argument`: a call
 * that cannot be meant; `mismatch`: ranks called different things; `timeout`: a rank did not come in time; `peer`: another rank failed;
 * `gone`: the communicator was freed or MPI has ended; `memory`; `mpi`: the library's own error.
 */
export type MpiErrorCode =
  | "unavailable"
  | "launcher"
  | "argument"
  | "mismatch"
  | "timeout"
  | "peer"
  | "gone"
  | "memory"
  | "mpi";

/** An error of MPI. After `timeout`, `peer` and `mpi` the ranks cannot work together any more: the program is to end. */
export class MpiError extends Error {
  override readonly name = "MpiError";
  readonly code: MpiErrorCode;
  /** The rank at fault, where one is known. */
  readonly rank: number | undefined;

  constructor(code: MpiErrorCode, message: string, rank?: number) {
    super(message);
    this.code = code;
    this.rank = rank;
  }
}
