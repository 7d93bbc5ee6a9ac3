/**
 * Our notebooks on tslab 1.0.22, and notebook 01 there and on our kernel: every cell runs on both and computes the same. What is
 * lost on tslab is written down here as what it is expected to do.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "./harness.ts";
import { installTslab, Kernel, type Outcomes, removeHome, runOnBoth } from "./tslab-kernel.ts";

/** A notebook's code with its fast parameters and few images. */
function codeOf(name: string): Map<string, string> {
  const file = join(root, "notebooks", name);
  const { cells } = JSON.parse(readFileSync(file, "utf8")) as {
    cells: { id: string; cell_type: string; source: string | string[] }[];
  };
  const code = cells.filter(({ cell_type }) => cell_type === "code");
  return new Map(
    code.map(({ source }, i) => [
      `${cells.indexOf(code[i] as (typeof cells)[0])} ${code[i]?.id}`,
      [source]
        .flat()
        .join("")
        .replace("const fast = false", "const fast = true")
        .replace(/const evaluationImages = [\d_]+/, "const evaluationImages = 128")
        .replace("const epochs = 5;", "const epochs = 1;"),
    ]),
  );
}

/** Notebook 01 by its cells' ids, which are all different. */
function notebook01(): Map<string, string> {
  const cells = [...codeOf("01-inception-resnet-densenet.ipynb")];
  return new Map(cells.map(([name, code]) => [name.replace(/^\d+ /, ""), code]));
}

const tslab = await installTslab();

describe.runIf(tslab)("notebook 01", () => {
  let outcomes: Outcomes;
  let kernels: { readonly ours: Kernel; readonly tslab: Kernel };
  let close = () => {};
  beforeAll(async () => {
    ({ outcomes, kernels, close } = await runOnBoth(tslab ?? "", [...notebook01()]));
  });
  afterAll(() => close());

  it("runs to its end on both", () => {
    for (const cells of Object.values(outcomes)) {
      expect([...cells].filter(([, { status }]) => status !== "ok")).toEqual([]);
      expect(cells.size).toBe(notebook01().size);
    }
  });

  it("prints the same where it prints", () => {
    const blocks = ["inception-compare", "resnet-block", "preact-block", "dense-layer"];
    const networks = ["googlenet-class", "registry", "resnet-class", "densenet-class"];
    for (const id of ["load", "loaders", ...blocks, ...networks]) {
      const [ours, theirs] = [outcomes.ours.get(id)?.stdout, outcomes.tslab.get(id)?.stdout];
      expect(ours).not.toBe("");
      expect(theirs).toBe(ours);
    }
  });

  it("shows on both every picture and table that is a cell's result", () => {
    const results = [...outcomes.ours].filter(([, { messages }]) => messages.has("execute_result"));
    expect(results.map(([id]) => id)).toEqual([
      "samples",
      "statistics",
      "augmented",
      "checkpoints",
      "inception-diagram",
      "googlenet-diagram",
      "googlenet-summary",
      "googlenet-curves",
      "blocks-diagram",
      "blocks-diagram-halving",
      "resnet-diagram",
      "resnet-summary",
      "resnet-curves",
      "resnet-surfaces",
      "densenet-diagram",
      "densenet-summary",
      "densenet-curves",
      "results",
      "scatter",
      "predictions",
      "mistakes",
      "confusion",
    ]);
    for (const [id, { media }] of results) {
      const shown = (types: ReadonlySet<string>) => [...types].filter((type) => /^image\/|^text\/html$/.test(type));
      expect(shown(media)).not.toEqual([]);
      const theirs = outcomes.tslab.get(id);
      expect(theirs?.messages).toContain("display_data");
      expect(media).toContain(shown(theirs?.media ?? new Set())[0]);
      // It also prints each result: the empty text that a shown figure is.
      expect(theirs?.stdout).toBe("\n");
    }
  });

  it("shows on both what the library shows by itself, such as progress", () => {
    for (const cells of Object.values(outcomes)) {
      expect(cells.get("evaluate")?.messages).toContain("update_display_data");
      expect(cells.get("comparison-note")?.media).toContain("text/markdown");
    }
    // tslab sends one representation of each; ours has one for every front-end.
    expect([...(outcomes.tslab.get("comparison-note")?.media ?? [])]).toEqual(["text/markdown"]);
    expect(outcomes.ours.get("comparison-note")?.media).toContain("text/plain");
  });

  it("has on tslab no error messages: an error is text on stderr, and the next cell is skipped without a word", async () => {
    const { ours, tslab: theirs } = kernels;
    for (const code of ['throw new RangeError("on purpose")', 'const wrong: number = "text";']) {
      const ownError = await ours.run(code);
      expect(ownError).toMatchObject({ status: "error", stderr: "" });
      expect(ownError.messages).toContain("error");
      expect(await ours.run("1 + 2")).toMatchObject({ status: "ok" });
      const error = await theirs.run(code);
      expect(error.status).toBe("error");
      expect([...error.messages]).toEqual(["stream"]);
      expect(error.stderr).toMatch(/on purpose|not assignable/);
      // tslab skips what reaches it within 200 ms, also what was sent after its reply.
      const sent = performance.now();
      const next = await theirs.run("1 + 2");
      if (performance.now() - sent < 100) {
        expect(next).toMatchObject({ status: "abort", messages: new Set(), stdout: "", stderr: "" });
      }
      while ((await theirs.run("1 + 2")).status === "abort") {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  });

  it("keeps what a cell prints of which tslab may lose much, even that it ended", async () => {
    const ours = await kernels.ours.run(
      'for (let i = 0; i < 3000; i++) { process.stdout.write("line " + i + "\\n"); }',
    );
    expect(ours.stdout.split("\n")).toHaveLength(3001);
  });
});

const others = readdirSync(join(root, "notebooks")).filter((name) => /^0[2-8]-.*\.ipynb$/.test(name));

describe.runIf(tslab)("our other notebooks on tslab", () => {
  it.each(others)("%s runs to its end and shows its figures as pictures", async (name) => {
    const kernel = await Kernel.start((file) => [tslab ?? "", "kernel", `--config-path=${file}`]);
    try {
      const media = new Set<string>();
      for (const [id, code] of codeOf(name)) {
        const outcome = await kernel.run(code);
        expect({ id, status: outcome.status, stderr: outcome.stderr }).toEqual({ id, status: "ok", stderr: "" });
        expect(outcome.stdout).not.toMatch(
          /^(?:Flowchart|ImageGrid|Table|ModelSummary|VegaLiteFigure|PlotlyFigure) \{/m,
        );
        for (const type of outcome.media) {
          media.add(type);
        }
      }
      expect(media).toContain("image/png");
      expect(media).toContain("text/html");
    } finally {
      kernel.close();
    }
  });
});

afterAll(removeHome);
