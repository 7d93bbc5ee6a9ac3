/** `import` in what Node's own loader loads (packages, worker threads), for TypeScript. */
import { readFileSync } from "node:fs";
import Module, { isBuiltin } from "node:module";
import { isAbsolute } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { removeTypesNow } from "../compile/remove-types.ts";
import { isTypeScript, isUsers } from "../modules/files.ts";
import type { Found, Resolver } from "../modules/resolver.ts";
import { moduleSource } from "./typescript.ts";

interface ResolveContext {
  readonly conditions?: readonly string[];
  readonly parentURL?: string;
}

interface LoadContext {
  readonly conditions?: readonly string[];
  readonly importAttributes?: { readonly type?: string };
}

/** What a hook answers, which then asks no other. */
interface Answer {
  readonly shortCircuit: true;
}
type Resolved = Answer & { readonly url: string };
type Source = Answer & { readonly format: string; readonly source: string | null };

/** The decisions of the hooks, whether Node waits for them or not. */
export class ImportHook {
  readonly #resolver: Resolver;

  constructor(resolver: Resolver) {
    this.#resolver = resolver;
  }

  /** Where an import leads that TypeScript reads in its own way; undefined where Node is asked first. */
  before(specifier: string, { conditions, parentURL }: ResolveContext): Resolved | undefined {
    const from = fileOf(parentURL);
    if (from === undefined || !isUsers(from) || !isTypeScript(from) || isRequire(conditions) || isBuiltin(specifier)) {
      return undefined;
    }
    const found = this.#resolver.find(specifier, from);
    return found && resolved(found);
  }

  /**
   * Where an import leads that Node did not find.
   *
   * @throws The error, or a better one.
   */
  after(error: unknown, specifier: string, { conditions, parentURL }: ResolveContext): Resolved {
    const from = fileOf(parentURL);
    if (from === undefined || isRequire(conditions)) {
      throw error;
    }
    return resolved(this.#resolver.recover(error, specifier, from));
  }

  /** The JavaScript of a file that Node could not read. */
  load(url: string, { conditions, importAttributes }: LoadContext): Source | undefined {
    const file = isRequire(conditions) ? undefined : fileOf(url);
    if (file !== undefined && isTypeScript(file)) {
      return { ...moduleSource(file, this.#resolver.emit), shortCircuit: true };
    }
    if (file?.endsWith(".json") && importAttributes?.type === undefined && isUsers(file)) {
      // TypeScript asks for no attribute, and lets the properties be imported by their names.
      const { code } = removeTypesNow(readFileSync(file, "utf8"), {}, "json", { format: "esm" });
      return { format: "module", source: code, shortCircuit: true };
    }
    return undefined;
  }
}

/** Has `import` in this thread load TypeScript, as of Node 22.15; false where Node cannot do that at once. */
export function hookImport(resolver: Resolver): boolean {
  const { registerHooks } = Module as unknown as { registerHooks?: (hooks: object) => void };
  if (registerHooks === undefined) {
    return false;
  }
  const hook = new ImportHook(resolver);
  registerHooks({
    resolve(specifier: string, context: ResolveContext, next: (...all: unknown[]) => unknown) {
      const first = hook.before(specifier, context);
      if (first !== undefined) {
        return first;
      }
      try {
        return next(specifier, context);
      } catch (error) {
        return hook.after(error, specifier, context);
      }
    },
    load: (url: string, context: LoadContext, next: (...all: unknown[]) => unknown) =>
      hook.load(url, context) ?? next(url, context),
  });
  return true;
}

function isRequire(conditions: readonly string[] | undefined): boolean {
  return conditions?.includes("require") === true;
}

/** The file of an address; code that a cell runs has a path instead. */
function fileOf(address: string | undefined): string | undefined {
  if (address?.startsWith("file:")) {
    return fileURLToPath(address);
  }
  return address !== undefined && isAbsolute(address) ? address : undefined;
}

function resolved({ file, search }: Found): Resolved {
  return { url: pathToFileURL(file).href + search, shortCircuit: true };
}
