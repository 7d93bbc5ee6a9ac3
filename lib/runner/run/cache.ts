/** Remembers which notebooks passed with which inputs: what has not changed need not run again. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { NotebookFile } from "../notebook/read.ts";
import { type CodeCell, joinLines, type Notebook, tagsOf } from "../notebook/types.ts";
import { detectStyle, NotebookWriter, writeAtomically } from "../notebook/write.ts";
import { notebookSettings } from "./cell-info.ts";
import type { NotebookResult, RunOptions } from "./types.ts";

/** What the cache says about a notebook. */
export interface CacheLook {
  readonly hit: boolean;
  /** Why it has to run although it ran before. */
  readonly reason: string | undefined;
  readonly entryPath: string;
  readonly inputs: Readonly<Record<string, string>>;
}

interface CacheEntry {
  readonly inputs: Readonly<Record<string, string>>;
  /** Of each code cell in its order. */
  readonly cells: readonly Pick<CodeCell, "execution_count" | "outputs">[];
}

/** Environment variables that change what a notebook computes. */
const relevantVariables = ["CONVBOOK_BACKEND", "PYTHONHASHSEED", "CUDA_VISIBLE_DEVICES"];

const lockfiles = [
  "package-lock.json",
  "npm-shrinkwrap.json",
  "yarn.lock",
  "pnpm-lock.yaml",
  "deno.lock",
  "requirements.txt",
  "poetry.lock",
  "uv.lock",
  "Pipfile.lock",
  "environment.yml",
];

/** Data files of more bytes are told apart by size and time of change. */
const largestHashed = 64 * 2 ** 20;

/** A folder with one entry a notebook. */
export class NotebookCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = resolve(folder);
  }

  /** Looks whether a notebook passed before with the same inputs. */
  look(file: NotebookFile, options: RunOptions): CacheLook {
    const inputs = inputsOf(file, options);
    const entryPath = join(this.#folder, `${hash(resolve(file.path)).slice(0, 32)}.json`);
    const entry = readEntry(entryPath);
    if (entry === undefined) {
      return { hit: false, reason: undefined, entryPath, inputs };
    }
    const changed = [...new Set([...Object.keys(inputs), ...Object.keys(entry.inputs)])].filter(
      (name) => inputs[name] !== entry.inputs[name],
    );
    return {
      hit: changed.length === 0,
      reason: changed.length === 0 ? undefined : `changed: ${changed.join(", ")}`,
      entryPath,
      inputs,
    };
  }

  /** Stores a notebook that passed. */
  keep(look: CacheLook, result: NotebookResult): void {
    mkdirSync(dirname(look.entryPath), { recursive: true });
    const cells = ownCodeCells(result.notebook).map(({ execution_count, outputs }) => ({ execution_count, outputs }));
    const entry: CacheEntry = { inputs: look.inputs, cells };
    writeAtomically(look.entryPath, JSON.stringify(entry));
  }

  /** Writes the notebook with the outputs that it had when it passed; its text is as it is now. */
  restore(look: CacheLook, file: NotebookFile, output: string): boolean {
    const stored = readEntry(look.entryPath)?.cells;
    const cells = ownCodeCells(file.notebook);
    if (stored === undefined || stored.length !== cells.length) {
      return false;
    }
    for (const [index, cell] of cells.entries()) {
      Object.assign(cell, stored[index]);
    }
    new NotebookWriter(output, detectStyle(file.text)).save(file.notebook);
    return true;
  }
}

/** The code cells without the one that a run with parameters adds. */
function ownCodeCells(notebook: Notebook): CodeCell[] {
  return notebook.cells.filter(
    (cell): cell is CodeCell => cell.cell_type === "code" && !tagsOf(cell).includes("injected-parameters"),
  );
}

function readEntry(path: string): CacheEntry | undefined {
  try {
    const entry = JSON.parse(readFileSync(path, "utf8")) as CacheEntry;
    return typeof entry.inputs === "object" && Array.isArray(entry.cells) ? entry : undefined;
  } catch {
    return undefined;
  }
}

/** Everything that a notebook's results depend on, by name, hashed. */
function inputsOf(file: NotebookFile, options: RunOptions): Record<string, string> {
  const folder = dirname(resolve(file.path));
  const { notebook } = file;
  const settings = notebookSettings(notebook);
  const code = notebook.cells.filter((cell) => cell.cell_type === "code").map((cell) => joinLines(cell.source));
  const inputs: Record<string, string> = {
    "the code": hash(
      JSON.stringify(
        notebook.cells.flatMap((cell) =>
          cell.cell_type === "code" ? [[joinLines(cell.source), cell.metadata.tags ?? []]] : [],
        ),
      ),
    ),
    "the kernel": options.kernel ?? notebook.metadata.kernelspec?.name ?? "",
    "the parameters": hash(JSON.stringify([options.parameters ?? {}, options.fast ? (settings.fast ?? {}) : {}])),
    "the Node version": process.version,
  };
  for (const name of relevantVariables) {
    inputs[`the variable ${name}`] = options.env?.[name] ?? process.env[name] ?? "";
  }
  for (const path of findLockfiles(folder)) {
    inputs[path] = hashPath(path);
  }
  for (const path of importedFiles(code, folder)) {
    inputs[path] = hashPath(path);
  }
  for (const path of settings.data ?? []) {
    inputs[`data ${path}`] = hashPath(resolve(folder, path));
  }
  return inputs;
}

function findLockfiles(start: string): string[] {
  const found: string[] = [];
  for (let folder = start; ; folder = dirname(folder)) {
    found.push(...lockfiles.map((name) => join(folder, name)).filter((path) => existsSync(path)));
    // A repository's root ends the search: what lies above belongs to somebody else.
    if (found.length > 0 || existsSync(join(folder, ".git")) || dirname(folder) === folder) {
      return found;
    }
  }
}

const scriptImport = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)["'](\.{1,2}\/[^"']+)["']/g;
const pythonImport = /^\s*(?:from\s+([.\w]+)\s+import|import\s+([\w., ]+))/gm;

/** The local files that code imports, and those that they import. */
export function importedFiles(sources: readonly string[], folder: string): string[] {
  const found = new Set<string>();
  const follow = (source: string, from: string) => {
    const scripts = [...source.matchAll(scriptImport)].map((match) => resolveScript(resolve(from, match[1] ?? "")));
    const modules = [...source.matchAll(pythonImport)]
      .flatMap((match) => (match[1] ?? match[2] ?? "").split(","))
      .map((name) => resolvePython(name.trim().split(/\s+/)[0] ?? "", from));
    for (const path of [...scripts, ...modules]) {
      if (path !== undefined && !found.has(path)) {
        found.add(path);
        follow(readFileSync(path, "utf8"), dirname(path));
      }
    }
  };
  for (const source of sources) {
    follow(source, folder);
  }
  return [...found].sort();
}

function resolveScript(path: string): string | undefined {
  const bare = path.replace(/\.(m|c)?js$/, "");
  return [
    path,
    ...["ts", "mts", "tsx", "js", "mjs", "cjs", "json"].map((extension) => `${bare}.${extension}`),
    join(path, "index.ts"),
    join(path, "index.js"),
  ].find(isFile);
}

function resolvePython(name: string, folder: string): string | undefined {
  const path = join(folder, ...name.replace(/^\.+/, "").split("."));
  return name === "" ? undefined : [`${path}.py`, join(path, "__init__.py")].find(isFile);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Hash of a file's contents, or of all in a folder. */
function hashPath(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    return "missing";
  }
  if (stat.isDirectory()) {
    const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    // Links are not followed: they can lead round in a circle.
    return hash(
      entries
        .map((entry) => `${entry.name}:${entry.isSymbolicLink() ? "link" : hashPath(join(path, entry.name))}`)
        .join("\n"),
    );
  }
  return stat.size > largestHashed ? `${stat.size} bytes of ${stat.mtimeMs}` : hash(readFileSync(path));
}

function hash(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}
