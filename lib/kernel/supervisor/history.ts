/**
 * The history of all sessions: one JSON line an input, appended; read once, when it is first asked for. What people type can
 * hold what is nobody else's business: the file is its owner's alone.
 */
import { chmodSync, closeSync, fstatSync, mkdirSync, openSync, readSync } from "node:fs";
import { open, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { renameOver, stateFolder } from "../platform.ts";
import { numberField, textField } from "../protocol/fields.ts";
import type { Json } from "../protocol/message.ts";

interface Entry {
  readonly session: number;
  readonly line: number;
  readonly input: string;
  readonly output?: string;
}

/** How many entries are kept when the file is read. */
const kept = 10_000;
/** How long an entry may wait for more, ms. */
const gather = 100;
/** The longest input and output that an entry keeps, UTF-16 units: a cell with data in it is not one to type again. */
const longestInput = 50_000;
const longestOutput = 10_000;
/** How much of the file's end is read, bytes. A file that is longer is written anew with what was read. */
const mostRead = 4 << 20;

const ownFolder = "convbook";

/** Where history is kept: `CONVBOOK_HISTORY`, else the user's state folder. */
export function historyFile(): string {
  return process.env.CONVBOOK_HISTORY || join(stateFolder(), ownFolder, "history.jsonl");
}

export class History {
  readonly #file: string;
  #entries: Entry[] | undefined;
  #session = 1;
  #tail: Promise<void> = Promise.resolve();
  /** Lines that are written together. */
  #unwritten: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(file = historyFile()) {
    this.#file = file;
  }

  /**
   * Adds a cell.
   *
   * @param keep Whether later sessions shall know it. What runs notebooks unattended has nobody whose history it would be:
   *   its cells are known to this session only.
   */
  add(line: number, input: string, output: string | undefined, keep: boolean): void {
    const entries = this.#load();
    const entry: Entry = {
      session: this.#session,
      line,
      input: shortened(input, longestInput),
      ...(output !== undefined && { output: shortened(output, longestOutput) }),
    };
    entries.push(entry);
    if (!keep) {
      return;
    }
    this.#unwritten.push(`${JSON.stringify(entry)}\n`);
    this.#timer ??= setTimeout(() => this.#write(), gather);
  }

  /** Answers a history_request. */
  answer(content: Json): Json {
    const entries = this.#load();
    const withOutput = content.output === true;
    const n = numberField(content, "n");
    let found: Entry[];
    switch (content.hist_access_type) {
      case "range": {
        const session = numberField(content, "session") ?? 0;
        const wanted = session > 0 ? session : this.#session + session;
        const start = numberField(content, "start") ?? 0;
        const stop = numberField(content, "stop") ?? Number.POSITIVE_INFINITY;
        found = entries.filter((entry) => entry.session === wanted && entry.line >= start && entry.line < stop);
        break;
      }
      case "search": {
        const pattern = textField({ pattern: content.pattern ?? "*" }, "pattern");
        found = entries.filter(({ input }) => isLike(input, pattern));
        if (content.unique === true) {
          found = [...new Map(found.map((entry) => [entry.input, entry])).values()];
        }
        found = n === undefined ? found : lastOf(found, n);
        break;
      }
      default:
        found = lastOf(entries, n ?? 10);
    }
    return {
      status: "ok",
      history: found.map(({ session, line, input, output }) => [
        session,
        line,
        withOutput ? [input, output ?? null] : input,
      ]),
    };
  }

  /** Resolves when everything is written. */
  get written(): Promise<void> {
    this.#write();
    return this.#tail;
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#unwritten.splice(0).join("");
    if (text !== "") {
      // History that cannot be written is no reason to disturb the notebook.
      this.#tail = this.#tail.then(() => append(this.#file, text)).catch(() => {});
    }
  }

  #load(): Entry[] {
    if (this.#entries !== undefined) {
      return this.#entries;
    }
    const entries: Entry[] = [];
    let cut = false;
    try {
      const end = readEnd(this.#file);
      cut = end.cut;
      for (const line of end.text.split("\n")) {
        const entry = parseEntry(line);
        if (entry !== undefined) {
          entries.push(entry);
        }
      }
    } catch {
      // None yet.
    }
    this.#session = entries.reduce((highest, { session }) => Math.max(highest, session), 0) + 1;
    this.#entries = entries;
    if (cut || entries.length > 2 * kept) {
      this.#entries = entries.slice(-kept);
      const text = this.#entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
      const fresh = `${this.#file}.${process.pid}`;
      this.#tail = writeFile(fresh, text, { mode: ownersFile, flag: "wx" })
        .then(() => renameOver(() => rename(fresh, this.#file)))
        .catch(() => rm(fresh, { force: true }));
    }
    return this.#entries;
  }
}

const ownersFile = 0o600;
const ownersFolder = 0o700;

/** Appends to the file, which nobody but its owner can read, also where an older version left it open to all. */
async function append(file: string, text: string): Promise<void> {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: ownersFolder });
  if (basename(folder) === ownFolder) {
    chmodSync(folder, ownersFolder);
  }
  const handle = await open(file, "a", ownersFile);
  try {
    // Not that of a device, such as /dev/null.
    if ((await handle.stat()).isFile()) {
      await handle.chmod(ownersFile);
    }
    await handle.appendFile(text);
  } finally {
    await handle.close();
  }
}

/** The end of a file, from the beginning of a line on, and whether something before it was left out. */
function readEnd(file: string): { text: string; cut: boolean } {
  const handle = openSync(file, "r");
  try {
    const { size } = fstatSync(handle);
    const from = Math.max(0, size - mostRead);
    const bytes = Buffer.alloc(size - from);
    const count = readSync(handle, bytes, 0, bytes.length, from);
    const text = bytes.toString("utf8", 0, count);
    return from === 0 ? { text, cut: false } : { text: text.slice(text.indexOf("\n") + 1), cut: true };
  } finally {
    closeSync(handle);
  }
}

/** Text up to a length, with a word on what is left out. */
function shortened(text: string, longest: number): string {
  if (text.length <= longest) {
    return text;
  }
  const long = `${text.slice(0, longest)}\n… and ${text.length - longest} more characters`;
  // A copy: to V8 a slice is a part of the text, all of which it would keep.
  return JSON.parse(JSON.stringify(long));
}

function lastOf(entries: readonly Entry[], n: number): Entry[] {
  return n > 0 ? entries.slice(-n) : [];
}

function parseEntry(line: string): Entry | undefined {
  try {
    const entry: Entry = JSON.parse(line);
    return typeof entry.session === "number" && typeof entry.line === "number" && typeof entry.input === "string"
      ? entry
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether a text is of a pattern of the shell's: `*` stands for any text, `?` for one character. A regular expression would take for ever where a
 * pattern has many stars.
 */
function isLike(text: string, pattern: string): boolean {
  let at = 0;
  let place = 0;
  // Where to go on when what follows the latest star does not fit here: it then stands for one character more.
  let behindStar = -1;
  let from = 0;
  while (at < text.length) {
    const wanted = pattern[place];
    if (wanted === "*") {
      behindStar = ++place;
      from = at;
    } else if (wanted === "?" || wanted === text[at]) {
      at++;
      place++;
    } else if (behindStar >= 0) {
      place = behindStar;
      at = ++from;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(place));
}
