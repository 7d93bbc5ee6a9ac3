import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** Makes the folder `version_N` with the first number that is free, so that two runs never share one. */
export function nextVersion(folder: string): string {
  mkdirSync(folder, { recursive: true });
  for (let number = 0; ; number++) {
    const version = `version_${number}`;
    try {
      mkdirSync(join(folder, version));
      return version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
