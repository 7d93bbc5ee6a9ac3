/** The names that a cell imports: they show what the module has now, as ES modules do, and cannot be assigned. */
import { createRequire } from "node:module";
import type { Namespace } from "./importer.ts";
import { userGlobal } from "./realm.ts";

/** A name that Node did not find in a CommonJS module is a property of what it exports. */
const { cache } = createRequire(import.meta.url);

/**
 * Makes imported names properties that read from a module.
 *
 * @param target What gets the properties.
 * @param name The name in the cells.
 * @param namespace The module.
 * @param exported The name in the module; `*` for the module itself.
 * @param specifier The module as the cell names it.
 */
export function bindImport(
  target: object,
  name: string,
  namespace: Namespace,
  exported: string,
  specifier: string,
): void {
  const read = reader(namespace, exported);
  Object.defineProperty(target, name, {
    get:
      read ??
      (() => {
        // A type leaves no trace in its module: only what is used as a value is missed.
        throw new userGlobal.SyntaxError(
          `The module ${JSON.stringify(specifier)} does not provide an export named '${exported}'`,
        );
      }),
    set: () => {
      throw new userGlobal.TypeError(
        `Assignment to constant variable: ${name} is imported from ${JSON.stringify(specifier)}`,
      );
    },
    configurable: true,
    enumerable: read !== undefined,
  });
}

function reader(namespace: Namespace, exported: string): (() => unknown) | undefined {
  if (exported === "*") {
    return () => namespace;
  }
  if (exported in namespace) {
    return () => namespace[exported];
  }
  const whole = namespace.default;
  const object = (typeof whole === "object" || typeof whole === "function") && whole !== null;
  if (object && exported in whole && Object.values(cache).some((module) => module?.exports === whole)) {
    return () => (whole as Namespace)[exported];
  }
  return undefined;
}
