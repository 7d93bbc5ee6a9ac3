/** Remembers which notebooks passed with which inputs: what has not changed need not run again. */
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ContentHashes, hashOf } from "../../dependencies/hash.ts";
import { makeFolder, realPath } from "../../files.ts";
import { parseJsonText, stringifyJson } from "../../notebook/json/index.ts";
import type { NotebookFile } from "../../notebook/read.ts";
import { type CodeCell, type Notebook, tagsOf } from "../../notebook/types.ts";
import { writeAtomically } from "../../notebook/write.ts";
import type { RunManyOptions } from "../run-many-options.ts";
import type { NotebookResult } from "../types.ts";
import { type Inputs, inputsOf } from "./inputs.ts";

/** What the cache says about a notebook. */
export interface CacheLook {
  readonly hit: boolean;
  /** Why it has to run although it ran before, or why it always has to. */
  readonly reason: string | undefined;
  readonly entryPath: string;
  readonly inputs: Inputs;
}

interface CacheEntry {
  readonly inputs: Readonly<Record<string, string>>;
  /** Of each code cell in its order. */
  readonly cells: readonly Pick<CodeCell, "execution_count" | "outputs">[];
}

/** How many changes are told one by one. */
const mostTold = 5;

/** A folder with one entry a notebook. */
export class NotebookCache {
  readonly #folder: string;
  readonly #options: RunManyOptions;
  readonly #excluded: ReadonlySet<string>;
  readonly #hashes: ContentHashes;

  /**
   * @param folder Where the entries are.
   * @param options Of the run that the cache is for.
   * @param written Files and folders that the run itself writes: they are no inputs.
   */
  constructor(folder: string, options: RunManyOptions, written: readonly string[]) {
    this.#folder = resolve(folder);
    this.#options = options;
    this.#excluded = new Set([this.#folder, ...written].map(realPath));
    this.#hashes = new ContentHashes(this.#excluded);
  }

  /**
   * Looks whether a notebook passed before with the same inputs.
   *
   * @throws What a run would throw where its kernel is not installed.
   */
  look(file: NotebookFile): CacheLook {
    const inputs = inputsOf(file, this.#options, {
      cacheFolder: realPath(this.#folder),
      excluded: this.#excluded,
      hashes: this.#hashes,
    });
    const entryPath = join(this.#folder, `${hashOf(resolve(file.path)).slice(0, 32)}.json`);
    const common = { entryPath, inputs };
    const { hashes, unknown } = inputs;
    if (unknown.length > 0) {
      return { ...common, hit: false, reason: `depends on ${toldOf(unknown)}` };
    }
    const entry = readEntry(entryPath);
    if (entry === undefined) {
      return { ...common, hit: false, reason: undefined };
    }
    const changed = [...new Set([...Object.keys(hashes), ...Object.keys(entry.inputs)])].filter(
      (name) => hashes[name] !== entry.inputs[name],
    );
    return {
      ...common,
      hit: changed.length === 0,
      reason: changed.length === 0 ? undefined : `changed: ${toldOf(changed)}`,
    };
  }

  /** Stores a notebook that passed, unless something that nobody can look at may have had a part in it. */
  keep({ inputs, entryPath }: CacheLook, result: NotebookResult): void {
    if (inputs.unknown.length > 0) {
      return;
    }
    makeFolder(dirname(entryPath));
    const cells = ownCodeCells(result.notebook).map(({ execution_count, outputs }) => ({ execution_count, outputs }));
    const entry: CacheEntry = { inputs: inputs.hashes, cells };
    writeAtomically(entryPath, stringifyJson(entry));
  }

  /**
   * Puts the outputs that a notebook had when it passed into it; its text stays as it is now.
   *
   * @returns False where the entry is not one of this notebook.
   */
  restore(look: CacheLook, notebook: Notebook): boolean {
    const stored = readEntry(look.entryPath)?.cells;
    const cells = ownCodeCells(notebook);
    if (stored === undefined || stored.length !== cells.length) {
      return false;
    }
    for (const [index, cell] of cells.entries()) {
      Object.assign(cell, stored[index]);
    }
    return true;
  }
}

function toldOf(names: readonly string[]): string {
  const more = names.length - mostTold;
  return more > 0 ? `${names.slice(0, mostTold).join(", ")} and ${more} more` : names.join(", ");
}

/** The code cells without the one that a run with parameters adds. */
function ownCodeCells(notebook: Notebook): CodeCell[] {
  return notebook.cells.filter(
    (cell): cell is CodeCell => cell.cell_type === "code" && !tagsOf(cell).includes("injected-parameters"),
  );
}

function readEntry(path: string): CacheEntry | undefined {
  try {
    const entry = parseJsonText(readFileSync(path, "utf8")) as CacheEntry;
    return typeof entry.inputs === "object" && Array.isArray(entry.cells) ? entry : undefined;
  } catch {
    return undefined;
  }
}
