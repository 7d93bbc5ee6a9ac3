/**
 * What the package convbook brings where it is installed: static pictures of figures, and the curves of event files. The kernel
 * works without; it then says what to install, or shows a figure for front-ends that can draw it themselves.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

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

const name = "convbook/notebook";

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
  for (const from of [import.meta.url, join(process.cwd(), "notebook.mjs")]) {
    let file: string;
    try {
      file = createRequire(from).resolve(name);
    } catch {
      continue;
    }
    return (await import(pathToFileURL(file).href)) as Kit;
  }
  return undefined;
}
