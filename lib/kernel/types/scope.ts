/**
 * What the cells of a session declared, as TypeScript modules for the checker. The newest declaration of a name counts;
 * an older one stays as long as a newer one is made of it.
 *
 * Cells that ran share documents, where no name of one means something else in another: a checker takes in a changed
 * document at once, and a new one slowly. Documents import from one module only, the scope, which exports from all of
 * them: so none of them comes to import from other modules when its text changes, which would be slow too.
 */
import { type CellNames, wordsOf } from "./declarations.ts";

/** A cell's TypeScript as it is checked; `jsx` where it has JSX syntax. */
export interface CellText {
  readonly source: string;
  readonly names: CellNames;
  readonly jsx?: boolean;
}

/** A document's new text. */
export interface Change {
  readonly file: string;
  readonly text: string;
}

type Kind = "variable" | "value" | "type";

interface Declared {
  readonly cell: DeclaringCell;
  readonly kind: Kind;
}

/** A cell that ran and declared something. */
interface DeclaringCell {
  readonly names: CellNames;
  readonly words: ReadonlySet<string>;
  readonly text: string;
  /** Earlier declarations that it mentions, by name. */
  readonly uses: ReadonlyMap<string, Declared>;
  readonly document: CellsDocument;
}

interface CellsDocument {
  readonly id: number;
  readonly file: string;
  readonly cells: DeclaringCell[];
  /** What each word of its cells is: a cell's declaration, or undefined for anything else. */
  readonly bindings: Map<string, DeclaringCell | undefined>;
}

export const scopeFile = ".convbook-scope.mts";
/** The scope's name in the documents that import it. */
const scopeName = "$convbookScope";
/** The most cells that share a document, and the most text. */
const mostCells = 16;
const mostText = 1 << 16;
/** How many of the newest documents are looked at for a place. */
const lookedAt = 4;
/** How many documents that are not open yet the scope exports from: the list changes seldom. */
const listedAhead = 8;

export class Scope {
  readonly #live = new Map<string, Declared>();
  readonly #cells = new Set<DeclaringCell>();
  readonly #documents: CellsDocument[] = [];
  /** Files that the scope exports from, in the order in which it does. */
  readonly #listed: string[] = [];

  /** The documents before the first cell. */
  begin(): Change[] {
    const changes: Change[] = [];
    this.#open(false, changes);
    return changes;
  }

  /** Takes in what a cell declares; the documents that change, in order. */
  declare({ source, names, jsx = false }: CellText): Change[] {
    const all = allNames(names);
    if (all.length === 0) {
      return [];
    }
    const own = new Set(all);
    const words = new Set([...wordsOf(source), ...all]);
    const uses = new Map<string, Declared>();
    for (const word of words) {
      const declared = own.has(word) ? undefined : this.#live.get(word);
      if (declared !== undefined) {
        uses.set(word, declared);
      }
    }
    const changes: Change[] = [];
    const changed = new Set<CellsDocument>();
    this.#forgetReplaced(own, changed);
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
    this.#forgetUnreachable(changed);
    return [...changes, ...[...changed].map(changeOf), this.#scopeChange()];
  }

  /** Forgets everything. */
  reset(): Change[] {
    const changed = new Set<CellsDocument>();
    this.#live.clear();
    this.#forgetUnreachable(changed);
    return [...[...changed].map(changeOf), this.#scopeChange()];
  }

  /**
   * One line that brings earlier cells' names into a cell that declares `own`: those that `words` mentions, or all.
   */
  prelude(own: CellNames, words?: ReadonlySet<string>): string {
    const hidden = new Set(allNames(own));
    return importsOf(
      [...this.#live]
        .filter(([name]) => !hidden.has(name) && words?.has(name) !== false)
        .map(([name, { kind }]) => ({ name, exported: name, kind })),
    );
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
  #forgetReplaced(own: ReadonlySet<string>, changed: Set<CellsDocument>): void {
    for (const cell of new Set([...own].map((name) => this.#live.get(name)?.cell))) {
      if (cell === undefined) {
        continue;
      }
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
    const id = this.#documents.length + 1;
    const document: CellsDocument = { id, file: cellFile(id, jsx), cells: [], bindings: new Map() };
    this.#documents.push(document);
    if (!this.#listed.includes(document.file)) {
      // Only then is it part of the project when it is opened; for any other the server would look for its project.
      for (let next = id; next < id + listedAhead; next++) {
        this.#listed.push(cellFile(next, jsx));
      }
      changes.push(this.#scopeChange());
    }
    changes.push(changeOf(document));
    return document;
  }

  /** Exports from each document what it declares, under its lasting name and, where it is live, its own. */
  #scopeChange(): Change {
    const exported = new Map<string, string[]>(this.#listed.map((file) => [file, []]));
    for (const { names, document } of this.#cells) {
      for (const name of allNames(names)) {
        exported.get(document.file)?.push(`${name} as ${lastingName(name, document)}`);
      }
    }
    for (const [name, { cell }] of this.#live) {
      exported.get(cell.document.file)?.push(name);
    }
    const text = [...exported].map(([file, names]) => `export {${names.join(", ")}} from "./${file}";`).join("\n");
    return { file: scopeFile, text };
  }
}

function bind(cell: DeclaringCell): void {
  const own = new Set(allNames(cell.names));
  for (const word of cell.words) {
    cell.document.bindings.set(word, own.has(word) ? cell : cell.uses.get(word)?.cell);
  }
}

function changeOf(document: CellsDocument): Change {
  const { cells } = document;
  const others = new Map<string, { name: string; exported: string; kind: Kind }>();
  for (const { uses } of cells) {
    for (const [name, { cell, kind }] of uses) {
      if (cell.document !== document) {
        others.set(name, { name, exported: lastingName(name, cell.document), kind });
      }
    }
  }
  // The semicolon keeps a cell's last line apart from the next cell's first.
  const body = cells.map(({ text }) => `${text}\n;\n`).join("");
  return { file: document.file, text: `${importsOf([...others.values()])}\n${body}${exportsOf(cells)}` };
}

function importsOf(list: readonly { name: string; exported: string; kind: Kind }[]): string {
  const imports: string[] = [];
  let variables = "";
  for (const { name, exported, kind } of list) {
    if (kind === "variable") {
      // What is imported cannot be assigned.
      variables += `declare let ${name}: typeof ${scopeName}.${exported};`;
    } else {
      imports.push(`${kind === "type" ? "type " : ""}${exported === name ? name : `${exported} as ${name}`}`);
    }
  }
  return `import * as ${scopeName} from "./${scopeFile}";import {${imports.join(", ")}} from "./${scopeFile}";${variables}`;
}

function exportsOf(cells: readonly DeclaringCell[]): string {
  const names = cells.flatMap((cell) => [
    ...cell.names.variables,
    ...cell.names.values,
    ...cell.names.types.map((name) => `type ${name}`),
  ]);
  return `export {${names.join(", ")}};`;
}

function kindsOf({ variables, values, types }: CellNames): [Kind, readonly string[]][] {
  return [
    ["variable", variables],
    ["value", values],
    ["type", types],
  ];
}

function allNames({ variables, values, types }: CellNames): string[] {
  return [...variables, ...values, ...types];
}

function extension(jsx: boolean): string {
  return jsx ? ".tsx" : ".mts";
}

function cellFile(id: number, jsx: boolean): string {
  return `.convbook-cell-${id}${extension(jsx)}`;
}

/** The name under which the scope exports what a document declares, whatever is declared after it. */
function lastingName(name: string, document: CellsDocument): string {
  return `${name}_convbook${document.id}`;
}

/** The cell's own exports would collide with the one that is added. */
function withoutExports(source: string): string {
  return source.replace(
    /^(\s*)export(?=\s+(?:const|let|var|function|async|class|abstract|enum|interface|type\s+[\w$]+\s*[=<]|namespace|declare)\b)/gm,
    "$1      ",
  );
}
