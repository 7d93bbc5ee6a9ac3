/** Kernelspecs: the folders by which Jupyter, VS Code and nbconvert find a kernel; written without Python. */
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { jupyterSystemFolders, jupyterUserFolder, renameOver } from "../platform.ts";
import { codeOf, messageOf } from "../values.ts";

/** Where to install; `user` unless one of the others is given. */
export interface InstallOptions {
  /** For this user (the default): Jupyter's data folder in the home folder. */
  readonly user?: boolean;
  /** Below this folder, in share/jupyter, as of a Python installation. */
  readonly prefix?: string;
  /** Into the active conda environment or virtualenv. */
  readonly sysPrefix?: boolean;
  /** Name of the kernelspec; `convbook` unless given. A second checkout needs one of its own. */
  readonly name?: string;
  /** What front-ends call it; "TypeScript (Convbook)" unless given, with the name where that is not `convbook`. */
  readonly displayName?: string;
}

export interface KernelSpec {
  readonly name: string;
  readonly displayName: string;
  readonly language: string;
  readonly folder: string;
  readonly argv: readonly string[];
}

/** A kernelspec that cannot be installed, found or removed; the message says why and what to do. */
export class KernelSpecError extends Error {
  override readonly name = "KernelSpecError";
}

export const kernelName = "convbook";
const longestName = 64;
const longestDisplayName = 100;

/** The kernelspec that ships with this package. It runs from where it lies, for tools that take `--kernel-dir`. */
export function bundledKernelSpec(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  // From the sources and from dist alike: the folder beside package.json.
  return resolve(here, basename(dirname(here)) === "dist" ? "../.." : "..", "kernelspec");
}

/**
 * Installs the kernelspec, with the paths of this Node and this package written into it. An older one is replaced.
 *
 * @returns The folder that Jupyter will find.
 * @throws KernelSpecError where a name cannot be one, the folder cannot be written, or no environment is active for `sysPrefix`.
 */
export async function installKernelSpec(options: InstallOptions = {}): Promise<string> {
  const name = checkName(options.name ?? kernelName);
  const displayName = options.displayName === undefined ? undefined : checkDisplayName(options.displayName);
  const parent = join(dataFolder(options), "kernels");
  const folder = join(parent, name);
  try {
    await mkdir(parent, { recursive: true });
    const fresh = await mkdtemp(join(parent, `.${name}-`));
    try {
      const source = bundledKernelSpec();
      await cp(source, fresh, { recursive: true });
      const spec: { argv: string[]; display_name: string } = JSON.parse(
        await readFile(join(source, "kernel.json"), "utf8"),
      );
      spec.display_name =
        displayName ?? (name === kernelName ? spec.display_name : spec.display_name.replace(/\)$/, `, ${name})`));
      spec.argv = spec.argv.map((arg, i) =>
        i === 0
          ? process.execPath
          : arg.startsWith("{resource_dir}")
            ? resolve(source, arg.slice("{resource_dir}/".length))
            : arg,
      );
      await writeFile(join(fresh, "kernel.json"), `${JSON.stringify(spec, null, 2)}\n`);
      await rm(folder, { recursive: true, force: true });
      await renameOver(() => rename(fresh, folder));
    } catch (error) {
      await rm(fresh, { recursive: true, force: true });
      throw error;
    }
  } catch (cause) {
    const isDenied = ["EACCES", "EPERM"].includes(codeOf(cause) ?? "");
    const reason = isDenied ? "no permission; install for yourself with --user" : messageOf(cause);
    throw new KernelSpecError(`Cannot install the kernelspec in ${folder}: ${reason}`, { cause });
  }
  return folder;
}

/**
 * The kernelspecs that Jupyter sees, nearest first; of two with one name the nearer counts.
 * What cannot be read is left out, as Jupyter does.
 */
export async function listKernelSpecs(): Promise<KernelSpec[]> {
  const found = new Map<string, KernelSpec>();
  for (const data of dataFolders()) {
    const kernels = join(data, "kernels");
    const names = await readdir(kernels).catch(() => []);
    for (const name of names.sort()) {
      const folder = join(kernels, name);
      const spec = await readSpec(folder).catch(() => undefined);
      if (spec !== undefined && !found.has(name)) {
        found.set(name, { name, folder, ...spec });
      }
    }
  }
  return [...found.values()];
}

/**
 * Removes an installed kernelspec.
 *
 * @returns The folders that were removed.
 * @throws KernelSpecError where none of that name is installed.
 */
export async function uninstallKernelSpec(options: InstallOptions = {}): Promise<string[]> {
  const name = checkName(options.name ?? kernelName);
  const chosen = options.user || options.sysPrefix || options.prefix !== undefined;
  const removed: string[] = [];
  for (const data of chosen ? [dataFolder(options)] : dataFolders()) {
    const folder = join(data, "kernels", name);
    if ((await readSpec(folder).catch(() => undefined)) !== undefined) {
      try {
        await rm(folder, { recursive: true });
      } catch (cause) {
        throw new KernelSpecError(`Cannot remove ${folder}: ${messageOf(cause)}`, { cause });
      }
      removed.push(folder);
    }
  }
  if (removed.length === 0) {
    const names = (await listKernelSpecs()).map((spec) => spec.name);
    throw new KernelSpecError(`No kernelspec "${name}" is installed; installed are: ${names.join(", ") || "none"}`);
  }
  return removed;
}

async function readSpec(folder: string): Promise<Pick<KernelSpec, "displayName" | "language" | "argv">> {
  const spec: Record<string, unknown> = JSON.parse(await readFile(join(folder, "kernel.json"), "utf8"));
  if (!Array.isArray(spec.argv)) {
    throw new KernelSpecError(`${folder}/kernel.json has no argv`);
  }
  return { displayName: String(spec.display_name), language: String(spec.language), argv: spec.argv.map(String) };
}

function checkName(name: string): string {
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name) || name.length > longestName) {
    throw new KernelSpecError(
      `A kernelspec's name has at most ${longestName} lower-case letters, digits, ".", "_" and "-", a letter or digit first, got ${JSON.stringify(name)}`,
    );
  }
  return name;
}

function checkDisplayName(name: string): string {
  if (name.trim() === "" || name.length > longestDisplayName || /\p{C}/u.test(name)) {
    throw new KernelSpecError(
      `A kernel's display name is one line of 1 to ${longestDisplayName} characters, got ${JSON.stringify(name)}`,
    );
  }
  return name;
}

function dataFolder(options: InstallOptions): string {
  if (options.prefix !== undefined) {
    return resolve(options.prefix, "share/jupyter");
  }
  if (options.sysPrefix) {
    const prefix = activeEnvironment();
    if (prefix === undefined) {
      throw new KernelSpecError(
        "--sys-prefix needs an active conda environment or virtualenv (CONDA_PREFIX or VIRTUAL_ENV); else use --user or --prefix FOLDER",
      );
    }
    return join(prefix, "share/jupyter");
  }
  return jupyterUserFolder();
}

function activeEnvironment(): string | undefined {
  return process.env.VIRTUAL_ENV || process.env.CONDA_PREFIX || undefined;
}

function dataFolders(): string[] {
  const environment = activeEnvironment();
  const folders = [
    ...(process.env.JUPYTER_PATH ?? "").split(delimiter).filter((folder) => folder !== ""),
    // Inside an environment its kernels go before the user's, as jupyter_core 5 has it.
    ...(environment === undefined ? [] : [join(environment, "share/jupyter")]),
    jupyterUserFolder(),
    ...jupyterSystemFolders(),
  ];
  return [...new Set(folders)];
}
