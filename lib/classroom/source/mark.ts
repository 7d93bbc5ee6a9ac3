/** The mark that `make` leaves in its notebooks: which assignment they are of, for whom, and which variant. */
import { lstatSync, readFileSync } from "node:fs";
import type { Notebook } from "nbconvert-ts-runner";
import { fieldsOf } from "../values.ts";

/** The folders that `make` writes. */
export const madeFolders = ["student", "solution", "grader"] as const;

/** For whom a notebook was made. */
export type MadeFor = (typeof madeFolders)[number];

/** What a notebook says of itself. A student may have changed it: it names things, and no points hang on it. */
export interface Mark {
  /** Absent where it was made before this was written down. */
  readonly madeFor: MadeFor | undefined;
  readonly variant: string | null;
}

/** A notebook with the mark. */
export function marked(notebook: Notebook, title: string, madeFor: string, variant: string | null): Notebook {
  return { ...notebook, metadata: { ...notebook.metadata, convbook_class: { title, for: madeFor, variant } } };
}

/** The mark in a notebook's metadata; undefined where `make` did not write it. */
export function markOf(metadata: Readonly<Record<string, unknown>>): Mark | undefined {
  if (typeof metadata.convbook_class !== "object" || metadata.convbook_class === null) {
    return undefined;
  }
  const { for: said, variant } = fieldsOf(metadata.convbook_class);
  return {
    madeFor: madeFolders.find((name) => name === said),
    variant: typeof variant === "string" ? variant : null,
  };
}

/** More than a notebook has that is looked at only to know what it is. */
const longest = 20 * 2 ** 20;

/** The mark of a file; undefined for what is no notebook, too. */
export function markOfFile(path: string): Mark | undefined {
  try {
    return lstatSync(path).size > longest
      ? undefined
      : markOf(fieldsOf(fieldsOf(JSON.parse(readFileSync(path, "utf8"))).metadata));
  } catch {
    return undefined;
  }
}
