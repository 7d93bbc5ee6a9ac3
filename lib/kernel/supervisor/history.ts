/** The history of all sessions: one JSON line an input, appended; read once, when it is first asked for. */
import { mkdirSync, readFileSync } from "node:fs";
import { appendFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
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
/** The longest output that is kept with an entry, UTF-16 units. */
const longestOutput = 10_000;

/** Where history is kept: `CONVBOOK_HISTORY`, else the user's state folder. */
export function historyFile(): string {
  const { CONVBOOK_HISTORY, XDG_STATE_HOME } = process.env;
  return CONVBOOK_HISTORY || join(XDG_STATE_HOME || join(homedir(), ".local/state"), "convbook/history.jsonl");
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

  add(line: number, input: string, output: string | undefined): void {
    const entries = this.#load();
    const entry: Entry = {
      session: this.#session,
      line,
      input,
      ...(output !== undefined && { output: output.slice(0, longestOutput) }),
    };
    entries.push(entry);
    this.#unwritten.push(`${JSON.stringify(entry)}\n`);
    this.#timer ??= setTimeout(() => this.#write(), gather);
  }

  /** Answers a history_request. */
  answer(content: Json): Json {
    const entries = this.#load();
    const withOutput = content.output === true;
    const n = typeof content.n === "number" ? content.n : undefined;
    let found: Entry[];
    switch (content.hist_access_type) {
      case "range": {
        const session = Number(content.session ?? 0);
        const wanted = session > 0 ? session : this.#session + session;
        const start = Number(content.start ?? 0);
        const stop =
          content.stop === undefined || content.stop === null ? Number.POSITIVE_INFINITY : Number(content.stop);
        found = entries.filter((entry) => entry.session === wanted && entry.line >= start && entry.line < stop);
        break;
      }
      case "search": {
        const pattern = glob(String(content.pattern ?? "*"));
        found = entries.filter(({ input }) => pattern.test(input));
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
      this.#tail = this.#tail.then(() => appendFile(this.#file, text)).catch(() => {});
    }
  }

  #load(): Entry[] {
    if (this.#entries !== undefined) {
      return this.#entries;
    }
    const entries: Entry[] = [];
    try {
      mkdirSync(dirname(this.#file), { recursive: true });
      for (const line of readFileSync(this.#file, "utf8").split("\n")) {
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
    if (entries.length > 2 * kept) {
      this.#entries = entries.slice(-kept);
      const text = this.#entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
      const fresh = `${this.#file}.${process.pid}`;
      this.#tail = writeFile(fresh, text)
        .then(() => rename(fresh, this.#file))
        .catch(() => {});
    }
    return this.#entries;
  }
}

function lastOf(entries: readonly Entry[], n: number): Entry[] {
  return n > 0 ? entries.slice(-n) : [];
}

function parseEntry(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line) as Entry;
    return typeof entry.session === "number" && typeof entry.line === "number" && typeof entry.input === "string"
      ? entry
      : undefined;
  } catch {
    return undefined;
  }
}

/** A shell pattern: `*` and `?`. */
function glob(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, "[^]*")
    .replace(/\?/g, "[^]");
  return new RegExp(`^${source}$`);
}
