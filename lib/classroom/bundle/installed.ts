/** The packages that a package needs, as they are installed here. */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { ClassroomError } from "../errors.ts";

/** What is needed of a `package.json`. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly bin?: string | Readonly<Record<string, string>>;
  readonly engines?: Readonly<Record<string, string>>;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
}

/** An installed package. */
export interface Installed {
  /** Without links. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** True where it is a package of the workspace and not one that npm unpacked. */
  readonly isSource: boolean;
  /** Those that it needs and that are there, by name. Optional ones of other systems are not. */
  readonly needs: ReadonlyMap<string, Installed>;
}

/**
 * Finds an installed package with all that it needs.
 *
 * @param name Of the package.
 * @param from Folders from which it is looked for, as Node does: there and above.
 * @throws ClassroomError where it, or something that it cannot do without, is not installed.
 */
export function installedPackage(name: string, from: readonly string[]): Installed {
  const folder = from.map((each) => folderOf(name, each)).find((each) => each !== undefined);
  if (folder === undefined) {
    throw new ClassroomError(from[0] ?? ".", `the package ${name} is not installed here; run npm install ${name}`);
  }
  return read(folder, new Map());
}

function read(folder: string, known: Map<string, Installed>): Installed {
  const before = known.get(folder);
  if (before !== undefined) {
    return before;
  }
  const manifest: Manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const needs = new Map<string, Installed>();
  const isSource = !folder.split(sep).includes("node_modules");
  // Known before what it needs: packages may need each other.
  const installed: Installed = { folder, manifest, isSource, needs };
  known.set(folder, installed);
  for (const [name, isOptional] of neededBy(manifest)) {
    const place = folderOf(name, folder);
    if (place !== undefined) {
      needs.set(name, read(place, known));
    } else if (!isOptional) {
      throw new ClassroomError(folder, `needs the package ${name}, which is not installed; run npm install`);
    }
  }
  return installed;
}

/** Names of what a package needs, and whether it can do without. */
function neededBy({ dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta }: Manifest) {
  const needed = new Map<string, boolean>();
  for (const name of Object.keys(peerDependencies ?? {})) {
    if (peerDependenciesMeta?.[name]?.optional !== true) {
      needed.set(name, false);
    }
  }
  for (const name of Object.keys(dependencies ?? {})) {
    needed.set(name, false);
  }
  for (const name of Object.keys(optionalDependencies ?? {})) {
    needed.set(name, true);
  }
  return needed;
}

function folderOf(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const place = join(folder, "node_modules", name);
    if (existsSync(join(place, "package.json"))) {
      return realpathSync(place);
    }
    if (dirname(folder) === folder) {
      return undefined;
    }
  }
}
