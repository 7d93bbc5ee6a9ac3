import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../files/index.ts";
import { LogFileError, refuseUnknownOptions, requireOption } from "../errors.ts";
import type { FileLoggerOptions } from "./csv-logger.ts";

/**
 * Makes the folder `version_N` with the first number that is free, so that two runs never share one.
 *
 * @throws LogFileError when there can be no such folder
 */
export function nextVersion(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new LogFileError(folder, error);
  }
  for (let number = 0; ; number++) {
    const version = `version_${number}`;
    try {
      mkdirSync(join(folder, version));
      return version;
    } catch (error) {
      if (codeOf(error) !== "EEXIST") {
        throw new LogFileError(join(folder, version), error);
      }
    }
  }
}

/**
 * Refuses folders that are no strings, and options that there are not.
 *
 * @param more options of the logger's own
 */
export function checkFileOptions(owner: string, options: FileLoggerOptions, more: readonly string[]): void {
  const texts = ["rootDir", "name", "version"] as const;
  refuseUnknownOptions(owner, options, [...texts, ...more]);
  for (const key of texts) {
    const value = options[key];
    requireOption(value === undefined || typeof value === "string", `${owner}.${key}`, value, "a string");
  }
}
