/** What a text in quotation marks, or a word of a command, may mean as the name of a file. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { scriptFiles } from "./script-imports.ts";

/**
 * The name or pattern that a text stands for, or undefined where it can be none. Where something is put into it, its folder
 * counts, or a pattern: `data/{name}.csv` is all of `data/`, `part%d.csv` is `part*.csv`, and `.csv` alone, which is put
 * behind a name, is `*.csv`.
 */
export function nameIn(word: string): string | undefined {
  const cut = /[{}%]/.exec(word)?.index ?? word.length;
  const start = word.slice(0, word.lastIndexOf("/", cut) + 1).replace(/\$$/, "");
  const pattern = word.replace(/\$?\{[^}]*\}|%[-\d.]*\w/g, "*");
  const text = cut < word.length ? start || pattern : /^\.\w{1,8}$/.test(word) ? `*${word}` : word;
  const saysSomething = /[\p{L}\p{N}]|^\.\.(?:\/\.\.)*\/?$|^~\//u.test(text);
  return saysSomething && !/^(?:data|node):|["'`<>|;\0]/.test(text) ? text : undefined;
}

/** The paths that a name may mean in a folder. */
export function pathsOf(name: string, folder: string): string[] {
  const plain = name.startsWith("~/") ? join(homedir(), name.slice(2)) : name;
  const url = name.startsWith("file:") ? pathOfUrl(name) : undefined;
  const paths = [url ?? resolve(folder, plain)];
  if (plain.startsWith("/")) {
    // Put behind a folder's name: __dirname + "/data".
    paths.push(join(folder, plain));
  }
  if (/^\.{1,2}\//.test(plain)) {
    paths.push(...scriptFiles(resolve(folder, plain)));
  }
  // %run script
  return [...paths, ...paths.flatMap((path) => [`${path}.py`, `${path}.ipy`, `${path}.ipynb`])].filter(
    (path) => path.length < 4096 && !/^\/(?:dev|proc|sys)(?:\/|$)/.test(path),
  );
}

/** The path of a `file:` address; undefined for one that is none. */
export function pathOfUrl(text: string): string | undefined {
  try {
    return fileURLToPath(text);
  } catch {
    return undefined;
  }
}
