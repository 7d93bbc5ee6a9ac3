/** What cannot be imported, in sentences that say what to do where something helps. */

import { sep } from "node:path";

/** A module that is not there. */
export class ModuleNotFoundError extends Error {
  override readonly name = "ModuleNotFoundError";
  readonly code: string;

  constructor(message: string, code = "ERR_MODULE_NOT_FOUND") {
    super(message);
    this.code = code;
  }
}

/** A package's name at the start of a specifier; undefined where npm has no such names. */
export function packageName(specifier: string): string | undefined {
  const found = /^(?:@[a-z\d~-][\w.~-]*\/)?[a-z\d~-][\w.~-]*(?=\/|$)/i.exec(specifier)?.[0];
  return found === undefined || found.length > 214 || /^node_modules$/i.test(found) ? undefined : found;
}

/**
 * A package that is not installed where an import looks for it.
 *
 * @param specifier What is imported.
 * @param folder The folder of the importing module.
 * @param mapped What the project's `paths` made of it, where they name it.
 */
export function missingPackage(
  specifier: string,
  folder: string,
  mapped: MappedPaths | undefined,
  code?: string,
): ModuleNotFoundError {
  if (mapped !== undefined) {
    const tried = mapped.tried.join(", ");
    return new ModuleNotFoundError(
      `Cannot find "${specifier}" from ${folder}: "paths" in ${mapped.config} lead to ${tried}, where there is no module`,
      code,
    );
  }
  if (specifier.startsWith("#")) {
    return new ModuleNotFoundError(
      `Cannot find "${specifier}" from ${folder}: no "imports" of the package.json there name it`,
      code,
    );
  }
  const name = packageName(specifier);
  if (name === undefined) {
    return new ModuleNotFoundError(`Cannot find the module "${specifier}" from ${folder}`, code);
  }
  return new ModuleNotFoundError(
    `Cannot find the package "${name}" from ${folder}. To install it: ${installCommand(name, folder)}`,
    code,
  );
}

export interface MappedPaths {
  readonly config: string;
  readonly tried: readonly string[];
}

/** A file that is not there. */
export function missingFile(specifier: string, folder: string, isFolder: boolean): ModuleNotFoundError {
  return new ModuleNotFoundError(
    `Cannot find the module ${specifier} from ${folder}${isFolder ? " (it is a folder without index)" : ""}`,
  );
}

/** Imports of other runtimes: `npm:`, `jsr:`, `https:`. Undefined for any other. */
export function foreignImport(specifier: string, folder: string): Error | undefined {
  const [, scheme, rest = ""] = /^(npm|jsr|https?):\/{0,2}(.*)$/is.exec(specifier) ?? [];
  switch (scheme?.toLowerCase()) {
    case "npm": {
      const [, name, version, path = ""] = /^((?:@[^/@]+\/)?[^/@]+)(@[^/]*)?(\/.*)?$/.exec(rest) ?? [];
      const known = packageName(name ?? "") === name && /^(?:@[\w.^~*<>=| -]+)?$/.test(version ?? "");
      return unsupported(
        known && name !== undefined
          ? `Node has no "npm:" imports. Install the package, ${installCommand(quoted(name + (version ?? "")), folder)}, and import "${name}${path}"`
          : `Node has no "npm:" imports, and "${rest}" is no package's name`,
      );
    }
    case "jsr": {
      const name = /^@[a-z\d-]+\/[a-z\d-]+/.exec(rest)?.[0];
      return unsupported(
        name === undefined
          ? `Node has no "jsr:" imports, and "${rest}" is no JSR package's name`
          : `Node has no "jsr:" imports. Install the package, ${atFolder(`npx jsr add ${name}`, folder)}, and import "${name}"`,
      );
    }
    case "http":
    case "https":
      return unsupported(
        "Node does not import from the web. Install the package that this address serves and import it by its name, or save the file beside the notebook and import it by its path",
      );
    default:
      return undefined;
  }
}

function unsupported(message: string): Error {
  const error = new Error(message);
  error.name = "UnsupportedImportError";
  return Object.assign(error, { code: "ERR_UNSUPPORTED_ESM_URL_SCHEME" });
}

/** A command that installs for modules of a folder when a cell runs it, wherever `%cd` has led since. */
function installCommand(what: string, folder: string): string {
  return atFolder(`npm install ${what}`, folder);
}

function atFolder(command: string, folder: string): string {
  const inside = `${folder}${sep}`.startsWith(`${process.cwd()}${sep}`);
  return inside ? command : `cd ${quoted(folder)} && ${command}`;
}

function quoted(text: string): string {
  return /^[\w./@~^-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
