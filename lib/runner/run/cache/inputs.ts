/** Everything that decides how a run of a notebook ends, by name, hashed: the key of the cache. */
import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import { collectDependencies } from "../../dependencies/collect.ts";
import { type ContentHashes, hashOf } from "../../dependencies/hash.ts";
import { isFile, isFolder, upwards } from "../../files.ts";
import { type Kernelspec, kernelCommand } from "../../kernels/kernelspec.ts";
import type { NotebookFile } from "../../notebook/read.ts";
import { joinLines, type Notebook, tagsOf } from "../../notebook/types.ts";
import { notebookSettings } from "../cell-info.ts";
import { kernelspecOf } from "../kernelspec-of.ts";
import { exactText } from "../parameters.ts";
import type { RunManyOptions } from "../run-many-options.ts";
import { relevantVariables } from "./environment.ts";

/** Raised when the key means something else than before. */
const version = 2;

export interface Inputs {
  readonly hashes: Readonly<Record<string, string>>;
  /** What cannot be known without a run, in words: such a notebook always runs. */
  readonly unknown: readonly string[];
}

/** This package, from its sources and from dist alike: another version may judge otherwise. */
const ownPackage = [...upwards(import.meta.dirname)].find((folder) => isFile(join(folder, "package.json"))) as string;

/** Files of a folder that a notebook looks through: with more of them it always runs. */
const mostListed = 5000;

const lockfiles = [
  "package-lock.json",
  "npm-shrinkwrap.json",
  "yarn.lock",
  "pnpm-lock.yaml",
  "bun.lock",
  "deno.lock",
  "requirements.txt",
  "poetry.lock",
  "uv.lock",
  "Pipfile.lock",
  "environment.yml",
  "Project.toml",
  "Manifest.toml",
  "renv.lock",
  // What npm really installed.
  join("node_modules", ".package-lock.json"),
];

/** Options that say what is told or where something is kept, not how a run ends. */
const withoutMeaning = new Set([
  "outputDir",
  "save",
  "jobs",
  "update",
  "cache",
  "written",
  "failFast",
  "kernelDir",
  "cwd",
  "env",
  "signal",
]);

/** Metadata that a run writes. */
const written = new Set(["execution", "measured", "collapsed", "scrolled", "ExecuteTime"]);

export interface InputsContext {
  /** Real path of the cache's own folder. */
  readonly cacheFolder: string;
  /** Real paths of what the run itself writes, which do not count in folders. */
  readonly excluded: ReadonlySet<string>;
  readonly hashes: ContentHashes;
}

/**
 * The inputs of a notebook's run.
 *
 * @throws What a run would throw where the kernel is not installed or the notebook names none.
 */
export function inputsOf(
  file: NotebookFile,
  options: RunManyOptions,
  { cacheFolder, excluded, hashes }: InputsContext,
): Inputs {
  const { notebook } = file;
  const folder = dirname(resolve(file.path));
  const cwd = resolve(options.cwd ?? folder);
  const { spec, named } = kernelspecOf(file.path, notebook, options, folder);
  const { command, args } = kernelCommand(spec, "{connection_file}");
  const env = { ...process.env, ...spec.env, ...options.env };
  const python = /python/i.test(spec.language) ? { command, env } : undefined;
  const dependencies = collectDependencies(ownCode(notebook, options), file.path, {
    cwd,
    language: spec.language,
    python,
    apart: cacheFolder,
  });
  const unknown = new Set(dependencies.unknown);
  const result: Record<string, string> = {
    "the cache's format": String(version),
    "the code": hashOf(JSON.stringify(codeOf(notebook, options))),
    "the notebook's settings": hashOf(exactText([notebook.metadata.runner, notebook.metadata.execution])),
    "the options": hashOf(exactText(optionsOf(options))),
    "the working folder": cwd,
    "the machine": `${process.platform} ${process.arch}, Node ${process.version}`,
    "the kernel": hashOf(JSON.stringify([spec.name, named, spec.argv, spec.env, spec.language, program(command, env)])),
  };
  if (options.check === true) {
    result["the stored outputs"] = hashOf(JSON.stringify(storedOutputs(notebook)));
  }
  if (dependencies.python !== undefined) {
    result["Python and its packages"] = hashOf(dependencies.python);
  }
  const addFolder = (path: string, name = path) => {
    const hash = hashes.folder(path);
    if (hash === undefined) {
      unknown.add(`what is in ${path}, which cannot be looked through`);
    } else {
      result[name] = hash;
    }
  };
  addFolder(spec.folder);
  addFolder(ownPackage, "the runner");
  for (const path of programFolders(args)) {
    addFolder(path);
  }
  for (const path of [
    ...findLockfiles(folder),
    ...dependencies.files,
    ...args.filter(isFile),
    ...profileFiles(spec, env),
  ]) {
    result[path] = hashes.file(path);
  }
  for (const path of dependencies.folders) {
    addFolder(path);
  }
  for (const [path, deep] of dependencies.listed) {
    const names = namesIn(path, excluded, deep);
    result[`the names in ${path}`] = hashOf(names.join("\n"));
    if (names.length > mostListed) {
      unknown.add(`what is in ${path}, which has more than ${mostListed} files`);
      continue;
    }
    for (const file of names.map((name) => join(path, name)).filter(isFile)) {
      result[file] = hashes.file(file);
    }
  }
  for (const path of notebookSettings(notebook).data ?? []) {
    const whole = resolve(folder, path);
    if (isFolder(whole)) {
      addFolder(whole, `data ${path}`);
    } else {
      result[`data ${path}`] = hashes.file(whole);
    }
  }
  for (const [name, value] of Object.entries(relevantVariables(env, dependencies.names))) {
    result[`the variable ${name}`] = hashOf(value);
  }
  return { hashes: result, unknown: [...unknown] };
}

/** Every option that is plain data; of those that only say where something goes, none. */
function optionsOf(options: RunManyOptions): unknown {
  return Object.entries(options)
    .filter(([name, value]) => !withoutMeaning.has(name) && value !== undefined && typeof value !== "function")
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The notebook without the cell that a run with parameters puts in. */
function ownCode(notebook: Notebook, options: RunManyOptions): Notebook {
  const replaced = options.fast === true || Object.keys(options.parameters ?? {}).length > 0;
  const cells = notebook.cells.filter((cell) => !(replaced && tagsOf(cell).includes("injected-parameters")));
  return { ...notebook, cells };
}

function codeOf(notebook: Notebook, options: RunManyOptions): unknown {
  return ownCode(notebook, options).cells.flatMap((cell) =>
    cell.cell_type === "code"
      ? [[joinLines(cell.source), Object.entries(cell.metadata).filter(([name]) => !written.has(name))]]
      : [],
  );
}

function storedOutputs(notebook: Notebook): unknown {
  return notebook.cells.map((cell) =>
    cell.cell_type === "code" ? [cell.execution_count === null, cell.outputs] : null,
  );
}

/** The program of a kernel as it is on the disk now. */
function program(command: string, env: NodeJS.ProcessEnv): string {
  const folders = (env.PATH ?? "").split(delimiter);
  const path = isAbsolute(command) ? command : folders.map((folder) => join(folder, command)).find(isFile);
  if (path === undefined || !existsSync(path)) {
    return command;
  }
  const { size, mtimeMs } = statSync(path);
  return `${realpathSync(path)} ${size} ${mtimeMs}`;
}

/** The packages of the files that a kernel's command line names: a kernel is more than its kernelspec. */
function programFolders(args: readonly string[]): string[] {
  return args
    .filter((arg) => isAbsolute(arg) && isFile(arg))
    .flatMap((arg) => {
      const real = realpathSync(arg);
      return [...upwards(dirname(real))].find((folder) => isFile(join(folder, "package.json"))) ?? [];
    });
}

/** What IPython loads from the user's profile before the first cell. */
function profileFiles(spec: Kernelspec, env: NodeJS.ProcessEnv): string[] {
  if (!/python/i.test(spec.language)) {
    return [];
  }
  const profile = join(env.IPYTHONDIR || join(env.HOME || homedir(), ".ipython"), "profile_default");
  const startup = join(profile, "startup");
  const files = ["ipython_config.py", "ipython_kernel_config.py", "ipython_config.json"].map((name) =>
    join(profile, name),
  );
  // IPython itself puts a README beside the scripts when it is started for the first time.
  const own = namesIn(startup, new Set()).filter((name) => name !== "README");
  return [...files, ...own.map((name) => join(startup, name))].filter(isFile);
}

function findLockfiles(start: string): string[] {
  const found: string[] = [];
  for (const folder of upwards(start)) {
    found.push(...lockfiles.map((name) => join(folder, name)).filter((path) => existsSync(path)));
    // A repository's root ends the search: what lies above belongs to somebody else.
    if (existsSync(join(folder, ".git"))) {
      break;
    }
  }
  return found;
}

/** The names in a folder but for notebooks, hidden ones, installed packages, what Python compiles, and what the run itself writes. */
function namesIn(folder: string, excluded: ReadonlySet<string>, deep = false): string[] {
  try {
    const real = realpathSync(folder);
    return readdirSync(folder, { encoding: "utf8", recursive: deep })
      .filter(
        (name) =>
          !/(?:^|[/\\])(?:\.|(?:node_modules|__pycache__)(?:[/\\]|$))|\.ipynb$/.test(name) &&
          ![...upwards(join(real, name))].some((path) => excluded.has(path)),
      )
      .sort();
  } catch {
    return [];
  }
}
