/** Finds the engine's package, where its binaries lie. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** This file's folder; in a bundle the bundle's, or the working folder where a bundle does not tell. */
function here(): string {
  // Bundlers that make CommonJS leave import.meta empty.
  const address = (import.meta as { url?: string }).url;
  return address === undefined ? process.cwd() : dirname(fileURLToPath(address));
}

/** The folder of the package: above this file, or where Node would find it from a bundle. */
export function packageRoot(): string | undefined {
  const require = createRequire(join(here(), "engine.js"));
  return (
    ownRoot(here()) ??
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
