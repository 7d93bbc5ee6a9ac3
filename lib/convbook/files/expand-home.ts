/** The home folder in paths that no shell has seen: from settings of an environment file, a notebook or a configuration. */
import { homedir } from "node:os";
import { join } from "node:path";

/** A path whose first part is `~` with the home folder in its place; others stay as they are, `~name` too. */
export function expandHome(path: string): string {
  return path === "~" || /^~[\\/]/.test(path) ? join(homedir(), path.slice(1)) : path;
}
