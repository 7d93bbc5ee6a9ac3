/**
 * Whether students could read what they are to find out: lines of solutions, hidden tests and marking schemes, looked for in everything
 * that a student gets.
 */
import type { Notebook } from "nbconvert-ts-runner";
import {
  type AssignmentCell,
  type AssignmentNotebook,
  cellName,
  isAnswer,
  type RegionKind,
  readMetadata,
  regionsOf,
  replaceRegions,
} from "../source/index.ts";

/** A line that a student must not see. */
export interface Secret {
  /** White space made one, comment marks gone. */
  readonly text: string;
  /** What it is a line of, for messages: `the solution of cell 3 (block)`. */
  readonly of: string;
}

/** From so many characters on a line is also found as a part of another one. */
const longEnough = 20;

/** The lines of an assignment's notebook that a student must not see; those that say nothing (`}`, `return x;`, imports) do not count. */
export function secretsOf(notebook: AssignmentNotebook): Secret[] {
  return notebook.cells.flatMap((cell) =>
    secretLines(cell).flatMap(({ line, name }) => {
      const text = normalised(line);
      return isTelling(text) ? [{ text, of: `${name} of ${cellName(cell.index, cell.id)}` }] : [];
    }),
  );
}

const names: Readonly<Record<RegionKind, string>> = {
  SOLUTION: "the solution",
  "HIDDEN TESTS": "the hidden tests",
  "MARK SCHEME": "the marking scheme",
};

function secretLines(cell: AssignmentCell): { line: string; name: string }[] {
  const kinds: readonly RegionKind[] = ["SOLUTION", "HIDDEN TESTS", "MARK SCHEME"];
  // A test's preparations that its cell shows anyway are no secret.
  const shown = new Set(replaceRegions(cell.source, "HIDDEN TESTS").split("\n").map(normalised));
  const lines = kinds.flatMap((kind) =>
    regionsOf(cell.source, kind)
      .flatMap((region) => region.lines.map((line) => ({ line, name: names[kind] })))
      .filter(({ line }) => kind !== "HIDDEN TESTS" || !shown.has(normalised(line))),
  );
  // A solution cell without a region is a solution from its first line to its last.
  return isAnswer(cell.role) && regionsOf(cell.source, "SOLUTION").length === 0
    ? cell.source.split("\n").map((line) => ({ line, name: names.SOLUTION }))
    : lines;
}

/**
 * Where a notebook shows what it must not: in sources, outputs, metadata and attachments.
 *
 * @returns A sentence for each place.
 */
export function leaksInNotebook(notebook: Notebook, secrets: readonly Secret[]): string[] {
  const found = notebook.cells.flatMap((cell, index) => {
    const { source, metadata, attachments, ...others } = cell;
    const name = cellName(index, readMetadata(cell).metadata?.grade_id);
    return [
      ...leaks(source, secrets, `${name} shows`),
      ...leaks(others, secrets, `the outputs of ${name} show`),
      ...leaks(metadata, secrets, `the metadata of ${name} show`),
      ...leaks(attachments, secrets, `the attachments of ${name} show`),
    ];
  });
  return [...found, ...leaks(notebook.metadata, secrets, "the metadata of the notebook show")];
}

/** Where a text file shows what it must not; files that are no text have no lines. */
export function leaksInFile(contents: Uint8Array, name: string, secrets: readonly Secret[]): string[] {
  const text = asText(contents);
  return text === undefined ? [] : leaks(text, secrets, `${name} shows`);
}

function leaks(value: unknown, secrets: readonly Secret[], where: string): string[] {
  const lines = [...new Set([...textsIn(value)].flatMap((text) => text.split("\n").map(normalised)))];
  const whole = new Set(lines);
  const parts = lines.filter((line) => line.length >= longEnough).join("\n");
  const seen = new Set<string>();
  return secrets.flatMap(({ text, of }) => {
    const isThere = whole.has(text) || (text.length >= longEnough && parts.includes(text));
    if (!isThere || seen.has(text)) {
      return [];
    }
    seen.add(text);
    return [`${where} a line of ${of}: ${text.length > 80 ? `${text.slice(0, 79)}…` : text}`];
  });
}

/** Every text in a value, names of fields included; lists of lines as one text; base64 as what it stands for. */
function* textsIn(value: unknown): Generator<string> {
  if (typeof value === "string") {
    yield value;
    const decoded = /^[\w+/\s]{24,}={0,2}\s*$/.test(value) ? asText(Buffer.from(value, "base64")) : undefined;
    if (decoded !== undefined) {
      yield decoded;
    }
  } else if (Array.isArray(value)) {
    if (value.every((each) => typeof each === "string")) {
      yield value.join("");
    }
    for (const each of value) {
      yield* textsIn(each);
    }
  } else if (typeof value === "object" && value !== null) {
    for (const [key, each] of Object.entries(value)) {
      yield key;
      yield* textsIn(each);
    }
  }
}

function asText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}

/** A line without what does not change what it says: white space, marks of comments, quotations and lists before it. */
function normalised(line: string): string {
  return line
    .replace(/^[\s#/*>%|-]+/, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** A line that says something of its own: at least 12 characters and two words, and no import. */
function isTelling(text: string): boolean {
  const words = text.match(/[\p{L}\p{N}_]+/gu) ?? [];
  return text.length >= 12 && words.length >= 2 && !/^(import\b|from\b.*\bimport\b)/.test(text);
}
