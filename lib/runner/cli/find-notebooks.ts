/** Finds the notebooks in a folder. */
import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import { isFile, isFolder, realPath, statOf } from "../files.ts";

/** Folders that hold other people's notebooks, or copies. Hidden ones, such as .git and .ipynb_checkpoints, are left out, too. */
const otherPeoples = new Set(["node_modules", "venv", "site-packages", "__pycache__"]);

/** True for a folder in a folder that is not looked into. An environment of Python may have any name: its files tell it. */
function isPassedOver(name: string, path: string): boolean {
  if (name.startsWith(".")) {
    return true;
  }
  const environment = isFile(join(path, "pyvenv.cfg")) || statOf(join(path, "conda-meta")) !== undefined;
  return environment || otherPeoples.has(name);
}

/**
 * The notebooks in a folder and those in it, sorted by path. Links are followed, each folder is looked into once: under its
 * own name where it has one here, else under that of a link to it.
 */
export function notebooksIn(folder: string): string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  const waiting = [folder.replace(/\/$/, "")];
  const links: string[] = [];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop() ?? links.pop()) {
    const real = realPath(next);
    if (seen.has(real)) {
      continue;
    }
    seen.add(real);
    for (const entry of entriesOf(next)) {
      const path = `${next}/${entry.name}`;
      if (isFolder(path) && !isPassedOver(entry.name, path)) {
        (entry.isSymbolicLink() ? links : waiting).push(path);
      } else if (isFile(path) && /^[^.].*\.ipynb$/.test(entry.name)) {
        found.push(path);
      }
    }
  }
  return found.sort();
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
