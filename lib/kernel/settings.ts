/** The kernel's settings in the environment. A value that cannot be what it should keeps the kernel from starting: it would be passed over unseen. */
import { accessSync, constants, type Stats, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** A setting of the environment that cannot work; the message names it, and says what it is and what it may be. */
export class SettingError extends Error {
  override readonly name = "SettingError";

  constructor(setting: string, value: string, problem: string) {
    super(`${setting} is ${JSON.stringify(value)}, ${problem}; correct or unset it`);
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A setting that is a whole number, 0 or more.
 *
 * @param unit For messages, such as `milliseconds`.
 * @returns undefined where it is not set, or empty.
 * @throws SettingError for anything else.
 */
export function wholeNumber(name: string, unit: string, environment: Environment = process.env): number | undefined {
  const value = environment[name];
  if (value === undefined || value === "") {
    return undefined;
  }
  if (!/^\d+$/.test(value)) {
    throw new SettingError(name, value, `expected a whole number of ${unit} from 0`);
  }
  return Number(value);
}

/**
 * Finds out whether the file of the history that is asked for could be written.
 *
 * @throws SettingError where it is a folder, or could not be made.
 */
export function checkHistoryFile(environment: Environment = process.env): void {
  const value = environment.CONVBOOK_HISTORY;
  if (value === undefined || value === "") {
    return;
  }
  const refuse = (problem: string) => new SettingError("CONVBOOK_HISTORY", value, problem);
  for (let path = resolve(value), isFile = true; ; path = dirname(path), isFile = false) {
    const found = look(path);
    // Of what is not there yet the nearest folder decides.
    if (found === undefined && path !== dirname(path)) {
      continue;
    }
    if (found?.isDirectory() === isFile) {
      throw refuse(isFile ? "expected a file, which that folder is not" : `which cannot be: ${path} is no folder`);
    }
    try {
      accessSync(path, constants.W_OK);
    } catch {
      throw refuse(`which cannot be written: ${path} does not allow it`);
    }
    return;
  }
}

/** What is at a path; undefined where nothing is, or nothing can be. */
function look(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
