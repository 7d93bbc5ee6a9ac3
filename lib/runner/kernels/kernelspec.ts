/** Finds kernelspecs: on Jupyter's search path, in a given folder, or in an npm package beside the notebook. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { KernelspecError, nearestName } from "../errors.ts";
import { upwards } from "../files.ts";
import { hasUnixSockets } from "../platform.ts";
import { jupyterDataPaths } from "./jupyter-paths.ts";

export interface Kernelspec {
  readonly name: string;
  /** The folder of kernel.json. */
  readonly folder: string;
  readonly argv: readonly string[];
  readonly displayName: string;
  readonly language: string;
  readonly interruptMode: "signal" | "message";
  readonly env: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface KernelspecSearch {
  /** Folder of a kernelspec (it holds kernel.json), or of several, searched first. */
  readonly kernelDir?: string | undefined;
  /** Where npm packages are looked for upwards from; the notebook's folder. */
  readonly from?: string | undefined;
  /** Is told of each kernelspec that cannot be used, in a line that names the file and what is wrong with it. */
  readonly onBroken?: ((problem: string) => void) | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** Names as Jupyter allows them; others could walk out of the search path. */
const validName = /^[a-z0-9._-]+$/i;

/**
 * Finds the kernelspec called `name`.
 *
 * @throws KernelspecError when there is none, naming what is installed and how to install what is not.
 */
export function findKernelspec(name: string, search: KernelspecSearch = {}): Kernelspec {
  if (!validName.test(name) || name.startsWith(".")) {
    // Quoted as JSON: a notebook may have put anything there, line breaks and terminal commands included.
    throw new KernelspecError(
      name,
      `${JSON.stringify(name.slice(0, 80))} is not a kernel name (letters, digits, ".", "_" and "-")`,
    );
  }
  for (const folder of candidateFolders(name, search)) {
    if (existsSync(join(folder, "kernel.json"))) {
      return readKernelspec(folder, name);
    }
  }
  throw new KernelspecError(name, missingMessage(name, search), true);
}

/** The kernelspec of a language: the first on the search path whose `language` it is. */
export function findKernelspecForLanguage(language: string, search: KernelspecSearch = {}): Kernelspec | undefined {
  return kernelspecsForLanguage(language, search)[0];
}

/** The kernelspecs of a language, in the order of the search path. */
export function kernelspecsForLanguage(language: string, search: KernelspecSearch = {}): Kernelspec[] {
  return listKernelspecs(search).filter((spec) => spec.language.toLowerCase() === language.toLowerCase());
}

/**
 * Every kernelspec on the search path, in the given folder, and in npm packages above `from`, where that is given; those
 * found first winning. Ones that cannot be used are left out, and `onBroken` is told.
 */
export function listKernelspecs(search: KernelspecSearch = {}): Kernelspec[] {
  const found = new Map<string, Kernelspec>();
  const add = (folder: string, name: string) => {
    if (!found.has(name.toLowerCase()) && existsSync(join(folder, "kernel.json"))) {
      try {
        found.set(name.toLowerCase(), readKernelspec(folder, name));
      } catch (error) {
        search.onBroken?.((error as Error).message);
      }
    }
  };
  if (search.kernelDir !== undefined) {
    add(resolve(search.kernelDir), basename(resolve(search.kernelDir)));
  }
  for (const root of rootFolders(search)) {
    for (const name of namesIn(root).filter((entry) => validName.test(entry))) {
      add(join(root, name), name);
    }
  }
  for (const modules of search.from === undefined ? [] : modulesFolders(search.from)) {
    for (const scope of namesIn(modules).filter((entry) => entry.startsWith("@"))) {
      add(join(modules, scope, "kernel", "kernelspec"), scope.slice(1));
    }
  }
  return [...found.values()];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The folders in which npm packages are looked for from a folder. */
function modulesFolders(from: string): string[] {
  return [...upwards(from)].map((folder) => join(folder, "node_modules"));
}

function rootFolders(search: KernelspecSearch): string[] {
  const roots = jupyterDataPaths(search.env).map((path) => join(path, "kernels"));
  return search.kernelDir === undefined ? roots : [resolve(search.kernelDir), ...roots];
}

function* candidateFolders(name: string, search: KernelspecSearch): Generator<string> {
  if (search.kernelDir !== undefined) {
    const folder = resolve(search.kernelDir);
    if (!existsSync(folder)) {
      throw new KernelspecError(name, `the kernel folder ${folder} does not exist`);
    }
    if (existsSync(join(folder, "kernel.json"))) {
      yield folder;
    }
  }
  for (const root of rootFolders(search)) {
    yield join(root, name);
    yield join(root, name.toLowerCase());
  }
  for (const modules of modulesFolders(search.from ?? ".")) {
    yield join(modules, `@${name}`, "kernel", "kernelspec");
  }
}

function readKernelspec(folder: string, name: string): Kernelspec {
  const file = join(folder, "kernel.json");
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    // Node quotes the text that it stumbled over, with its line breaks.
    const problem = (error as Error).message.replace(/\s+/g, " ");
    throw new KernelspecError(name, `the kernelspec ${file} cannot be read: ${problem}`);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new KernelspecError(name, `the kernelspec ${file} is not a JSON object`);
  }
  const { argv, display_name, language, interrupt_mode, env, metadata } = json;
  if (!Array.isArray(argv) || argv.length === 0 || !argv.every((part) => typeof part === "string")) {
    throw new KernelspecError(name, `the kernelspec ${file} has no "argv" list of strings`);
  }
  return {
    name,
    folder,
    argv,
    displayName: typeof display_name === "string" ? display_name : name,
    language: typeof language === "string" ? language : "",
    interruptMode: interrupt_mode === "message" ? "message" : "signal",
    env: isStringRecord(env) ? env : {},
    metadata: typeof metadata === "object" && metadata !== null ? (metadata as Record<string, unknown>) : {},
  };
}

function isStringRecord(value: unknown): value is Record<string, string> {
  return (
    typeof value === "object" && value !== null && Object.values(value).every((entry) => typeof entry === "string")
  );
}

/**
 * The command line of a kernel with the placeholders filled in.
 *
 * @param spec The kernelspec.
 * @param connectionFile Absolute path of the connection file.
 */
export function kernelCommand(spec: Kernelspec, connectionFile: string): { command: string; args: string[] } {
  const [command, ...args] = spec.argv.map((part) =>
    part
      .replaceAll("{connection_file}", connectionFile)
      .replaceAll("{resource_dir}", spec.folder)
      .replaceAll("{prefix}", dirname(dirname(process.execPath))),
  );
  // "node" means the Node that runs us: it is certain to be there and of the right age.
  // Nobody typed the cells of a run: they do not belong into the history of the person whose IPython this is.
  const history = isIpykernel(spec) ? ["--HistoryManager.hist_file=:memory:"] : [];
  return { command: command === "node" ? process.execPath : (command as string), args: [...args, ...history] };
}

/** True for IPython's kernel, however it is started. */
function isIpykernel(spec: Kernelspec): boolean {
  return spec.argv.some((part) => /\bipykernel/.test(part));
}

/** True where the kernel is known to listen on Unix sockets, so that no TCP port is needed. */
export function supportsIpc(spec: Kernelspec, system?: NodeJS.Platform): boolean {
  if (!hasUnixSockets(system)) {
    return false;
  }
  const transports = spec.metadata.transports;
  return (
    (Array.isArray(transports) && transports.includes("ipc")) ||
    spec.argv.some((part) => /^ipykernel(_launcher)?$/.test(part)) ||
    spec.argv.some((part) => /^IRkernel::main/.test(part))
  );
}

function missingMessage(name: string, search: KernelspecSearch): string {
  const broken: string[] = [];
  const installed = listKernelspecs({ ...search, onBroken: (problem) => broken.push(problem) });
  const lines = [`the kernel "${name}" is not installed`];
  const near = nearestName(
    name,
    installed.map((spec) => spec.name),
  );
  if (near !== undefined) {
    lines.push(`Did you mean "${near}"? Choose it with --kernel ${near}`);
  }
  lines.push(
    installed.length === 0
      ? `No kernel is installed; searched ${jupyterDataPaths(search.env).join(", ")}`
      : `Installed: ${installed.map((spec) => `${spec.name} (${spec.displayName})`).join(", ")}`,
  );
  lines.push(...broken.map((problem) => `Left out: ${problem}`));
  if (near === undefined) {
    lines.push(`To install it: ${installCommand(name)}`);
  }
  return lines.join("\n");
}

function installCommand(name: string): string {
  switch (name.toLowerCase()) {
    case "python3":
    case "python":
      return "pip install ipykernel && python3 -m ipykernel install --user";
    case "ir":
      return `Rscript -e 'install.packages("IRkernel"); IRkernel::installspec()'`;
    case "deno":
      return "deno jupyter --install";
    case "tslab":
      return "npm install -g tslab && tslab install";
    case "bash":
      return "pip install bash_kernel && python3 -m bash_kernel.install";
    case "javascript":
      return "npm install -g ijavascript && ijsinstall";
    case "rust":
      return "cargo install evcxr_jupyter && evcxr_jupyter --install";
    default:
      // IJulia puts its version into the name, and its number of threads: the newest is what is installed.
      if (/^julia(-|$)/i.test(name)) {
        return `julia -e 'using Pkg; Pkg.add("IJulia")', and --kernel with the name that "nbconvert-ts-runner kernels" then shows`;
      }
      // The name is the notebook's: what a package of that name would be, nobody here knows.
      return "see the kernel's own documentation; or give its folder with --kernel-dir";
  }
}
