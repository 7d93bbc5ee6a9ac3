/** The same thirty notebooks through our runner and through Jupyter's own client: statuses, outputs, saved files. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type NotebookOutcome, runNotebooks } from "../../lib/runner/index.ts";
import { hasJupyter, kernelDir, notebookJson, python, temporaryFolder } from "./support.ts";
import { thirtyNotebooks } from "./thirty-notebooks.ts";

interface Saved {
  readonly cells: readonly {
    readonly cell_type: string;
    readonly outputs?: readonly Record<string, unknown>[];
    readonly execution_count?: number | null;
    readonly metadata: Record<string, unknown>;
  }[];
}

describe.runIf(hasJupyter)("thirty notebooks through ours and nbclient", () => {
  const { path: folder, remove } = temporaryFolder();
  const ours = new Map<string, NotebookOutcome>();
  let theirs: Record<string, { status: string; text: string }> = {};

  beforeAll(async () => {
    const options: Record<string, object> = {};
    for (const [name, { kernel, cells, timeout, allowErrors }] of Object.entries(thirtyNotebooks)) {
      const path = join(folder, `${name}.ipynb`);
      writeFileSync(path, JSON.stringify(notebookJson(cells, kernel)));
      options[`${name}.ipynb`] = { timeout, allowErrors };
    }
    writeFileSync(join(folder, "options.json"), JSON.stringify(options));
    // Jupyter finds our kernel on its path.
    const kernels = join(folder, "jupyter/kernels/convbook");
    mkdirSync(kernels, { recursive: true });
    const spec = JSON.parse(readFileSync(join(kernelDir, "kernel.json"), "utf8"));
    spec.argv = spec.argv.map((part: string) =>
      part.replace("{resource_dir}", kernelDir).replace(/^node$/, process.execPath),
    );
    writeFileSync(join(kernels, "kernel.json"), JSON.stringify(spec));
    const env = { ...process.env, JUPYTER_PATH: join(folder, "jupyter"), PYDEVD_DISABLE_FILE_VALIDATION: "1" };
    // Both at once: much of either's time is waiting for kernels to start and to end.
    const oracle = promisify(execFile)(python, [join(import.meta.dirname, "nbclient_oracle.py"), folder], {
      env,
      timeout: 500_000,
    });
    const groups = Object.entries(thirtyNotebooks).map(([name, { timeout, allowErrors }]) => ({
      name,
      key: JSON.stringify([timeout, allowErrors]),
      timeout,
      allowErrors,
    }));
    for (const key of new Set(groups.map((group) => group.key))) {
      const members = groups.filter((group) => group.key === key);
      const { timeout, allowErrors } = members[0] ?? {};
      const outcomes = await runNotebooks(
        members.map(({ name }) => join(folder, `${name}.ipynb`)),
        { outputDir: join(folder, "ours"), jobs: 2, timeout, allowErrors, kernelDir: join(folder, "jupyter/kernels") },
      );
      members.forEach(({ name }, index) => {
        ours.set(name, outcomes[index] as NotebookOutcome);
      });
    }
    await oracle;
    theirs = JSON.parse(readFileSync(join(folder, "results.json"), "utf8"));
    expect(Object.keys(theirs)).toHaveLength(30);
  });

  afterAll(remove);

  test.each(Object.keys(thirtyNotebooks))("%s", (name) => {
    const { oursDiffers } = thirtyNotebooks[name] as (typeof thirtyNotebooks)[string];
    const reference = theirs[`${name}.ipynb`];
    // It was saved, also where it failed.
    const saved = JSON.parse(readFileSync(join(folder, "ours", `${name}.ipynb`), "utf8")) as Saved;
    const expected = JSON.parse(reference?.text ?? "{}") as Saved;
    expect(ours.get(name)?.status).toBe(oursDiffers?.status ?? reference?.status);
    const stopped = reference?.status === "timed-out" || reference?.status === "kernel-died";
    expect(plain(saved, stopped)).toEqual(plain(expected, stopped));
  });
});

/** Text of one stream in one piece: ours is saved so, nbclient saves a piece a message, however many the kernel made. */
function joined(outputs: readonly Record<string, unknown>[] | undefined) {
  const result: Record<string, unknown>[] = [];
  for (const output of outputs ?? []) {
    const before = result.at(-1);
    if (output.output_type === "stream" && before?.output_type === "stream" && before.name === output.name) {
      result[result.length - 1] = { ...before, text: lines(`${text(before)}${text(output)}`) };
    } else {
      result.push(output.output_type === "stream" ? { ...output, text: lines(text(output)) } : output);
    }
  }
  return result;
}

const text = (output: Record<string, unknown>) => [output.text].flat().join("");
const lines = (all: string) => all.split(/(?<=\n)/);

/**
 * What must be equal: not times and memory; not the error output with which we say in the notebook why a cell was
 * stopped, where nbclient says it on the terminal only; and not how a traceback is coloured inside of the kernel.
 */
function plain(notebook: Saved, stopped: boolean) {
  return {
    ...notebook,
    cells: notebook.cells.map((cell) => {
      const { execution: _, measured: __, ...metadata } = cell.metadata;
      const outputs = joined(cell.outputs?.filter((output) => !(stopped && output.output_type === "error")));
      return cell.cell_type === "code"
        ? { ...cell, metadata, outputs, execution_count: stopped ? null : cell.execution_count }
        : cell;
    }),
  };
}
