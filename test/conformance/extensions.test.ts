/** Magics that modules bring: `%load_ext MODULE`, and `%grade` of the classroom as one of them. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KernelUnderTest, pythonHas, root, streamOf } from "./harness.ts";

describe.runIf(pythonHas("jupyter_client"))("magics of modules", () => {
  let kernel: KernelUnderTest;
  let folder: string;
  beforeEach(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "extensions-")));
    kernel = await KernelUnderTest.start({ folder });
  });
  afterEach(async () => {
    await kernel.close();
    rmSync(folder, { recursive: true });
  });

  const errorOf = async (code: string) => {
    const { content } = (await kernel.execute(code)).events.find(({ type }) => type === "error") ?? {};
    return content?.evalue;
  };

  it("are there once the module was loaded, and get their arguments and the cell", async () => {
    writeFileSync(
      join(folder, "shout.ts"),
      `export function loadExtension(extensions: { registerMagic(name: string, magic: object): void }): void {
  extensions.registerMagic("shout", {
    help: "say it louder",
    run: async (args: string, cell: { source: string; id?: string }) =>
      console.log(args.toUpperCase(), cell.source.length, ...(cell.id === undefined ? [] : [cell.id])),
  });
}`,
    );
    writeFileSync(join(folder, "other.ts"), "export const x = 1;");
    expect(await errorOf("%shout a")).toMatch(/^There is no magic %shout; there are %%time/);
    expect(streamOf(await kernel.execute("%load_ext ./shout.ts\n%shout a b"))).toBe("A B 31\n");
    expect(streamOf(await kernel.execute("const loud = 1;\n%shout c"))).toBe("C 24\n");
    // Where a front-end says which cell of the notebook it runs, as JupyterLab does.
    const sent = await kernel.request("execute_request", { code: "%shout d" }, "shell", { cellId: "4f2a" });
    expect(streamOf(sent)).toBe("D 8 4f2a\n");
    expect(streamOf(await kernel.execute("%lsmagic"))).toMatch(/\n%shout +say it louder\n$/);
    expect(await errorOf("%whisper a")).toMatch(/^There is no magic %whisper; there are %%time.*, %shout$/);
    expect(await errorOf("%load_ext ./other.ts")).toBe(
      "%load_ext: ./other.ts brings no magics: it exports no function loadExtension",
    );
  });

  it("run a notebook's public checks: %grade", async () => {
    const marks = { grade: false, solution: false };
    const cell = (source: string, id: string, more: object = {}) => ({
      cell_type: "code",
      source,
      metadata: { nbgrader: { ...marks, grade_id: id, ...more } },
    });
    const answer = "function twice(x: number): number {\n  return 2 * x;\n}\n%grade";
    const tests = [
      "const three: number = 3;\nif (twice(three) !== 6) {\n  throw new Error('twice(3) is ' + twice(3));\n}",
      "await Promise.resolve(0.5)",
    ];
    const cells = [
      cell(answer, "twice", { solution: true }),
      ...tests.map((source, i) => cell(source, `tests-${i}`, { grade: true })),
    ];
    writeFileSync(join(folder, "sheet.ipynb"), JSON.stringify({ cells }));
    await kernel.execute(`%load_ext ${join(root, "lib/classroom/dist/magic/index.js")}`);
    const used = "Used: (?:< )?[\\d.]+ s, \\d+ MB of memory\n";
    expect(streamOf(await kernel.execute(answer))).toMatch(
      new RegExp(`^✓ tests-0\n${used}tests-1: points 0\\.5\n${used}$`),
    );
    writeFileSync(join(folder, "class.yaml"), "timeout: 5\nmemory: 1G\n");
    expect(streamOf(await kernel.execute("const twice = (x: number) => x + 1;\n%grade tests-0"))).toMatch(
      /^✗ tests-0: Error: twice\(3\) is 4\nBudget: (?:< )?[\d.]+ s of 5\.0 s, \d+ MB of 1\.0 GB\n$/,
    );
  });
});
