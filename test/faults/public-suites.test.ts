/**
 * The notebooks with which papermill and nbclient test themselves, through our runner. They are not part of this repository:
 * CONVBOOK_SUITES names a folder with checkouts of them, called as here. The outcomes are nbclient's own on the same machine
 * (0.7.2, ipykernel 6.17), but for what the table says.
 */
import { cpSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { runNotebooks } from "../../lib/runner/index.ts";
import { hasJupyter, temporaryFolder } from "./support.ts";

interface Suite {
  readonly folder: string;
  /** By the notebook's name; those that are not here pass. */
  readonly others: Readonly<Record<string, string>>;
}

const suites: Readonly<Record<string, Suite>> = {
  // https://github.com/nteract/papermill
  papermill: {
    folder: "papermill/tests/notebooks",
    others: {
      binder: "failed",
      broken: "failed",
      broken1: "failed",
      broken2: "failed",
      complex_parameters: "failed",
      keyboard_interrupt: "timed-out",
      line_magic_error: "failed",
      // Of a kernel for R.
      notimplemented_translator: "error",
      // Needs a working folder that papermill's test makes.
      read_check: "failed",
      // An exit with 0 passes in papermill and here (sysexit, sysexit0, systemexit); in nbclient it fails.
      sysexit1: "failed",
      // Imports ggplot.
      test_logging: "failed",
    },
  },
  // https://github.com/jupyter/nbclient
  nbclient: {
    folder: "tests/files",
    others: {
      Autokill: "kernel-died",
      "Disable Stdin": "failed",
      Error: "failed",
      Interrupt: "timed-out",
      // JupyterWidgets and Output stop nbclient 0.7.2 itself with a KeyError of its widget code; here they pass.
      "Other Comms": "failed",
      // These need variables that nbclient's tests put in.
      "Parallel Execute A": "failed",
      "Parallel Execute B": "failed",
      "Skip Exceptions": "failed",
    },
  },
};

const root = process.env.CONVBOOK_SUITES ?? "";
const { path: folder, remove } = temporaryFolder();
afterAll(remove);

describe.each(Object.entries(suites))("%s", (name, suite) => {
  const checkout = join(root, name, suite.folder);
  const there = root !== "" && existsSync(checkout) && hasJupyter;
  if (!there) {
    console.warn(`Left out: the notebooks of ${name}; CONVBOOK_SUITES names a folder with a checkout of it`);
  }

  test.runIf(there)("its notebooks come out as they should", async () => {
    const copy = join(folder, name);
    cpSync(checkout, copy, { recursive: true });
    const names = readdirSync(copy).filter((entry) => entry.endsWith(".ipynb"));
    expect(names.length).toBeGreaterThan(20);
    const paths = names.map((entry) => join(copy, entry));
    const outcomes = await runNotebooks(paths, {
      outputDir: join(folder, `${name}-ran`),
      timeout: 60,
      interruptGrace: 2,
    });
    const expected = names.map((entry) => [entry, suite.others[entry.replace(/\.ipynb$/, "")] ?? "passed"]);
    expect(outcomes.map(({ status }, index) => [names[index], status])).toEqual(expected);
  });
});
