/**
 * What the cells of a session declared, as TypeScript modules for the checker. The newest declaration of a name counts;
 * an older one stays as long as a newer one is made of it.
 *
 * Cells that ran share documents, where no name of one means something else in another: a checker takes in a changed
 * document at once, and a new one slowly.
 */
import { type CellNames, wordsOf } from "./declarations.ts";
import {
  allNames,
  type CellsDocument,
  type Change,
  cellFile,
  type Declared,
  type DeclaringCell,
  documentChange,
  extension,
  type ImportedName,
  importsOf,
  type Kind,
  openPart,
  partChange,
  type ScopePart,
} from "./scope-documents.ts";

/** A cell's TypeScript as it is checked; `jsx` where it has JSX syntax. */
export interface CellText {
  readonly source: string;
  readonly names: CellNames;
  readonly jsx?: boolean;
  /** Names that it uses without mentioning them, as JSX does. */
  readonly implied?: readonly string[];
}

/** The most cells that share a document, and the most text. */
const mostCells = 16;
const mostText = 1 << 16;
/** The most documents of a part of the scope. */
const mostDocuments = 8;
/** How many of the newest documents are looked at for a place. */
const lookedAt = 4;

export class Scope {
  readonly #live = new Map<string, Declared>();
  readonly #cells = new Set<DeclaringCell>();
  readonly #documents: CellsDocument[] = [];
  readonly #parts: ScopePart[] = [openPart(1)];

  /** The documents before the first cell. */
  begin(): Change[] {
    const changes: Change[] = [];
    this.#open(false, changes);
    return changes;
  }

  /** Takes in what a cell declares; the documents that change, in order. */
  declare({ source, names, jsx = false, implied = [] }: CellText): Change[] {
    const all = allNames(names);
    if (all.length === 0) {
      return [];
    }
    const own = new Set(all);
    const words = new Set([...wordsOf(source), ...implied, ...all]);
    const uses = new Map<string, Declared>();
    for (const word of words) {
      const declared = own.has(word) ? undefined : this.#live.get(word);
      if (declared !== undefined) {
        uses.set(word, declared);
      }
    }
    const changes: Change[] = [];
    const changed = new Set<CellsDocument>();
    const replaced = all.flatMap((name) => this.#live.get(name)?.cell ?? []);
    this.#forgetReplaced(own, new Set(replaced), changed);
    const document = this.#placeFor(own, words, uses, jsx) ?? this.#open(jsx, changes);
    const cell: DeclaringCell = { names, words, text: withoutExports(source), uses, document };
    this.#cells.add(cell);
    document.cells.push(cell);
    bind(cell);
    for (const [kind, list] of kindsOf(names)) {
      for (const name of list) {
        this.#live.set(name, { cell, kind });
      }
    }
    changed.add(document);
    const parts = new Set([document.part, ...replaced.map((cell) => cell.document.part)]);
    if (replaced.length > 0) {
      this.#forgetUnreachable(changed);
    }
    return [...changes, ...this.#changesOf(changed, parts)];
  }

  /** Forgets everything. */
  reset(): Change[] {
    const changed = new Set<CellsDocument>();
    this.#live.clear();
    this.#forgetUnreachable(changed);
    return this.#changesOf(changed, new Set());
  }

  /**
   * One line that brings earlier cells' names into a cell that declares `own`: those that `words` mentions, or all.
   */
  prelude(own: CellNames, words: Iterable<string> = this.#live.keys()): string {
    const hidden = new Set(allNames(own));
    const names: ImportedName[] = [];
    for (const name of words) {
      const declared = hidden.has(name) ? undefined : this.#live.get(name);
      if (declared !== undefined) {
        names.push({ name, exported: name, kind: declared.kind, part: declared.cell.document.part.id });
      }
    }
    return importsOf(names, this.#parts.length);
  }

  /** The line of a cell that a document's line is, both from 0; undefined for a document of no cell that ran. */
  lineInCell(file: string, line: number): number | undefined {
    const document = this.#documents.find((one) => one.file === file);
    if (document === undefined) {
      return undefined;
    }
    let start = 1;
    for (const { text } of document.cells) {
      const lines = text.split("\n").length;
      if (line < start + lines) {
        return line - start;
      }
      start += lines + 1;
    }
    return undefined;
  }

  /** A cell whose every live name is declared anew and that no other mentions is not needed any more. */
  #forgetReplaced(own: ReadonlySet<string>, replaced: ReadonlySet<DeclaringCell>, changed: Set<CellsDocument>): void {
    for (const cell of replaced) {
      const live = allNames(cell.names).filter((name) => this.#live.get(name)?.cell === cell);
      const used = [...this.#cells].some((other) =>
        [...other.uses.values()].some((declared) => declared.cell === cell),
      );
      if (!used && live.every((name) => own.has(name))) {
        this.#forget(cell, changed);
      }
    }
  }

  /** Forgets the cells that neither declare a live name nor are mentioned by one that does. */
  #forgetUnreachable(changed: Set<CellsDocument>): void {
    const reachable = new Set<DeclaringCell>();
    const visit = (cell: DeclaringCell) => {
      if (!reachable.has(cell)) {
        reachable.add(cell);
        for (const declared of cell.uses.values()) {
          visit(declared.cell);
        }
      }
    };
    for (const { cell } of this.#live.values()) {
      visit(cell);
    }
    for (const cell of this.#cells) {
      if (!reachable.has(cell)) {
        this.#forget(cell, changed);
      }
    }
  }

  #forget(cell: DeclaringCell, changed: Set<CellsDocument>): void {
    const { document } = cell;
    this.#cells.delete(cell);
    document.cells.splice(document.cells.indexOf(cell), 1);
    document.bindings.clear();
    document.cells.forEach(bind);
    changed.add(document);
  }

  /** A document in which each word of a new cell means what it means now, and none of its names is mentioned. */
  #placeFor(
    own: ReadonlySet<string>,
    words: ReadonlySet<string>,
    uses: ReadonlyMap<string, Declared>,
    jsx: boolean,
  ): CellsDocument | undefined {
    const open = this.#documents.filter(
      ({ file, cells }) =>
        file.endsWith(extension(jsx)) &&
        cells.length < mostCells &&
        cells.reduce((sum, { text }) => sum + text.length, 0) < mostText,
    );
    return open.slice(-lookedAt).find(({ bindings }) =>
      [...words].every((word) => {
        const free = !bindings.has(word);
        return free || (!own.has(word) && bindings.get(word) === uses.get(word)?.cell);
      }),
    );
  }

  /** A new document, empty; what must be known before it goes into `changes`. */
  #open(jsx: boolean, changes: Change[]): CellsDocument {
    let part = this.#parts.at(-1) as ScopePart;
    if (part.documents.length >= mostDocuments) {
      part = openPart(part.id + 1);
      this.#parts.push(part);
    }
    const id = this.#documents.length + 1;
    const document: CellsDocument = {
      id,
      file: cellFile(id, jsx),
      part,
      cells: [],
      bindings: new Map(),
      parts: part.id,
    };
    this.#documents.push(document);
    part.documents.push(document);
    if (!part.listed.includes(document.file)) {
      // Only then is it part of the project when it is opened; for any other the server would look for its project. The
      // documents to come are listed with it: the list changes seldom.
      for (let next = id; next <= id + mostDocuments - part.documents.length; next++) {
        part.listed.push(cellFile(next, jsx));
      }
      changes.push(this.#partChange(part));
    }
    changes.push(documentChange(document));
    return document;
  }

  /** Documents that changed, then the parts that export from them. */
  #changesOf(documents: ReadonlySet<CellsDocument>, parts: ReadonlySet<ScopePart>): Change[] {
    const all = new Set([...parts, ...[...documents].map(({ part }) => part)]);
    return [...[...documents].map(documentChange), ...[...all].map((part) => this.#partChange(part))];
  }

  #partChange(part: ScopePart): Change {
    return partChange(part, (name, cell) => this.#live.get(name)?.cell === cell);
  }
}

function bind(cell: DeclaringCell): void {
  const own = new Set(allNames(cell.names));
  for (const word of cell.words) {
    cell.document.bindings.set(word, own.has(word) ? cell : cell.uses.get(word)?.cell);
  }
}

function kindsOf({ variables, values, types }: CellNames): [Kind, readonly string[]][] {
  return [
    ["variable", variables],
    ["value", values],
    ["type", types],
  ];
}

/** The cell's own exports would collide with the one that is added. */
function withoutExports(source: string): string {
  return source.replace(
    /^(\s*)export(?=\s+(?:const|let|var|function|async|class|abstract|enum|interface|type\s+[\w$]+\s*[=<]|namespace|declare)\b)/gm,
    "$1      ",
  );
}
