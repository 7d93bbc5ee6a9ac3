/**
 * Public notebooks that were written for tslab, through our runner and kernel. They are not part of this repository:
 * CONVBOOK_SUITES names a folder with checkouts of them, called as here, in which `npm install` was run where the table says so.
 * Every cell is run, also after one that failed; the table says which fail, with what, and why. What tslab says of the same
 * cells is stored in tslab-examples; the others are stored without outputs.
 */
import { cpSync, existsSync, readdirSync, symlinkSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Notebook, runNotebooks } from "../../lib/runner/index.ts";
import { kernelDir, temporaryFolder } from "./support.ts";

interface Suite {
  /** The checkout, and the revision to which the table belongs. */
  readonly checkout: string;
  readonly revision: string;
  /** Folders of notebooks. */
  readonly folders: readonly string[];
  /** Where packages have to be installed, and one of them; what is installed beside the package.json there. */
  readonly installed: readonly [folder: string, witness: string, ...more: string[]];
  /** By notebook: the numbers of its code cells that fail, from 1, with the begin of the error. All other cells pass. */
  readonly failing: Readonly<Record<string, Readonly<Record<number, string>>>>;
}

const suites: Readonly<Record<string, Suite>> = {
  "https://github.com/yunabe/tslab-examples": {
    checkout: "tslab-examples",
    revision: "c0d09f6",
    folders: ["notebooks"],
    installed: ["", "jimp"],
    failing: {
      // Meant: the notebook shows what errors look like.
      errors: { 1: "TypeScriptError: TS2322", 2: "TypeScriptError: TS2322" },
      // Needs the native code of tfjs-node 2.8.5, which is not built for versions of Node of today. All that follows needs it.
      tensorflow: {
        1: "Error: The Node.js native addon module",
        2: "ReferenceError: tf",
        3: "ReferenceError: mnist",
        5: "ReferenceError: tf",
        7: "ReferenceError: mnist",
        8: "ReferenceError: tf",
        9: "ReferenceError: mnist",
        10: "ReferenceError: mnist",
      },
    },
  },
  "https://github.com/icyphy/cal-analyzer": {
    checkout: "cal-analyzer",
    revision: "6fa1501",
    folders: ["notebooks/ts"],
    installed: ["notebooks/ts", "@datastructures-js/priority-queue", "@datastructures-js/priority-queue"],
    failing: {},
  },
  "https://github.com/acrespise/jupyter-qa-engineering": {
    checkout: "jupyter-qa-engineering",
    revision: "e02fc7e",
    folders: ["typescript-example"],
    installed: ["typescript-example", "mocha"],
    failing: {
      // Asks a server; the last line is meant to fail.
      "api-example": { 1: "" },
      // Needs a browser, a screen and the network; what follows needs the pictures.
      "playwright-example": {
        4: "Error: browserType.launch",
        5: "TypeError",
        6: "TypeError",
        7: "Error: ENOENT",
        8: "Error: ENOENT",
      },
    },
  },
  "https://github.com/karlstroetmann/Logic": {
    checkout: "Logic",
    revision: "820b2c5",
    folders: ["TypeScript/Chapter-2", "TypeScript/Chapter-3"],
    // Without its recursive-set, which the later chapters need.
    installed: ["TypeScript", "fraction.js", "mathjs", "fraction.js"],
    failing: {
      // Meant: what the text around them explains.
      Introduction: {
        4: "TypeScriptError: TS2322",
        5: "TypeScriptError: TS2588",
        9: "TypeScriptError: TS2345",
        24: "TypeScriptError: TS2365",
        43: "TypeScriptError: TS2632",
        64: "TypeScriptError: TS2339",
        69: "TypeScriptError: TS2322",
        83: "TypeScriptError: TS2367",
        87: "TypeScriptError: TS2365",
      },
      // Meant: a search that does not end, a text that is no program, and a program that prints for ever.
      "Legendre-Conjecture": { 13: "TimeoutError" },
      Turing: { 8: "SyntaxError", 13: "OutputLimitExceeded" },
      // 33,000 calls deep, which is more than Node's stack holds, without a notebook too.
      "Integer-Square-Root-Recursive": { 9: "RangeError: Maximum call stack" },
    },
  },
};

const root = process.env.CONVBOOK_SUITES ?? "";
const { path: folder, remove } = temporaryFolder();
afterAll(remove);

describe.each(Object.entries(suites))("%s", (_, suite) => {
  const checkout = join(root, suite.checkout);
  const [home, witness, ...more] = suite.installed;
  const packages = join(checkout, home, "node_modules");
  const there = root !== "" && existsSync(join(packages, witness));
  if (!there) {
    const install = `npm install --ignore-scripts ${more.join(" ")}`.trim();
    console.warn(
      `Left out: tslab's notebooks in ${suite.checkout}; CONVBOOK_SUITES names a folder with a checkout of ${suite.revision}, in whose folder ./${home} was run: ${install}`,
    );
  }

  test.runIf(there)("its notebooks come out as they should", async () => {
    const copy = join(folder, suite.checkout);
    cpSync(checkout, copy, { recursive: true, filter: (from) => !/^(?:node_modules|\.git)$/.test(basename(from)) });
    symlinkSync(packages, join(copy, home, "node_modules"));
    const paths = suite.folders.flatMap((name) =>
      readdirSync(join(copy, name))
        .filter((entry) => entry.endsWith(".ipynb"))
        .map((entry) => join(copy, name, entry)),
    );
    expect(paths.length).toBeGreaterThan(3);
    const outcomes = await runNotebooks(paths, {
      outputDir: join(folder, `${suite.checkout}-ran`),
      kernel: "convbook",
      kernelDir,
      allowErrors: true,
      // Its slowest cell that ends takes 12 s on an idle machine.
      timeout: 60,
      interruptGrace: 2,
    });
    for (const [i, { notebook }] of outcomes.entries()) {
      const path = paths[i] as string;
      const expected = Object.entries(suite.failing[basename(path, ".ipynb")] ?? {});
      const failed = errorsOf(notebook);
      expect([relative(copy, path), failed.map(([cell]) => cell)]).toEqual([
        relative(copy, path),
        expected.map(([cell]) => Number(cell)),
      ]);
      for (const [index, [cell, error]] of failed.entries()) {
        expect(`${path}: ${cell}: ${error}`).toContain(`${path}: ${cell}: ${expected[index]?.[1]}`);
      }
    }
  });
});

/** The code cells with errors: their numbers, from 1, and what the last error of each says. */
function errorsOf(notebook: Notebook | undefined): [cell: number, error: string][] {
  const cells = (notebook?.cells ?? []).filter((cell) => cell.cell_type === "code");
  return cells.flatMap((cell, i): [number, string][] => {
    const error = cell.outputs.findLast((output) => output.output_type === "error");
    return error === undefined ? [] : [[i + 1, `${error.ename}: ${error.evalue}`]];
  });
}
