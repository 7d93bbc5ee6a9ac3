/** The Vite plugin that makes test files of notebooks. It reads notebooks; kernels are started by the tests themselves. */
import { existsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { globSync } from "tinyglobby";
import { collectDependencies } from "../dependencies/collect.ts";
import { isFile } from "../files.ts";
import { readNotebook } from "../notebook/read.ts";
import { moduleId } from "../platform.ts";
import { pagePath } from "../report/page.ts";
import { cellName, cellSettings, isRunnable, notebookSettings } from "../run/cell-info.ts";
import { literalOf, script } from "../run/languages/index.ts";
import { checkOutputNames } from "../run/output-names.ts";

/** Options of the plugin; all of them reach the test's process as literals: plain data, numbers that are not finite and bigints included. */
export interface NotebookTestOptions {
  /** Patterns of the notebooks, added to the project's test files. Default: every `*.ipynb`. */
  readonly include?: readonly string[];
  readonly kernel?: string;
  readonly kernelDir?: string;
  /** Seconds for a cell, 0 for no limit; default: the notebook's own, or 600. A cell's own `runner.timeout` goes before. */
  readonly timeout?: number;
  /** Seconds for a whole notebook. */
  readonly notebookTimeout?: number;
  readonly memory?: number;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Use the notebooks' own fast parameters. */
  readonly fast?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Folder for the executed notebooks; default: they are not saved. */
  readonly outputDir?: string;
  /** Folder for a page of each notebook; default: none is written. */
  readonly html?: string;
  /** Whether these pages may load pictures from addresses when they are opened. Default false. */
  readonly remoteImages?: boolean;
}

/** As much of Vite's plugin as this one is; Vite itself is not needed to build it. */
export interface NotebookPlugin {
  readonly name: string;
  readonly enforce: "pre";
  config(): { test: { include: string[] } };
  configureVitest(context: VitestContext): void;
  load(this: WatchContext | undefined, id: string): { code: string; map: null } | undefined;
}

/** As much of what Vitest tells of itself as is needed. */
interface VitestContext {
  readonly vitest: {
    readonly config: {
      readonly watch?: unknown;
      readonly changed?: unknown;
      readonly related?: unknown;
    };
  };
}

/** As much of the context of a plugin's functions as is needed. */
interface WatchContext {
  addWatchFile?(path: string): void;
}

type TestFileOptions = Omit<NotebookTestOptions, "include">;

const defaultTimeout = 600;
/** What a test gets beyond its cells' time, seconds: a kernel's start, an interrupt that is ignored. */
const extraTime = 90;

/** What Vite makes a module of by itself; everything else that a notebook reads is only watched. */
const viteKnows = /\.(?:[mc]?[jt]sx?|json5?|css|s[ac]ss|less|svg|png|jpe?g|gif|webp|avif|ico|wasm|txt|html?)$/i;

/**
 * Makes each notebook a test file with a test for each code cell, in order.
 *
 * @example
 * export default defineConfig({ plugins: [notebooks({ include: ["notebooks/*.ipynb"] })] });
 */
export function notebooks(options: NotebookTestOptions = {}): NotebookPlugin {
  const { include = ["**/*.ipynb"], ...rest } = options;
  const onlyWatched = new Set<string>();
  const loaded = new Set<string>();
  let asksForFiles = false;
  return {
    name: "nbconvert-ts-runner",
    enforce: "pre",
    config: () => ({ test: { include: [...include] } }),
    configureVitest({ vitest: { config } }) {
      // A plain run has no use for them, and a large package has many.
      asksForFiles = Boolean(config.watch || config.changed || config.related);
    },
    load(id) {
      const path = id.split("?")[0] ?? "";
      if (onlyWatched.has(path)) {
        return { code: "export {};", map: null };
      }
      if (!path.endsWith(".ipynb")) {
        return undefined;
      }
      const { outputDir, html } = rest;
      loaded.add(path);
      if (outputDir !== undefined) {
        checkOutputNames([...loaded], (notebook) => resolve(outputDir, basename(notebook)));
      }
      if (html !== undefined) {
        checkOutputNames([...loaded], (notebook) => pagePath(notebook, html));
      }
      const read = asksForFiles ? filesReadBy(path, rest) : [];
      for (const file of read) {
        this?.addWatchFile?.(file);
        if (!viteKnows.test(file) && !file.endsWith(".ipynb")) {
          onlyWatched.add(file);
        }
      }
      return { code: testFile(path, rest, read), map: null };
    },
  };
}

/** The local files that a notebook reads as far as can be told: a change of one makes its tests run again. */
function filesReadBy(path: string, options: TestFileOptions): string[] {
  const { notebook } = readNotebook(path);
  const { kernelspec, language_info } = notebook.metadata;
  const language = kernelspec?.language ?? language_info?.name ?? "";
  const { files, folders } = collectDependencies(notebook, path, { cwd: dirname(path), language });
  const inFolders = [...folders].flatMap((folder) =>
    globSync("**/*", { cwd: folder, absolute: true, ignore: ["**/node_modules/**", "**/__pycache__/**"] }),
  );
  const data = (notebookSettings(notebook).data ?? []).map((name) => resolve(dirname(path), name)).filter(isFile);
  const written = [options.outputDir, options.html].flatMap((folder) => (folder === undefined ? [] : resolve(folder)));
  return [...new Set([...files, ...inFolders, ...data].map((file) => moduleId(file)))].filter(
    (file) =>
      file !== moduleId(path) &&
      !/\/node_modules\/|\.(?:d\.[mc]?ts|map|md)$|\.test\.\w+$/.test(file) &&
      !written.some((folder) => file.startsWith(moduleId(folder))),
  );
}

/** The test file of a notebook. */
export function testFile(path: string, options: TestFileOptions, read: readonly string[] = []): string {
  const { notebook } = readNotebook(path);
  const timeout = options.timeout ?? notebookSettings(notebook).timeout ?? defaultTimeout;
  let number = 0;
  // With a name pattern a test runs the cells before it, too: it has the time of all of them, or no limit.
  let seconds = extraTime;
  const tests = notebook.cells.flatMap((cell, index) => {
    if (cell.cell_type !== "code") {
      return [];
    }
    number++;
    const name = JSON.stringify(`cell ${number}: ${cellName(cell)}`);
    if (!isRunnable(cell)) {
      return [`test.skip(${name}, () => {});`];
    }
    const own = cellSettings(cell).timeout ?? timeout;
    seconds += own > 0 ? own : Number.POSITIVE_INFINITY;
    const limit = Number.isFinite(seconds) ? seconds * 1000 : 0;
    return [`test(${name}, { timeout: ${limit} }, (context) => session.run(${index}, context));`];
  });
  // Never loaded: they tell Vitest (--changed, related, the watch mode) what this notebook depends on.
  const imports = read.map((file) => `  () => import(${JSON.stringify(`/@fs/${file.replace(/^\//, "")}`)}),`);
  return `import { afterAll, beforeAll, test } from "vitest";
import { NotebookSession } from ${JSON.stringify(moduleId(sessionModule()))};
const session = new NotebookSession(${JSON.stringify(path)}, ${literalOf({ ...options, timeout }, script.literals)});
beforeAll(() => session.start(), ${extraTime * 1000});
afterAll(() => session.end(), ${extraTime * 1000});
${tests.length === 0 ? 'test("has no code", () => {});' : tests.join("\n")}
export const reads = [
${imports.join("\n")}
];
`;
}

/** The module that the tests run with, beside this one: a source, or built. */
function sessionModule(): string {
  const source = fileURLToPath(new URL("./session.ts", import.meta.url));
  return existsSync(source) ? source : fileURLToPath(new URL("./session.js", import.meta.url));
}
