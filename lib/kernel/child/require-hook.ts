/** `require` and what `createRequire` makes, for TypeScript: in cells, modules, packages and worker threads. */
import Module, { isBuiltin } from "node:module";
import { isTypeScript, isUsers } from "../modules/files.ts";
import type { Resolver } from "../modules/resolver.ts";
import { exposed } from "./realm.ts";
import { commonJsSource } from "./typescript.ts";

/** The parts of Node's loader of CommonJS that are there to be extended, as `require.extensions` is. */
interface CommonJsLoader {
  readonly _extensions: Record<string, (module: CompilingModule, file: string) => void>;
  _resolveFilename(request: string, parent?: { readonly filename?: string | null }, ...more: unknown[]): string;
}

interface CompilingModule {
  _compile(code: string, file: string, format: string): void;
}

/**
 * Has `require` load TypeScript, and find it as the checker does.
 *
 * @param resolver Where names of the user's modules lead.
 * @param notebook The file as whose code cells require: its names are read as those in TypeScript.
 * @param dynamic Whether Node's `import()` reaches TypeScript.
 */
export function hookRequire(resolver: Resolver, notebook: string, dynamic: boolean): void {
  const loader = Module as unknown as CommonJsLoader;
  for (const extension of [".ts", ".tsx", ".mts", ".cts", ".jsx"]) {
    loader._extensions[extension] = exposed((module: CompilingModule, file: string) =>
      module._compile(commonJsSource(file, resolver.emit, dynamic), file, "commonjs"),
    );
  }
  const { _resolveFilename: native } = loader;
  loader._resolveFilename = exposed(function (this: unknown, request, parent, ...more) {
    const from = parent?.filename;
    const nodes = () => Reflect.apply(native, this, [request, parent, ...more]) as string;
    if (typeof request !== "string" || typeof from !== "string" || isBuiltin(request)) {
      return nodes();
    }
    const first =
      isUsers(from) && (from === notebook || isTypeScript(from)) ? found(resolver, request, from) : undefined;
    if (first !== undefined) {
      return first;
    }
    try {
      return nodes();
    } catch (error) {
      const file = found(resolver, request, from, error);
      if (file === undefined) {
        throw error;
      }
      return file;
    }
  } as CommonJsLoader["_resolveFilename"]);
}

/** A file as the checker finds it; where Node failed with an error, also in packages. */
function found(resolver: Resolver, request: string, from: string, error?: unknown): string | undefined {
  try {
    const file = resolver.find(request, from)?.file;
    return file ?? (error === undefined ? undefined : resolver.recover(error, request, from).file);
  } catch {
    // What Node says is what programs look for.
    return undefined;
  }
}
