/** A cell that is being written, for the checker: the names that it declares, and its tree where it can be read. */
import type { Program } from "acorn";
import type { Shifts } from "../compile/magics.ts";
import { declaredNames, parseTypeScript } from "../compile/parse-typescript.ts";
import type { EmitOptions } from "../compile/remove-types.ts";
import type { LspPosition } from "../types/diagnostics.ts";
import type { CellText } from "../types/scope.ts";

export interface DescribedCell extends CellText {
  /** Undefined where the cell is unfinished, or wrong. */
  readonly program: Program | undefined;
  /** Where its lines stand further right than the user wrote them. */
  readonly shifted: Shifts;
}

/**
 * Reads a cell that is being written.
 *
 * @param source TypeScript, magics translated.
 * @param emit What the notebook's tsconfig.json says of JSX.
 * @param shifted Where its lines stand further right than the user wrote them.
 */
export async function describeCell(
  source: string,
  emit: EmitOptions = {},
  shifted: Shifts = new Map(),
): Promise<DescribedCell> {
  const cell = await parseTypeScript(source);
  // Help does not ask of what kind a name is, only that it is the cell's own.
  const values = cell === undefined ? roughNames(source) : cell.program.body.flatMap(declaredNames);
  const jsx = cell?.jsx === true;
  return {
    source,
    names: { variables: [], values, types: [] },
    jsx,
    implied: jsx ? jsxNames(emit) : [],
    program: cell?.program,
    shifted,
  };
}

/** The names that JSX means without mentioning them. */
export function jsxNames({ jsx, jsxFactory, jsxFragmentFactory }: EmitOptions): string[] {
  const automatic = jsx === "react-jsx" || jsx === "react-jsxdev";
  return automatic
    ? []
    : [jsxFactory ?? "React", jsxFragmentFactory ?? "React"].map((name) => name.replace(/\..*$/s, ""));
}

/** The names that an unfinished cell seems to declare. */
function roughNames(source: string): string[] {
  const found = source.matchAll(
    /(?<![\w$.])(?:const|let|var|function\*?|class|enum|interface|type|namespace)\s+([A-Za-z_$][\w$]*)/g,
  );
  return [...new Set([...found].map(([, name = ""]) => name))];
}

/** Where a place of the cell that the user wrote is in what is checked. */
export function placeIn({ shifted }: DescribedCell, { line, character }: LspPosition): LspPosition {
  return { line, character: character + (shifted.get(line + 1) ?? 0) };
}
