/** Hashes of files and folders by what is in them. */
import { createHash } from "node:crypto";
import { closeSync, openSync, readdirSync, readSync, type Stats } from "node:fs";
import { join } from "node:path";
import { realPath, statOf } from "../files.ts";

/** A larger file is told by its size and its times: reading it would take longer than many a notebook. */
const largestRead = 256 * 2 ** 20;
/** When that much has been read, the rest is told so, too. */
const mostRead = 4 * 2 ** 30;
/** A folder with more files than that is looked through no further. */
const mostFiles = 50_000;

/** Folders that say nothing about a result, or are looked at in another way. */
const passedOver = new Set(["node_modules", ".git", "__pycache__", ".ipynb_checkpoints"]);

/** Hashes for the time of one command: a file that many notebooks need is read once, unless one of them changes it. */
export class ContentHashes {
  readonly #files = new Map<string, string>();
  readonly #excluded: ReadonlySet<string>;
  #read = 0;

  /** @param excluded Real paths that belong to the run itself: what it saves and its cache. */
  constructor(excluded: ReadonlySet<string> = new Set()) {
    this.#excluded = excluded;
  }

  /** Hash of a file, or "missing". */
  file(path: string): string {
    const stat = statOf(path);
    return stat === undefined ? "missing" : this.#ofFile(path, stat);
  }

  /** Hash of all that is in a folder, names included, links followed; undefined where it cannot be looked through. */
  folder(path: string): string | undefined {
    const lines: string[] = [];
    return this.#walk(path, "", new Set(), lines) ? hashOf(lines.join("\n")) : undefined;
  }

  #walk(folder: string, prefix: string, above: ReadonlySet<string>, lines: string[]): boolean {
    const real = realPath(folder);
    if (above.has(real)) {
      return true;
    }
    const inside = new Set([...above, real]);
    let names: string[];
    try {
      names = readdirSync(folder).sort();
    } catch {
      return false;
    }
    for (const name of names) {
      const path = join(folder, name);
      const stat = statOf(path);
      if (passedOver.has(name) || (stat !== undefined && this.#excluded.has(realPath(path)))) {
        continue;
      }
      if (stat?.isDirectory()) {
        if (!this.#walk(path, `${prefix}${name}/`, inside, lines)) {
          return false;
        }
      } else {
        lines.push(`${prefix}${name} ${stat === undefined ? "missing" : this.#ofFile(path, stat)}`);
      }
      if (lines.length > mostFiles) {
        return false;
      }
    }
    return true;
  }

  #ofFile(path: string, stat: Stats): string {
    if (!stat.isFile()) {
      return "no file";
    }
    const times = `${stat.size} bytes, ${stat.mtimeMs}, ${stat.ctimeMs}`;
    const key = `${path}\0${stat.ino}\0${times}`;
    let hash = this.#files.get(key);
    if (hash === undefined) {
      const much = stat.size > largestRead || this.#read > mostRead;
      hash = much ? times : hashOfFile(path);
      this.#read += much ? 0 : stat.size;
      this.#files.set(key, hash);
    }
    return hash;
  }
}

/** In pieces: a file need not fit into memory twice. */
function hashOfFile(path: string): string {
  const hash = createHash("sha256");
  const piece = Buffer.allocUnsafe(2 ** 20);
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    return `unreadable: ${(error as NodeJS.ErrnoException).code}`;
  }
  try {
    for (let length = readSync(file, piece); length > 0; length = readSync(file, piece)) {
      hash.update(piece.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
  return hash.digest("hex");
}

/** Hash of a text. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
