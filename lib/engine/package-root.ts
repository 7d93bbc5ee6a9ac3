/** Finds the engine's package, where its binaries lie. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A module's folder; the working folder where its address is no file's: bundlers that make CommonJS leave import.meta empty, or put names of their own there. */
function folderOf(address: string | undefined): string {
  return address?.startsWith("file:") ? dirname(fileURLToPath(address)) : process.cwd();
}

/**
 * The folder of the package: above this file, or where Node would find it from a bundle.
 *
 * @param address of this file, or of the bundle that it is in
 */
export function packageRoot(address = (import.meta as { url?: string }).url): string | undefined {
  const here = folderOf(address);
  const require = createRequire(join(here, "engine.js"));
  return (
    ownRoot(here) ??
    entries(require)
      .map((entry) => ownRoot(dirname(entry)))
      .find((root) => root !== undefined)
  );
}

function entries(require: NodeJS.Require): string[] {
  try {
    return [require.resolve("@convbook/engine")];
  } catch {
    return [];
  }
}

/** The folder at or above this one that is the engine's package. */
function ownRoot(folder: string): string | undefined {
  if (existsSync(join(folder, "install", "prebuilt.cjs")) && existsSync(join(folder, "binding.gyp"))) {
    return folder;
  }
  return dirname(folder) === folder ? undefined : ownRoot(dirname(folder));
}
