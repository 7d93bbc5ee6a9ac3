/** What nbval's comments and tags say of a cell, so that notebooks written for it are tested as they were. */
import { type Cell, joinLines, tagsOf } from "../notebook/types.ts";

export interface Markers {
  /** Whether its outputs are compared; undefined where nothing says so. */
  readonly check?: boolean;
  /** It must raise an exception. */
  readonly raises?: boolean;
  /** It does not run. */
  readonly skip?: boolean;
}

const meanings: Readonly<Record<string, Markers>> = {
  NBVAL_IGNORE_OUTPUT: { check: false },
  PYTEST_VALIDATE_IGNORE_OUTPUT: { check: false },
  NBVAL_CHECK_OUTPUT: { check: true },
  NBVAL_RAISES_EXCEPTION: { raises: true },
  NBVAL_SKIP: { skip: true },
};

/**
 * The markers of a cell: comments on lines of their own (`# NBVAL_SKIP`, `// NBVAL_SKIP`, `/* NBVAL_SKIP *\/`) and tags (`nbval-skip`). Comments
 * go before tags, later ones before earlier ones, as nbval has it.
 */
export function markersOf(cell: Cell): Markers {
  const comments = joinLines(cell.source)
    .split("\n")
    .map((line) => /^\s*(?:#+|\/{2,}|\/\*+(?=.*\*\/\s*$))\s*(\w+)\s*(?:\*+\/\s*)?$/.exec(line)?.[1] ?? "");
  const tags = tagsOf(cell).map((tag) => tag.toUpperCase().replaceAll("-", "_"));
  const found = [...tags, ...comments].map((name) => (Object.hasOwn(meanings, name) ? meanings[name] : undefined));
  return Object.assign({}, ...found);
}
