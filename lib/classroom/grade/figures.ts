/** Pictures for the page of feedback: what the student's cells showed between one task and the next. */
import { joinLines, type Notebook, type Output } from "nbconvert-ts-runner";
import type { Figure } from "../results/index.ts";
import { fieldsOf } from "../values.ts";
import type { Hidden } from "./hidden.ts";
import type { Restored, RestoredCell } from "./restore.ts";
import type { SessionResult } from "./session.ts";

const types = ["image/png", "image/jpeg", "image/svg+xml"] as const;
/** For a page that a phone reads. */
const most = 8;
const longest = 2 * 2 ** 20;

/**
 * The figures of a task. Once a cell with hidden lines has run in the kernel, a student's cell could draw what it has read there: from then
 * on the figures are those that were handed in.
 *
 * @param id The task's.
 */
export function figuresOf(
  id: string,
  restored: Restored,
  session: SessionResult,
  submitted: Notebook,
  hidden: Hidden,
): { readonly figures?: readonly Figure[] } {
  const end = restored.cells.findIndex(({ of }) => of?.id === id);
  const before = restored.cells.slice(0, Math.max(0, end));
  const start = 1 + before.findLastIndex(({ of }) => of !== undefined && of.points > 0 && of.role === "tests");
  const exposed = hidden.any && before.slice(0, start).some(({ of }) => of?.role === "tests");
  const own = before
    .slice(start)
    .filter(({ of }) => of === undefined || of.role === "solution" || of.role === "manual");
  const figures = own
    .flatMap((cell) => outputsOf(cell, exposed, session, submitted))
    .flatMap(figureOf)
    .slice(0, most);
  return figures.length === 0 ? {} : { figures };
}

function outputsOf(
  cell: RestoredCell,
  exposed: boolean,
  session: SessionResult,
  submitted: Notebook,
): readonly Output[] {
  if (!exposed) {
    return session.runs.get(cell)?.outputs ?? [];
  }
  const handedIn = cell.index === undefined ? undefined : submitted.cells[cell.index];
  return handedIn?.cell_type === "code" ? handedIn.outputs : [];
}

function figureOf(output: Output): Figure[] {
  if (output.output_type !== "display_data" && output.output_type !== "execute_result") {
    return [];
  }
  const type = types.find((each) => output.data[each] !== undefined);
  const data = type === undefined ? "" : joinLines(output.data[type]);
  if (type === undefined || data === "" || data.length > longest) {
    return [];
  }
  const about = fieldsOf(output.metadata[type]);
  const alt =
    typeof about.alt === "string"
      ? about.alt
      : typeof output.metadata.alt === "string"
        ? output.metadata.alt
        : undefined;
  return [{ type, data, ...(alt !== undefined && { alt }) }];
}
