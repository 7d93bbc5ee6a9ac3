/**
 * The packages in Node for Windows, under Wine: the doctor, which starts the kernel and has it check types, a notebook through the runner,
 * and the engine in WebAssembly. In the folder that `CONVBOOK_WINE` names, made by wine.sh.
 */
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";

const script = fileURLToPath(new URL("wine.sh", import.meta.url));
const folder = process.env.CONVBOOK_WINE ?? "";
if (folder === "") {
  console.log("Left out: Windows, for want of CONVBOOK_WINE (a folder; test/systems/wine.sh says what is needed)");
}

/** What node.exe prints. */
async function node(...args: string[]): Promise<string> {
  const run = promisify(execFile)(script, ["run", folder, ...args], { maxBuffer: 1 << 24 });
  // Failures of cells and of the doctor's checks are what is asserted.
  const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error);
  if (stdout === "") {
    throw new Error(stderr);
  }
  return stdout;
}

const cell = (id: string, source: string) => ({
  cell_type: "code",
  execution_count: null,
  id,
  metadata: {},
  outputs: [],
  source,
});

describe.runIf(folder !== "")("on Windows", () => {
  beforeAll(() => {
    execFileSync(script, ["make", folder], { stdio: ["ignore", "ignore", "inherit"] });
  });

  it("the doctor finds the engine in WebAssembly and a kernel that answers", async () => {
    const findings: { topic: string; state: string; found: string }[] = JSON.parse(
      await node("lib/convbook/bin/convbook.mjs", "doctor", "--json"),
    );
    const found = (topic: string) => findings.find((finding) => finding.topic === topic);
    expect(found("machine")).toMatchObject({ state: "ok", found: expect.stringContaining("win32 x64") });
    expect(found("backend")?.found).toContain("WebAssembly");
    expect(found("kernel")).toMatchObject({ state: "optional", found: expect.stringContaining("not installed") });
    expect(found("cache")?.found).toMatch(/\\AppData\\Local\\convbook\\cache$/);
    expect(found("C++ compiler")?.found).toContain("on Windows the native engine comes made");
    expect(findings.filter(({ state }) => state === "missing")).toEqual([]);
  });

  it("a notebook: types, files, modules beside it, a command, an error's place", async () => {
    const at = join(folder, "repository", "trial");
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, "twice.ts"), "export const twice = (x: number): number => 2 * x;\n");
    const cells = [
      cell("a", 'import { twice } from "./twice";\ntwice(21)'),
      cell(
        "b",
        'import { readFileSync, writeFileSync } from "node:fs";\nwriteFileSync("a.txt", "ä\\r\\n");\nreadFileSync("a.txt", "utf8").length',
      ),
      cell("c", "!echo from a command"),
      cell("d", "process.platform"),
      cell("e", 'const wrong: number = "text";'),
    ];
    const notebook = {
      cells,
      metadata: { kernelspec: { display_name: "TypeScript", language: "typescript", name: "convbook" } },
      nbformat: 4,
      nbformat_minor: 5,
    };
    writeFileSync(join(at, "trial.ipynb"), JSON.stringify(notebook));
    const said = await node("lib/runner/bin/nbconvert-ts-runner.mjs", "trial/trial.ipynb", "--output-dir", "trial/out");
    expect(said).toContain("4/5 cells");
    const run: { cells: { outputs: Record<string, unknown>[] }[] } = JSON.parse(
      readFileSync(join(at, "out", "trial.ipynb"), "utf8"),
    );
    const outputs = run.cells.map(({ outputs: [first] }) => first);
    const result = (text: string) => expect.objectContaining({ data: { "text/plain": [text] } });
    expect(outputs).toEqual([
      result("42"),
      result("3"),
      expect.objectContaining({ name: "stdout", text: [expect.stringContaining("from a command")] }),
      result("'win32'"),
      expect.objectContaining({ ename: "TypeScriptError" }),
    ]);
  });

  it("the engine: a network trains, and a model is saved over one that is there", async () => {
    const program = `
      import * as tf from "@tensorflow/tfjs";
      import { engine } from "@convbook/engine";
      await tf.setBackend("native");
      const x = tf.randomNormal([64, 8, 8, 3], 0, 1, "float32", 1);
      const y = tf.oneHot(tf.range(0, 64, 1, "int32").mod(4).toInt(), 4);
      const model = tf.sequential({ layers: [
        tf.layers.conv2d({ inputShape: [8, 8, 3], filters: 8, kernelSize: 3, activation: "relu" }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 4, activation: "softmax" }),
      ] });
      model.compile({ optimizer: tf.train.adam(0.01), loss: "categoricalCrossentropy" });
      const { history } = await model.fit(x, y, { epochs: 12, batchSize: 32, verbose: 0 });
      for (let i = 0; i < 2; i++) {
        await model.save("file://trial/model");
      }
      const again = await tf.loadLayersModel("file://trial/model/model.json");
      const same = again.predict(x).sub(model.predict(x)).abs().max().arraySync();
      console.log(JSON.stringify({ build: engine.info().build, first: history.loss[0], last: history.loss.at(-1), same }));
      process.exit(0);`;
    writeFileSync(join(folder, "repository", "trial.mjs"), program);
    const { build, first, last, same } = JSON.parse(await node("trial.mjs"));
    expect(build).toBe("wasm");
    expect(last).toBeLessThan(first / 2);
    expect(same).toBe(0);
  });
});
