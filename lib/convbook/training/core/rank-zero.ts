/** What is said once, however many processes train together: Lightning's `rank_zero_info` and `rank_zero_warn`. */
import { mpi } from "@convbook/mpi";

/** Whether this process is the one of a launcher's that speaks. */
const speaks = () => (mpi.launcher?.rank ?? 0) === 0;

/** Prints on rank 0 alone. */
export function rankZeroLog(text: string): void {
  if (speaks()) {
    console.log(text);
  }
}

/** Warns on rank 0 alone. */
export function rankZeroWarn(text: string): void {
  if (speaks()) {
    console.warn(text);
  }
}
