/** Collects the files that a notebook's results depend on, as far as its text names them, and theirs in turn. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, extname, isAbsolute, join, relative, resolve } from "node:path";
import { globSync, isDynamicPattern } from "tinyglobby";
import { isFile, isFolder, realPath, statOf, upwards } from "../files.ts";
import { readNotebook } from "../notebook/read.ts";
import { joinLines, type Notebook } from "../notebook/types.ts";
import { askPython, type PythonInstallation, pythonFiles } from "./python-imports.ts";
import { type SourceKind, scanSource } from "./scan.ts";
import {
  type FoundPackage,
  findPackage,
  packagesOf,
  projectFiles,
  projectSettings,
  rootDirFiles,
  scriptFiles,
} from "./script-imports.ts";
import type { Dependencies, DependencyOptions } from "./types.ts";
import { nameIn, pathOfUrl, pathsOf } from "./words.ts";

const scriptExtensions = /\.(?:[mc]?[jt]sx?)$/i;
const pythonExtensions = /\.(?:py|ipy|pyw)$/i;
const otherSources = /\.(?:r|jl|sh|bash|scala|rb|lua|sql|html?)$/i;
/** Folders that a source names before other names, as far as they are tried. */
const mostBases = 12;
/** Sources longer than that are data in disguise. */
const longestSource = 8 * 2 ** 20;

/** Collects what the cells of a notebook depend on. */
export function collectDependencies(notebook: Notebook, path: string, options: DependencyOptions): Dependencies {
  const collector = new Collector(path, options);
  collector.notebook(notebook);
  return collector.end();
}

class Collector implements Dependencies {
  readonly files = new Set<string>();
  readonly folders = new Set<string>();
  readonly listed = new Map<string, boolean>();
  readonly unknown = new Set<string>();
  readonly names = new Set<string>();
  python: string | undefined;
  readonly #path: string;
  readonly #folder: string;
  readonly #options: DependencyOptions;
  /** Where Python looks for modules: grows by folders that the code names. */
  readonly #roots: Set<string>;
  readonly #modules = new Set<string>();
  readonly #packages = new Set<string>();

  constructor(path: string, options: DependencyOptions) {
    this.#folder = dirname(resolve(path));
    this.#options = options;
    this.#path = realPath(path);
    const pythonPath = (options.python?.env.PYTHONPATH ?? "").split(":").filter((entry) => entry !== "");
    this.#roots = new Set([options.cwd, this.#folder, ...pythonPath.map((entry) => resolve(options.cwd, entry))]);
    for (const setting of [this.#folder, options.cwd].flatMap(projectSettings)) {
      this.files.add(setting);
    }
  }

  notebook(notebook: Notebook): void {
    const { language } = this.#options;
    const kind = /python/i.test(language)
      ? "python"
      : /^(typescript|javascript|ts|js|deno)$/i.test(language)
        ? "script"
        : "other";
    for (const cell of notebook.cells) {
      if (cell.cell_type === "code") {
        this.#source(joinLines(cell.source), kind, this.#folder);
      }
    }
  }

  end(): Dependencies {
    this.#askPython();
    return this;
  }

  #source(source: string, kind: SourceKind, from: string, words = true): void {
    const scan = scanSource(source, kind);
    this.#note(source);
    for (const reason of scan.unknown) {
      this.unknown.add(reason);
    }
    if (scan.lists !== "not") {
      for (const folder of [this.#folder, this.#options.cwd]) {
        this.listed.set(folder, scan.lists === "deep" || this.listed.get(folder) === true);
      }
    }
    if (words) {
      const bases = this.#basesOf(source, scan.words, from);
      for (const word of new Set(scan.words)) {
        this.#word(word, from, bases);
      }
    }
    for (const specifier of new Set(scan.specifiers)) {
      this.#specifier(specifier, from);
    }
    for (const entry of scan.modules) {
      this.#module(entry.module, entry.names, from);
    }
  }

  #note(source: string): void {
    for (const [name] of source.matchAll(/\b[A-Z_][A-Z0-9_]{2,}\b/g)) {
      this.names.add(name);
    }
  }

  /** Where names may be meant from: here, where the kernel works, and folders that the same source puts before others. */
  #basesOf(source: string, words: readonly string[], from: string): Set<string> {
    const own = [this.#folder, this.#options.cwd, from];
    const above = /\.parent\b|\bdirname\b|\bpardir\b/.test(source) ? own.map((base) => dirname(base)) : [];
    const home = /\bhome\b|\bhomedir\b|\bexpanduser\b|\bHOME\b/.test(source) ? [homedir()] : [];
    // os.chdir("..") in an earlier cell
    const before = [...this.#roots].slice(0, mostBases);
    for (const folder of above) {
      this.#roots.add(folder);
    }
    // join("..", "src", "a.csv"), Path("..") / "src"
    const named = words.filter((word) => /^[\w./~-]{1,200}$/.test(word) && /[\w]|\.\./.test(word));
    const folders = own.flatMap((base) => named.map((word) => resolve(base, word)).filter(isFolder));
    return new Set([...own, ...above, ...home, ...before, ...folders.slice(0, mostBases)]);
  }

  #module(module: string, names: readonly string[], from: string): void {
    if (!module.startsWith(".")) {
      this.#modules.add(module.split(".")[0] as string);
    }
    for (const found of pythonFiles({ module, names }, from, [...this.#roots, from])) {
      this.#add(found);
    }
  }

  #specifier(specifier: string, from: string): void {
    if (/^\.{0,2}\//.test(specifier) || specifier.startsWith("file:")) {
      const path = specifier.startsWith("file:") ? pathOfUrl(specifier) : resolve(from, specifier.replace(/\?.*$/, ""));
      for (const file of path === undefined ? [] : [...scriptFiles(path), ...rootDirFiles(path, from)]) {
        this.#add(file);
      }
      return;
    }
    for (const file of projectFiles(specifier, from)) {
      this.#add(file);
    }
    const found = findPackage(specifier, from);
    if (found !== undefined) {
      this.#package(found, true);
    }
  }

  /** A package with those that it needs in turn: of an installed one's own dependencies the versions count. */
  #package({ folder, installed }: FoundPackage, direct: boolean): void {
    const whole = direct || !installed;
    const key = `${folder}\0${whole}`;
    if (this.#packages.has(key)) {
      return;
    }
    this.#packages.add(key);
    if (whole) {
      this.folders.add(folder);
    } else {
      this.files.add(join(folder, "package.json"));
    }
    if (!installed) {
      this.#outOf(folder);
    }
    for (const needed of packagesOf(folder)) {
      this.#package(needed, false);
    }
  }

  /** What a linked package's sources name beyond its folder, in the same repository: what a workspace's packages share. */
  #outOf(folder: string): void {
    const repository = [...upwards(folder)].find((above) => existsSync(join(above, ".git")));
    const ignore = ["**/node_modules/**", "**/*.test.*", "**/*.d.ts"];
    for (const file of globSync("**/*.{ts,mts,cts,tsx,js,mjs,cjs,jsx}", { cwd: folder, absolute: true, ignore })) {
      const source = readFileSync(file, "utf8");
      this.#note(source);
      for (const [, text = ""] of source.matchAll(/["'`](\.\.\/[^"'`\n]+)["'`]/g)) {
        const path = resolve(dirname(file), text);
        const inside = repository !== undefined && !relative(repository, path).startsWith("..");
        const beyond = inside && relative(folder, path).startsWith("..");
        const around = !relative(path, folder).startsWith("..");
        if (beyond && !around && isFile(path)) {
          this.files.add(path);
        } else if (beyond && !around && isFolder(path)) {
          this.folders.add(path);
        }
      }
    }
  }

  /** A text in quotation marks, or a word of a command: where it names a file or a folder, that counts. */
  #word(word: string, from: string, bases: ReadonlySet<string>): void {
    const name = nameIn(word);
    if (name === undefined) {
      return;
    }
    const own = new Set([this.#folder, this.#options.cwd, from]);
    for (const base of bases) {
      for (const path of pathsOf(name, base)) {
        this.#add(path);
      }
      // Folders above may hold the whole disk: there a pattern means names right in them.
      const small = own.has(base) || !name.includes("**");
      if (small && isDynamicPattern(name) && !isAbsolute(name) && name.length < 200) {
        for (const path of globSync(name, {
          cwd: base,
          absolute: true,
          ignore: ["**/node_modules/**", "**/*.ipynb"],
        })) {
          this.#add(path);
        }
      }
    }
    // ["data/part", n].join(""): of what is not there by that name, the folder.
    const start = name.slice(0, name.lastIndexOf("/") + 1);
    if (
      /^[^/~]/.test(start) &&
      ![...own].some((base) => pathsOf(name, base).some((path) => statOf(path) !== undefined))
    ) {
      for (const base of own) {
        this.#add(resolve(base, start));
      }
    }
    // import_module("package.module") and the like.
    if (/^[A-Za-z_]\w*(?:\.\w+)*$/.test(name)) {
      for (const found of pythonFiles({ module: name, names: [] }, from, [...this.#roots])) {
        this.#add(found);
      }
    }
  }

  /** A file or a folder that may be read. */
  #add(path: string): void {
    const stat = statOf(path);
    // What this run writes counts all the same where the code names it, but for the notebook itself.
    const real = realPath(path);
    const { apart } = this.#options;
    const isApart = apart !== undefined && !relative(apart, real).startsWith("..");
    if (stat === undefined || real === this.#path || isApart) {
      return;
    }
    if (stat.isDirectory()) {
      this.#addFolder(path);
    } else if (stat.isFile() && !this.files.has(path)) {
      this.files.add(path);
      if (stat.size <= longestSource) {
        this.#follow(path);
      }
    }
  }

  #addFolder(path: string): void {
    this.#roots.add(path);
    // One around the notebook holds everything: it is a place to look in ("..", put into sys.path), not data.
    const around = [this.#folder, this.#options.cwd].some((own) => !relative(path, own).startsWith(".."));
    if (around || this.folders.has(path) || /(?:^|\/)(?:node_modules|\.git)(?:\/|$)/.test(path)) {
      return;
    }
    this.folders.add(path);
    for (const file of globSync("**/*.{py,ts,mts,cts,tsx,js,mjs,cjs,jsx}", {
      cwd: path,
      absolute: true,
      ignore: ["**/node_modules/**"],
    }).slice(0, 2000)) {
      if ((statOf(file)?.size ?? Number.POSITIVE_INFINITY) <= longestSource) {
        // What its files read from beside them is in the folder, too: only their imports lead out of it.
        this.#follow(file, false);
      }
    }
  }

  readonly #followed = new Set<string>();

  #follow(path: string, words = true): void {
    if (this.#followed.has(path)) {
      return;
    }
    this.#followed.add(path);
    const name = basename(path);
    try {
      if (extname(path) === ".ipynb") {
        this.notebook(readNotebook(path).notebook);
      } else if (scriptExtensions.test(name)) {
        this.#source(readFileSync(path, "utf8"), "script", dirname(path), words);
      } else if (pythonExtensions.test(name)) {
        this.#source(readFileSync(path, "utf8"), "python", dirname(path), words);
      } else if (otherSources.test(name)) {
        this.#source(readFileSync(path, "utf8"), "other", dirname(path));
      }
    } catch {
      // What cannot be read has no imports to follow; that it is there counts already.
    }
  }

  /** Asks until what the answer leads to names no further module. */
  #askPython(): void {
    const { python } = this.#options;
    if (python === undefined) {
      return;
    }
    const asked = new Set<string>();
    let answer: PythonInstallation | undefined;
    for (let names = [...this.#modules]; answer === undefined || names.length > 0; ) {
      answer = askPython(python.command, names, python.env);
      if (answer === undefined) {
        this.unknown.add(`what ${python.command} imports`);
        return;
      }
      for (const name of names) {
        asked.add(name);
      }
      for (const place of Object.values(answer.modules).flat()) {
        this.#addInstalled(place, answer);
      }
      names = [...this.#modules].filter((name) => !asked.has(name));
    }
    this.python = answer.identity;
  }

  #addInstalled(place: string, { installed }: PythonInstallation): void {
    const inside = installed.filter((folder) => !relative(folder, place).startsWith(".."));
    if (inside.length === 0) {
      // An editable installation: somebody's own source.
      this.#add(place);
    } else if (inside.some((folder) => /(?:site|dist)-packages$/.test(folder))) {
      (isFolder(place) ? this.folders : this.files).add(place);
    }
    // The rest is Python itself, which its version tells.
  }
}
