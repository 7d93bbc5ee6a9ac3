/** Packages as they lie in folders: where one is, and which of its files a name means. */
import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Exports, exports, imports } from "resolve.exports";
import { entryOf, fileAt, manifestOf } from "./files.ts";
import { packageName } from "./missing.ts";

/**
 * Whether there is such a package for a module. Node is not asked about one that is not: it would remember the answer, and
 * the package would stay unknown after it was installed.
 */
export function isThere(specifier: string, from: string): boolean {
  if (process.versions.pnp !== undefined || packageFolder(specifier, from) !== undefined) {
    return true;
  }
  const name = packageName(specifier);
  if (name === undefined) {
    // Nothing that npm would install, but a folder may have it.
    return ancestors(dirname(from)).some((folder) => existsSync(join(folder, "node_modules", specifier)));
  }
  return ownFolder(name, from) !== undefined;
}

/** The folder of an installed package. */
export function packageFolder(specifier: string, from: string): string | undefined {
  const name = packageName(specifier);
  return name === undefined
    ? undefined
    : ancestors(dirname(from))
        .map((folder) => join(folder, "node_modules", name))
        .find((folder) => statSync(folder, { throwIfNoEntry: false })?.isDirectory());
}

/** A file of a package that has no `exports`. */
export function inPackage(specifier: string, from: string): string | undefined {
  const folder = packageFolder(specifier, from);
  const manifest = folder === undefined ? undefined : manifestOf(folder);
  if (folder === undefined || (manifest !== undefined && "exports" in manifest)) {
    return undefined;
  }
  const path = specifier.slice(packageName(specifier)?.length ?? 0);
  return path === "" ? entryOf(realpathSync(folder)) : fileAt(join(realpathSync(folder), path));
}

/**
 * The file that a package's name, or a name of a package.json's `imports`, means under some conditions, as the checker reads
 * both: an extension of JavaScript may stand for the TypeScript beside it.
 *
 * @returns Undefined where there is none, and where `imports` lead to another package.
 */
export function packageFile(specifier: string, from: string, conditions: readonly string[]): string | undefined {
  const options = { unsafe: true, conditions };
  if (specifier.startsWith("#")) {
    const folder = ancestors(dirname(from)).find((one) => manifestOf(one) !== undefined);
    return folder === undefined
      ? undefined
      : firstOf(folder, () => imports(manifestOf(folder) ?? {}, specifier, options) ?? []);
  }
  const name = packageName(specifier) ?? "";
  const folder = name === "" ? undefined : (packageFolder(specifier, from) ?? ownFolder(name, from));
  const manifest = folder === undefined ? undefined : manifestOf(folder);
  if (folder === undefined || manifest === undefined || !("exports" in manifest)) {
    return inPackage(specifier, from);
  }
  const entry = `.${specifier.slice(name.length)}`;
  return firstOf(folder, () => exports(manifest, entry, options) ?? []);
}

/** What the package.json that holds for a file says of its JavaScript: `module`, `commonjs` or nothing. */
export function packageType(file: string): unknown {
  const manifests = ancestors(dirname(file)).map(manifestOf);
  return manifests.find((manifest) => manifest !== undefined)?.type;
}

/** The folder above a module whose package has this name: a package may import itself. */
function ownFolder(name: string, from: string): string | undefined {
  return ancestors(dirname(from)).find((folder) => manifestOf(folder)?.name === name);
}

function firstOf(folder: string, targets: () => Exports.Output | readonly string[]): string | undefined {
  try {
    const inside = targets().filter((target) => target.startsWith("./"));
    return inside.map((target) => fileAt(join(folder, target))).find((file) => file !== undefined);
  } catch {
    // Not exported under these conditions.
    return undefined;
  }
}

function ancestors(folder: string): string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...ancestors(above)];
}
