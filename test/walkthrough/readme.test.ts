/**
 * The tour of the README, type-checked and executed by the kernel.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { bundledKernelSpec } from "../../lib/kernel/install/kernelspec.ts";
import { runNotebook } from "../../lib/runner/index.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const mirror = process.env.CONVBOOK_MIRROR;
if (mirror === undefined) {
  console.log("Left out: README's tour. Set CONVBOOK_MIRROR to a folder with the tutorial's checkpoints.");
}

it.runIf(mirror !== undefined)(
  "runs as it is written",
  async () => {
    const readme = readFileSync(join(root, "README.md"), "utf8");
    const tour = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] as string;
    const promised = /evaluate\(.*\/\/ (0\.\d+)/.exec(tour)?.[1];
    const notebook = {
      nbformat: 4,
      nbformat_minor: 5,
      metadata: { kernelspec: { name: "convbook", display_name: "TypeScript (Convbook)", language: "typescript" } },
      cells: [{ cell_type: "code", id: "tour", metadata: {}, execution_count: null, outputs: [], source: tour }],
    };
    const path = join(root, "notebooks", `.readme-${process.pid}.ipynb`);
    writeFileSync(path, JSON.stringify(notebook));
    try {
      const result = await runNotebook(path, { output: null, kernelDir: bundledKernelSpec() });
      expect(result.cells[0]?.failure).toBeUndefined();
      const [cell] = result.notebook.cells;
      const printed =
        cell?.cell_type === "code" ? cell.outputs.filter((output) => output.output_type === "stream") : [];
      expect(printed.map(({ text }) => [text].flat().join("")).join("")).toContain(`\n${promised}\n`);
    } finally {
      rmSync(path);
    }
  },
  180_000,
);
