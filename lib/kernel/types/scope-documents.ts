/**
 * The documents of a session's scope, as text: those that cells share, and the parts of the scope, modules that export
 * from them what the cells declare. Documents import from parts only.
 *
 * A checker takes in a changed document at once while it imports from the same modules in the same order, so a document
 * imports from every part that there is, often nothing. And what it takes grows with the document: a part is as large as
 * its cells' names, so there is another part after so many cells.
 */
import type { CellNames } from "./declarations.ts";

/** A document's new text. */
export interface Change {
  readonly file: string;
  readonly text: string;
}

export type Kind = "variable" | "value" | "type";

export interface Declared {
  readonly cell: DeclaringCell;
  readonly kind: Kind;
}

/** A cell that ran and declared something. */
export interface DeclaringCell {
  readonly names: CellNames;
  readonly words: ReadonlySet<string>;
  readonly text: string;
  /** Earlier declarations that it mentions, by name. */
  readonly uses: ReadonlyMap<string, Declared>;
  readonly document: CellsDocument;
}

/** Cells that share one document. */
export interface CellsDocument {
  readonly id: number;
  readonly file: string;
  readonly part: ScopePart;
  readonly cells: DeclaringCell[];
  /** What each word of its cells is: a cell's declaration, or undefined for anything else. */
  readonly bindings: Map<string, DeclaringCell | undefined>;
  /** From how many parts it imports. */
  parts: number;
}

/** A module that exports from some of the documents, and makes the next part known. */
export interface ScopePart {
  readonly id: number;
  readonly file: string;
  readonly documents: CellsDocument[];
  /** Files that it exports from, in the order in which it does; documents that are not open yet among them. */
  readonly listed: string[];
}

/** The first part. */
export const scopeFile = partFile(1);

export function openPart(id: number): ScopePart {
  return { id, file: partFile(id), documents: [], listed: [] };
}

export function cellFile(id: number, jsx: boolean): string {
  return `.convbook-cell-${id}${extension(jsx)}`;
}

export function extension(jsx: boolean): string {
  return jsx ? ".tsx" : ".mts";
}

export function allNames({ variables, values, types }: CellNames): string[] {
  return [...variables, ...values, ...types];
}

/** The document's text as it is now. */
export function documentChange(document: CellsDocument): Change {
  const { cells } = document;
  const others = new Map<string, ImportedName>();
  for (const { uses } of cells) {
    for (const [name, { cell, kind }] of uses) {
      if (cell.document !== document) {
        others.set(name, { name, exported: lastingName(name, cell.document), kind, part: cell.document.part.id });
      }
    }
  }
  document.parts = Math.max(document.parts, ...[...others.values()].map(({ part }) => part));
  // The semicolon keeps a cell's last line apart from the next cell's first.
  const body = cells.map(({ text }) => `${text}\n;\n`).join("");
  return {
    file: document.file,
    text: `${importsOf([...others.values()], document.parts)}\n${body}${exportsOf(cells)}`,
  };
}

/** The part's text: what each document declares, under its lasting name and, where `isLive`, its own. */
export function partChange(part: ScopePart, isLive: (name: string, cell: DeclaringCell) => boolean): Change {
  const exported = new Map<string, string[]>(part.listed.map((file) => [file, []]));
  for (const document of part.documents) {
    for (const cell of document.cells) {
      for (const name of allNames(cell.names)) {
        const list = exported.get(document.file);
        list?.push(`${name} as ${lastingName(name, document)}`);
        if (isLive(name, cell)) {
          list?.push(name);
        }
      }
    }
  }
  const lines = [...exported].map(([file, names]) => `export {${names.join(", ")}} from "./${file}";`);
  return { file: part.file, text: [...lines, `export {} from "./${partFile(part.id + 1)}";`].join("\n") };
}

/** A name that a document gets from a part. */
export interface ImportedName {
  readonly name: string;
  /** Its name in the part. */
  readonly exported: string;
  readonly kind: Kind;
  readonly part: number;
}

/** One line that imports names from the first so many parts. */
export function importsOf(names: readonly ImportedName[], parts: number): string {
  const imports: string[][] = Array.from({ length: parts }, () => []);
  let variables = "";
  for (const { name, exported, kind, part } of names) {
    const list = imports[part - 1];
    if (kind === "variable") {
      // What is imported cannot be assigned.
      list?.push(`${exported} as $convbook_${name}`);
      variables += `declare let ${name}: typeof $convbook_${name};`;
    } else {
      list?.push(`${kind === "type" ? "type " : ""}${exported === name ? name : `${exported} as ${name}`}`);
    }
  }
  return imports.map((list, i) => `import {${list.join(", ")}} from "./${partFile(i + 1)}";`).join("") + variables;
}

function exportsOf(cells: readonly DeclaringCell[]): string {
  const names = cells.flatMap((cell) => [
    ...cell.names.variables,
    ...cell.names.values,
    ...cell.names.types.map((name) => `type ${name}`),
  ]);
  return `export {${names.join(", ")}};`;
}

function partFile(id: number): string {
  return `.convbook-scope${id === 1 ? "" : `-${id}`}.mts`;
}

/** The name under which the scope exports what a document declares, whatever is declared after it. */
function lastingName(name: string, document: CellsDocument): string {
  return `${name}_convbook${document.id}`;
}
