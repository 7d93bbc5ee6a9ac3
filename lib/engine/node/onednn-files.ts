/** Where the module with oneDNN lies, and where its choices are kept. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import type { OneDnnFiles } from "../implementations.ts";
import { cacheFolder } from "../platform.ts";

/**
 * What is chosen depends on the processor, the instruction set, the library and the engine's own code, as it was built: each has a
 * file of its own, so that what another engine measured is not believed.
 */
function choicesFile(enginePath: string, isa: string, release: string): string {
  const digest = (of: string | Uint8Array) => createHash("sha256").update(of).digest("hex").slice(0, 8);
  const processor = digest(cpus()[0]?.model ?? "");
  const engine = digest(readFileSync(enginePath));
  return join(cacheFolder(), "engine", `choices-1-${isa}-onednn-${release}-${processor}-${engine}.tsv`);
}

export const oneDnnFiles: OneDnnFiles = {
  moduleBeside(enginePath) {
    const module = join(dirname(enginePath), "onednn.node");
    return existsSync(module) ? module : undefined;
  },
  choices(enginePath, isa, release) {
    const file = choicesFile(enginePath, isa, release);
    try {
      mkdirSync(dirname(file), { recursive: true });
      return file;
    } catch {
      return null;
    }
  },
};
