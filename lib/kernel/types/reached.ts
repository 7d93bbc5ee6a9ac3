/** The user's own sources that a cell's imports reach: their type errors are the cell's to tell. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isDeclaration, isUsers } from "../modules/files.ts";
import { Resolver } from "../modules/resolver.ts";
import { specifiersOf } from "./specifiers.ts";

interface Known {
  readonly modified: number;
  readonly specifiers: readonly string[];
}

export class ReachedFiles {
  readonly #cell: string;
  readonly #resolver: Resolver;
  readonly #extensions: RegExp;
  /** What files import, as of their last change. */
  readonly #known = new Map<string, Known>();

  /**
   * @param folder The notebook's folder, where cells import from.
   * @param javascript Whether the project has JavaScript among its sources.
   */
  constructor(folder: string, javascript: boolean) {
    this.#extensions = javascript ? /\.[cm]?[tj]sx?$/ : /\.[cm]?tsx?$/;
    this.#cell = join(folder, "notebook.mjs");
    this.#resolver = new Resolver(folder);
  }

  /**
   * Follows imports, through files that import each other in a circle too, up to what is installed or of no interest to the checker.
   *
   * @param source A cell.
   * @returns The files, nearest first, each with the time of its last change.
   */
  from(source: string): Map<string, number> {
    const reached = new Map<string, number>();
    let next = this.#targets(specifiersOf(source), this.#cell);
    while (next.length > 0) {
      const further: string[] = [];
      for (const file of next) {
        if (!reached.has(file)) {
          const { modified, specifiers } = this.#read(file);
          reached.set(file, modified);
          further.push(...this.#targets(specifiers, file));
        }
      }
      next = further;
    }
    return reached;
  }

  #targets(specifiers: readonly string[], from: string): string[] {
    return specifiers.flatMap((specifier) => {
      const file = this.#resolver.source(specifier, from);
      return file !== undefined && isUsers(file) && this.#extensions.test(file) && !isDeclaration(file) ? [file] : [];
    });
  }

  #read(file: string): Known {
    const modified = modifiedAt(file);
    let known = this.#known.get(file);
    if (known?.modified !== modified) {
      known = { modified, specifiers: specifiersOf(textOf(file)) };
      this.#known.set(file, known);
    }
    return known;
  }
}

/** When a file changed last; 0 where it is not there. */
export function modifiedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** A file's text; empty where it cannot be read. */
export function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
