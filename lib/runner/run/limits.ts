/** How long a cell and a notebook may take: what the options, the metadata and the surroundings say. */
import type { CodeCell, Notebook } from "../notebook/types.ts";
import { cellSettings, notebookSettings } from "./cell-info.ts";
import type { RunOptions } from "./types.ts";

/** Where nobody watches, a notebook that hangs must not hold a machine until its owner does: seconds. */
export const limitInCi = 3600;

export interface TimeLimits {
  /** Seconds; undefined for no limit. */
  readonly cellSeconds: number | undefined;
  readonly notebookSeconds: number | undefined;
  /** Where the notebook's limit comes from, when nobody has set it. */
  readonly notebookLimitNote: string | undefined;
}

/**
 * The limits of a cell. A cell's own goes before the options, those before the notebook's; 0 is no limit.
 *
 * @param env Where `CI` is set, a notebook without a limit has one of an hour.
 */
export function timeLimits(
  cell: CodeCell,
  notebook: Notebook,
  options: Pick<RunOptions, "timeout" | "notebookTimeout">,
  env: NodeJS.ProcessEnv = process.env,
): TimeLimits {
  const settings = notebookSettings(notebook);
  const inCi = !/^(?:|0|false|no)$/i.test(env.CI ?? "");
  const own = options.notebookTimeout ?? settings.notebookTimeout;
  return {
    cellSeconds: noneAtZero(
      cellSettings(cell).timeout ?? options.timeout ?? settings.timeout ?? notebookExecution(notebook).timeout,
    ),
    notebookSeconds: noneAtZero(own ?? (inCi ? limitInCi : undefined)),
    notebookLimitNote:
      own === undefined && inCi
        ? "the limit where CI is set; --notebook-timeout SECONDS sets another, 0 none"
        : undefined,
  };
}

/** What nbmake and Jupyter Book read of a notebook's metadata. */
export function notebookExecution(notebook: Notebook): { readonly timeout?: number; readonly allowErrors: boolean } {
  const { execution } = notebook.metadata;
  const { timeout, allow_errors: allowErrors } = (execution ?? {}) as { timeout?: unknown; allow_errors?: unknown };
  return { ...(typeof timeout === "number" && { timeout }), allowErrors: allowErrors === true };
}

function noneAtZero(seconds: number | undefined): number | undefined {
  return seconds === undefined || seconds <= 0 ? undefined : seconds;
}
