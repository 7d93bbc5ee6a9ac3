/** What a machine keeps for whoever runs it: keys, passwords, logs. Who grades as root could read it, and so could a submission. */
import { accessSync, constants, type Dirent, lstatSync, readdirSync } from "node:fs";
import { join, sep } from "node:path";

/** How deep private files are looked for below each of the outermost folders: settings wholly, others' data where services have their own. */
const depths: Readonly<Record<string, number>> = { etc: 8, usr: 2 };
const otherDepth = 4;

/** Read by nobody who computes, and full of what others did; serial numbers and the kernel's own tables among them. */
const whole = [
  "/var/backups",
  "/var/cache/apt",
  "/var/log",
  "/var/mail",
  "/var/spool",
  "/sys/firmware",
  "/sys/kernel",
  "/sys/devices/virtual/dmi",
];

/** Systems of their own, or covered already. */
const apart = new Set(["proc", "sys", "dev", "tmp", "run", "home", "root"]);

/** Folders with more entries than this are data, and no settings. */
const mostEntries = 5000;

const known = new Map<string, readonly string[]>();

/** What is private on this machine, looked up once for all submissions of a class. */
export function privateHere(needed: readonly string[], covered: readonly string[]): readonly string[] {
  const key = [...needed, "", ...covered].join("\n");
  const found = known.get(key) ?? privatePaths(needed, covered);
  known.set(key, found);
  return found;
}

/**
 * Files and folders that this process can read and others on this machine cannot, as far as they lie where secrets are kept; and sockets of services.
 *
 * @param needed Folders that the kernel cannot do without: neither they nor what leads to them is named.
 * @param covered Folders of which nothing is seen anyway.
 * @param root Where to begin; another folder than "/" for tests.
 */
export function privatePaths(needed: readonly string[], covered: readonly string[] = [], root: string = sep): string[] {
  const leadsTo = (path: string) => needed.some((each) => each === path || each.startsWith(`${path}${sep}`));
  const isNeeded = (path: string) => needed.some((each) => path === each || path.startsWith(`${each}${sep}`));
  const found: string[] = [];
  const visit = (folder: string, depth: number): void => {
    for (const entry of entriesOf(folder)) {
      const path = join(folder, entry.name);
      if (entry.isSymbolicLink() || isNeeded(path) || covered.includes(path)) {
        continue;
      }
      if (!leadsTo(path) && (entry.isSocket() || isPrivate(path))) {
        found.push(path);
      } else if (entry.isDirectory() && depth > 0) {
        visit(path, depth - 1);
      }
    }
  };
  for (const entry of entriesOf(root)) {
    const path = join(root, entry.name);
    if (!entry.isDirectory() || apart.has(entry.name) || covered.includes(path)) {
      continue;
    }
    if (!leadsTo(path) && !isNeeded(path) && isPrivate(path)) {
      found.push(path);
    } else if (!isNeeded(path)) {
      visit(path, depths[entry.name] ?? otherDepth);
    }
  }
  const others = whole
    .map((path) => join(root, path))
    .filter((path) => !leadsTo(path) && !isNeeded(path) && isThere(path));
  return [...found.filter((path) => !others.some((each) => path.startsWith(`${each}${sep}`))), ...others];
}

/** Whether this process can read something that not everybody can. */
function isPrivate(path: string): boolean {
  try {
    const { mode } = lstatSync(path);
    if ((mode & 0o004) !== 0) {
      return false;
    }
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    // It is gone, or nothing of it can be read.
    return false;
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function entriesOf(folder: string): Dirent[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.length > mostEntries ? [] : entries;
  } catch {
    return [];
  }
}
