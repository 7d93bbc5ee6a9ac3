/** The Vite plugin that makes test files of notebooks. It reads notebooks; kernels are started by the tests themselves. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readNotebook } from "../notebook/read.ts";
import { cellName, isRunnable } from "../run/cell-info.ts";

/** Options of the plugin; all of them reach the test's process as JSON. */
export interface NotebookTestOptions {
  /** Patterns of the notebooks, added to the project's test files. Default: every `*.ipynb`. */
  readonly include?: readonly string[];
  readonly kernel?: string;
  readonly kernelDir?: string;
  /** Seconds for a cell; default 600. A cell's own `runner.timeout` goes before. */
  readonly timeout?: number;
  readonly memory?: number;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Use the notebooks' own fast parameters. */
  readonly fast?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Folder for the executed notebooks; default: they are not saved. */
  readonly outputDir?: string;
}

/** As much of Vite's plugin as this one is; Vite itself is not needed to build it. */
export interface NotebookPlugin {
  readonly name: string;
  readonly enforce: "pre";
  config(): { test: { include: string[] } };
  load(id: string): { code: string; map: null } | undefined;
}

const defaultTimeout = 600;
/** What a test gets beyond its cell's time, seconds: a kernel's start, an interrupt that is ignored. */
const extraTime = 90;

/**
 * Makes each notebook a test file with a test for each code cell, in order.
 *
 * @example
 * export default defineConfig({ plugins: [notebooks({ include: ["notebooks/*.ipynb"] })] });
 */
export function notebooks(options: NotebookTestOptions = {}): NotebookPlugin {
  const { include = ["**/*.ipynb"], ...rest } = options;
  return {
    name: "nbconvert-ts-runner",
    enforce: "pre",
    config: () => ({ test: { include: [...include] } }),
    load(id) {
      const path = id.split("?")[0] ?? "";
      return path.endsWith(".ipynb") ? { code: testFile(path, rest), map: null } : undefined;
    },
  };
}

/** The test file of a notebook. */
export function testFile(path: string, options: Omit<NotebookTestOptions, "include">): string {
  const { notebook } = readNotebook(path);
  const timeout = options.timeout ?? defaultTimeout;
  let number = 0;
  const tests = notebook.cells.flatMap((cell, index) => {
    if (cell.cell_type !== "code") {
      return [];
    }
    number++;
    const name = JSON.stringify(`cell ${number}: ${cellName(cell)}`);
    if (!isRunnable(cell)) {
      return [`test.skip(${name}, () => {});`];
    }
    // With a name pattern a test runs the cells before it, too.
    const milliseconds = (timeout * number + extraTime) * 1000;
    return [`test(${name}, { timeout: ${milliseconds} }, (context) => session.run(${index}, context));`];
  });
  return `import { afterAll, beforeAll, test } from "vitest";
import { NotebookSession } from ${JSON.stringify(sessionModule())};
const session = new NotebookSession(${JSON.stringify(path)}, ${JSON.stringify({ ...options, timeout })});
beforeAll(() => session.start(), ${extraTime * 1000});
afterAll(() => session.end(), ${extraTime * 1000});
${tests.length === 0 ? 'test("has no code", () => {});' : tests.join("\n")}
`;
}

/** The module that the tests run with, beside this one: a source, or built. */
function sessionModule(): string {
  const source = fileURLToPath(new URL("./session.ts", import.meta.url));
  return existsSync(source) ? source : fileURLToPath(new URL("./session.js", import.meta.url));
}
