/**
 * What the package convbook brings where it is installed: static pictures of figures, and the curves of event files. The kernel
 * works without; it then says what to install, or shows a figure for front-ends that can draw it themselves.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The part of convbook's module `convbook/notebook` that is used. */
export interface Kit {
  vegaLite(specification: object, options?: { readonly alt?: string }): object;
  plotly(data: unknown, layout?: unknown, options?: { readonly alt?: string; readonly config?: unknown }): object;
  tensorBoard(
    paths: readonly string[] | Readonly<Record<string, string>>,
    options?: { readonly interval?: number },
  ): Board;
}

/** Curves that follow what runs write. */
export interface Board {
  refresh(): void;
  close(): void;
}

const name = "convbook";
/** Where the process starts; a cell may change its working folder. */
const notebookFolder = process.cwd();

let loaded: Kit | undefined;
let loading: Promise<Kit | undefined> | undefined;

/** The kit, where it was loaded already. */
export function kitNow(): Kit | undefined {
  return loaded;
}

/** Loads the kit: the one beside the kernel, else the notebook's own. Undefined where convbook is not installed. */
export function loadKit(): Promise<Kit | undefined> {
  loading ??= load().then((kit) => {
    loaded = kit;
    if (kit === undefined) {
      // It may be installed while the kernel runs.
      loading = undefined;
    }
    return kit;
  });
  return loading;
}

async function load(): Promise<Kit | undefined> {
  const file = find(fileURLToPath(new URL(".", import.meta.url))) ?? find(notebookFolder);
  return file === undefined ? undefined : import(pathToFileURL(file).href);
}

/**
 * The file of the kit's module, from a folder upwards. Node's own resolver remembers what is not there; a cell may install it.
 */
function find(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const home = join(at, "node_modules", name);
    try {
      const manifest: { exports?: { "./notebook"?: { default?: string } } } = JSON.parse(
        readFileSync(join(home, "package.json"), "utf8"),
      );
      const file = manifest.exports?.["./notebook"]?.default;
      if (file !== undefined) {
        return join(home, file);
      }
    } catch {
      // Not here.
    }
    if (dirname(at) === at) {
      return undefined;
    }
  }
}
