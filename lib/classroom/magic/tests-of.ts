/** Which cells of a notebook test the work above. */

/** A cell, as much of it as is looked at. */
export interface NotebookCell {
  readonly cell_type: string;
  readonly id?: string;
  readonly source: string | readonly string[];
  readonly metadata?: { readonly nbgrader?: Partial<Marks> };
}

interface Marks {
  readonly grade: boolean;
  readonly solution: boolean;
  readonly grade_id: string;
}

/** The cell that asks. */
export interface AskingCell {
  readonly source: string;
  /** Its id in the notebook, where that is known. */
  readonly id?: string | undefined;
}

/** A cell with public tests. */
export interface TestCell {
  readonly id: string;
  readonly source: string;
}

/** Why there is nothing to run, for the student. */
export class NoTestsError extends Error {
  override readonly name = "NoTestsError";
}

/** The text of a cell, which files have by its lines. */
export function textOf({ source }: NotebookCell): string {
  return typeof source === "string" ? source : source.join("");
}

function isTest({ cell_type: type, metadata }: NotebookCell): boolean {
  return type === "code" && metadata?.nbgrader?.grade === true && metadata.nbgrader.solution !== true;
}

function isAnswer({ metadata }: NotebookCell): boolean {
  return metadata?.nbgrader?.solution === true;
}

function idOf({ id, metadata }: NotebookCell): string {
  return metadata?.nbgrader?.grade_id ?? id ?? "";
}

/**
 * The cells with tests that belong to the answer at or above a cell: those that stand between it and the next answer.
 *
 * @param cells The notebook's cells.
 * @param asked The id of a cell with tests or of an answer; empty for the cell that asks, `all` for all of the notebook.
 * @param asking The cell that asks: by its id, or by its text where the notebook has no such id.
 * @throws {NoTestsError} Where that cannot be told, or there is no test.
 */
export function testsOf(cells: readonly NotebookCell[], asked: string, asking: AskingCell): TestCell[] {
  const tests = cells.flatMap((cell, at) => (isTest(cell) ? [{ at, id: idOf(cell), source: textOf(cell) }] : []));
  const known = tests.map(({ id }) => id).join(", ");
  if (tests.length === 0) {
    throw new NoTestsError("%grade: this notebook has no cells with tests");
  }
  if (asked === "all") {
    return tests;
  }
  let from: number;
  if (asked === "") {
    const place = asking.id === undefined ? -1 : cells.findIndex(({ id }) => id === asking.id);
    const same =
      place >= 0 ? [place] : cells.flatMap((cell, at) => (textOf(cell).trim() === asking.source.trim() ? [at] : []));
    const [only] = same;
    if (only === undefined || same.length > 1) {
      const why =
        same.length > 1 ? "several cells are as this one" : "this cell is not in the saved notebook as it is here";
      throw new NoTestsError(`%grade: ${why}; name what to check, as in "%grade ${tests[0]?.id}": ${known}`);
    }
    from = only;
  } else {
    from = cells.findIndex((cell) => idOf(cell) === asked);
    if (from < 0) {
      throw new NoTestsError(`%grade: there is no cell ${JSON.stringify(asked)}; cells with tests are ${known}`);
    }
    if (isTest(cells[from] as NotebookCell)) {
      return tests.filter(({ at }) => at === from);
    }
  }
  const answer = cells.slice(0, from + 1).findLastIndex(isAnswer);
  const next = cells.findIndex((cell, at) => at > from && isAnswer(cell));
  const found = tests.filter(({ at }) => at > answer && (next < 0 || at < next));
  if (found.length === 0) {
    throw new NoTestsError(`%grade: no cell tests what is above; cells with tests are ${known}`);
  }
  return found;
}
