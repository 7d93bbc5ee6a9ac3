/** The page of a notebook that ran. */
import { basename, dirname, resolve } from "node:path";
import type { Notebook } from "../notebook/types.ts";
import { writeAtomically } from "../notebook/write.ts";

export interface PageOptions {
  readonly remoteImages?: boolean | undefined;
  /** Is told of what the page leaves out. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** Where the page of a notebook is written in a folder. */
export function pagePath(path: string, folder: string): string {
  return resolve(folder, basename(path).replace(/(\.ipynb)?$/, ".html"));
}

/** Writes the page of a notebook, with the pictures that are beside it, into a folder. */
export async function writePage(
  notebook: Notebook,
  path: string,
  folder: string,
  options: PageOptions = {},
): Promise<void> {
  // Only who writes pages needs what makes them.
  const { toHtml } = await import("../convert/html/to-html.ts");
  const own = { name: basename(path).replace(/\.ipynb$/, ""), baseFolder: dirname(resolve(path)) };
  writeAtomically(pagePath(path, folder), await toHtml(notebook, { ...options, ...own }));
}
