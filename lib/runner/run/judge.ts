/** Says of a cell that ran to its end whether it passed, and whether the next ones should run. */
import type { ExecuteResult } from "../kernels/client.ts";
import type { CodeCell, ErrorOutput } from "../notebook/types.ts";
import { cellSettings, raiseAsked } from "./cell-info.ts";
import { failureOf } from "./failure.ts";
import type { CellFailure, CellStatus } from "./types.ts";

/** What becomes of a cell and of those behind it. */
export interface Judgement {
  readonly status: CellStatus;
  readonly failure: CellFailure | undefined;
  /** Whether the next cells should run. */
  readonly goOn: boolean;
}

/**
 * How a cell is judged that ran to its end.
 *
 * An end without a fault (`sys.exit(0)`) is no error, so it is not what errors are allowed for: it ends the notebook. In a cell that has to
 * raise something it is what was expected, as any other exception would be.
 *
 * @param shown The error among the cell's outputs, which says more than the reply, and counts where the reply says nothing of it.
 */
export function judge(
  cell: CodeCell,
  shown: ErrorOutput | undefined,
  result: ExecuteResult,
  { expectsError, allowsError }: { readonly expectsError: boolean; readonly allowsError: boolean },
): Judgement {
  // As papermill has it: a result that cannot be shown, for one, is an error that the reply knows nothing of.
  const hidden =
    shown !== undefined && !endsWell(shown) && cell.outputs.some((output) => output.output_type === "error");
  if (result.status === "ok" && !hidden) {
    const goOn = !asksToEnd(result);
    if (expectsError) {
      const message = `the cell ${raiseAsked(cell)}, but raised nothing`;
      return { status: "failed", failure: { name: "NothingRaised", message, traceback: [] }, goOn };
    }
    return { status: "passed", failure: undefined, goOn };
  }
  const error = shown ?? errorOf(result);
  const failure = failureOf(error, cell.execution_count);
  if (result.status === "aborted") {
    return { status: "failed", failure, goOn: false };
  }
  if (expectsError) {
    const wrong = unexpectedError(cell, failure);
    return { status: wrong === undefined ? "passed" : "failed", failure: wrong, goOn: true };
  }
  if (endsWell(error)) {
    return { status: "passed", failure: undefined, goOn: false };
  }
  return allowsError
    ? { status: "passed", failure: undefined, goOn: true }
    : { status: "failed", failure, goOn: false };
}

/** The error that a reply tells of. */
export function errorOf({ status, content: { ename, evalue, traceback } }: ExecuteResult): ErrorOutput {
  return {
    output_type: "error",
    ename: typeof ename === "string" ? ename : status,
    evalue: typeof evalue === "string" ? evalue : "the kernel did not run the cell",
    traceback: Array.isArray(traceback) ? traceback.map(String) : [],
  };
}

/** `sys.exit()` and `process.exit(0)` end a notebook without a fault, as they end a program; papermill has it so, too. */
export function endsWell({ ename, evalue }: ErrorOutput): boolean {
  return (
    (ename === "SystemExit" && /^(?:0|None|False)?$/.test(evalue)) ||
    (ename === "ProcessExit" && /^process\.exit\(0?\)/.test(evalue))
  );
}

/** `exit` and `quit` of IPython raise nothing: they ask the front end to end the kernel. */
export function asksToEnd({ content }: ExecuteResult): boolean {
  return Array.isArray(content.payload) && content.payload.some((entry) => entry?.source === "ask_exit");
}

/** Compares an error with the one that the cell's metadata expects. */
function unexpectedError(cell: CodeCell, failure: CellFailure): CellFailure | undefined {
  const { name, message } = cellSettings(cell).raises ?? {};
  if (name !== undefined && name !== failure.name) {
    return { ...failure, message: `expected the exception ${name}, got ${failure.name}: ${failure.message}` };
  }
  if (message !== undefined && !matches(message, failure.message)) {
    return { ...failure, message: `expected an exception with a message like /${message}/, got: ${failure.message}` };
  }
  return undefined;
}

function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return text.includes(pattern);
  }
}
