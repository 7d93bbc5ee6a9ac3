/** Where the TypeScript is that checks cells. */
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

/** TypeScript is not there, or not one with a language server. */
export class TypeScriptMissingError extends Error {
  override readonly name = "TypeScriptMissingError";
}

/**
 * The program that serves: of the `typescript` package (7 or later) that `CONVBOOK_TYPESCRIPT` names, that this package
 * depends on, or that is beside it.
 *
 * @param from A file of this package's, of another installation for instance.
 * @param setting The folder that is named; an empty string for none.
 * @throws TypeScriptMissingError where there is none for this platform.
 */
export function findTypeScript(
  from: string | URL = import.meta.url,
  setting: string | undefined = process.env.CONVBOOK_TYPESCRIPT,
): string {
  const require = createRequire(from);
  const named = setting || undefined;
  const shown = JSON.stringify(named);
  let manifest: string;
  try {
    manifest = require.resolve(named === undefined ? "typescript/package.json" : resolve(named, "package.json"));
  } catch {
    throw new TypeScriptMissingError(
      named === undefined
        ? "TypeScript was not found (to install it: npm install typescript@7)"
        : `CONVBOOK_TYPESCRIPT is ${shown}, expected the folder of a typescript package (correct or unset it)`,
    );
  }
  const platform = `@typescript/typescript-${process.platform}-${process.arch}`;
  try {
    const folder = dirname(createRequire(manifest).resolve(`${platform}/package.json`));
    return join(folder, "lib", process.platform === "win32" ? "tsc.exe" : "tsc");
  } catch {
    const { version }: { version: string } = require(manifest);
    const what = named === undefined ? "TypeScript" : `CONVBOOK_TYPESCRIPT is ${shown}, whose TypeScript`;
    const advice = named === undefined ? "to install one: npm install typescript@7" : "correct or unset it";
    throw new TypeScriptMissingError(
      `${what} ${version} has no language server for this platform, ${platform} (${advice})`,
    );
  }
}
