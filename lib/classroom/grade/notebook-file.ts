/** The notebook among the files that were handed in: which of them it is, and what it holds. */
import { basename } from "node:path";
import { type Notebook, parseNotebook, upgradeNotebook } from "nbconvert-ts-runner";
import type { Finding } from "../results/index.ts";
import { type AssignmentNotebook, encodingOf } from "../source/index.ts";
import { short } from "./match.ts";
import { archivesIn, type Submission } from "./submissions.ts";

/**
 * The notebook of a submission that belongs to one of the grader's: by its name, else by its name in other letters, else because there is no other. Of several
 * it is the one that lies furthest out: copies are kept in folders.
 *
 * @returns It with the names of the others.
 */
export function notebookFile({ files }: Submission, grader: AssignmentNotebook, notebooks: number) {
  const names = [...files.keys()].filter(isNotebook).sort((a, b) => depthOf(a) - depthOf(b));
  const wanted = `${grader.name}.ipynb`.normalize("NFC");
  const called = (name: string) => basename(name).normalize("NFC");
  const same = names.filter((each) => called(each) === wanted);
  const alike = names.filter((each) => called(each).toLowerCase() === wanted.toLowerCase());
  const alone = notebooks === 1 && names.length === 1 ? names : [];
  const [name, ...others] = [same, alike, alone].find(({ length }) => length > 0) ?? [];
  const read = name === undefined ? undefined : files.get(name);
  return name === undefined || read === undefined ? undefined : { name, bytes: read(), others };
}

function isNotebook(name: string): boolean {
  return name.toLowerCase().endsWith(".ipynb");
}

function depthOf(name: string): number {
  return name.split("/").length;
}

/** What a submission has in the place of a notebook. */
export function whatElse(files: readonly string[]): string {
  const names = files.filter(isNotebook).map((name) => basename(name));
  const archives = archivesIn(files);
  if (names.length > 0) {
    return `found were ${names.slice(0, 5).join(", ")}`;
  }
  return archives.length === 0 ? "there is none" : `there is none beside ${archives.slice(0, 5).join(", ")}`;
}

/** What is told of another notebook of the same name. */
export function alsoThere(other: string, name: string): Finding {
  return {
    kind: "copied",
    cell: null,
    message: `There is another notebook of this name, ${short(other)}; ${short(name)} counts.`,
  };
}

/** More than any notebook has. */
const longestNotebook = 100 * 2 ** 20;

/**
 * The notebook in a file's bytes; of nbformat 3 upgraded.
 *
 * @throws Error where it is none, or longer than any.
 */
export function asNotebook(bytes: Uint8Array, name: string): Notebook {
  if (bytes.length > longestNotebook) {
    throw new Error(
      `${name}: has ${Math.round(bytes.length / 2 ** 20)} MiB; expected at most ${longestNotebook / 2 ** 20}`,
    );
  }
  const text = new TextDecoder(encodingOf(bytes)).decode(bytes);
  if (/"nbformat"\s*:\s*3\b/.test(text)) {
    return parseNotebook(JSON.stringify(upgradeNotebook(JSON.parse(text), name)), name);
  }
  return parseNotebook(text, name);
}
