/**
 * Notebook 01 in its users' hands: `npm start` with and without the checkpoints, and Jupyter's own nbconvert.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cifar10 } from "../../lib/convbook/data/index.ts";
import { cacheFolder } from "../../lib/convbook/download/index.ts";
import { tutorial5 } from "../../lib/convbook/index.ts";
import { installKernelSpec } from "../../lib/kernel/install/kernelspec.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const name = "01-inception-resnet-densenet";
const convbook = join(root, "lib/convbook/bin/convbook.mjs");
const hasCheckpoints = process.env.CONVBOOK_MIRROR !== undefined;
const jupyter = "/usr/bin/jupyter";
const hasJupyter = process.env.CI !== undefined || existsSync(jupyter);
if (!hasCheckpoints) {
  console.log("Left out: npm start on the trained models. Set CONVBOOK_MIRROR to a folder with them.");
}
if (!hasJupyter) {
  console.log("Left out: nbconvert. Get it with: apt-get install jupyter-nbconvert python3-ipykernel");
}

/** The page that npm start wrote last. */
const page = () => readFileSync(join(root, "out", `${name}.html`), "utf8");

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "convbook-users-"));
  await cifar10({ train: true });
  await cifar10({ train: false });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("npm start", () => {
  it.runIf(hasCheckpoints)(
    "leaves a page with the table and says where it is",
    async () => {
      const { stdout } = await run(process.execPath, [convbook, "start", "--images", "384"], { cwd: root });
      expect(stdout).toMatch(/ResNetPreAct +85\.94 % +92\.97 %/);
      expect(stdout).toContain("Evaluating 384 of 15,000 images");
      expect(stdout).toMatch(/The page is out\/01-inception-resnet-densenet\.html/);
      expect(page()).toContain("Accuracy on 128 validation and 256 test images of CIFAR-10");
      expect(page()).not.toMatch(/<(script|link|img)[^>]+(src|href)="https?:/);
    },
    300_000,
  );

  it("goes on with our own weights where the checkpoints are out of reach", async () => {
    const cache = join(folder, "cache");
    const env: NodeJS.ProcessEnv = { ...process.env, CONVBOOK_CACHE: cache };
    delete env.CONVBOOK_MIRROR;
    // The data are there, the checkpoints are not.
    await run("mkdir", ["-p", cache]);
    for (const there of ["cifar10", "decoded"]) {
      const source = join(cacheFolder(), there);
      if (existsSync(source)) {
        symlinkSync(source, join(cache, there));
      }
    }
    const { stdout, stderr } = await run(process.execPath, [convbook, "start", "--offline", "--images", "384"], {
      cwd: root,
      env,
    });
    // Before anything else: what runs, since npm has hidden what the installation said of it.
    expect(stdout).toMatch(/^\[0:\d\d\] convbook: TensorFlow\.js [\d.]+ on \S/);
    const { modelNames, pretrainedFile } = tutorial5;
    const own = modelNames.filter((model) => pretrainedFile(model) !== undefined);
    const none = modelNames.filter((model) => pretrainedFile(model) === undefined);
    if (own.length > 0) {
      expect(stdout).toContain(`weights that Convbook's own Trainer made for ${own.join(", ")}:`);
    }
    if (none.length > 0) {
      expect(stdout).toContain(`Going on without the trained weights of ${none.join(", ")}:`);
    }
    expect(stdout).toContain("Evaluating 384 of 15,000 images");
    expect(stdout).toMatch(/The page is /);
    expect(stdout + stderr).not.toMatch(/^\s+at /m);
    expect(page()).toContain("there is nothing to compare with the published table");
  });
});

describe.runIf(hasJupyter)("nbconvert", () => {
  it("executes the notebook on the installed kernel", async () => {
    await installKernelSpec({ prefix: folder });
    const notebook = JSON.parse(readFileSync(join(root, "notebooks", `${name}.ipynb`), "utf8"));
    const parameters = notebook.cells.find((cell: { id: string }) => cell.id === "parameters");
    parameters.source = parameters.source.map((line: string) => line.replace("fast = false", "fast = true"));
    // Beside the others, so that it imports what they import.
    const copy = join(root, "notebooks", `.${name}-${process.pid}.ipynb`);
    writeFileSync(copy, JSON.stringify(notebook));
    try {
      const options = ["nbconvert", "--to", "notebook", "--execute", "--ExecutePreprocessor.timeout=200"];
      await run(jupyter, [...options, "--output-dir", folder, "--output", "executed", copy], {
        env: { ...process.env, JUPYTER_PATH: join(folder, "share/jupyter") },
      });
    } finally {
      rmSync(copy);
    }
    const executed = JSON.parse(readFileSync(join(folder, "executed.ipynb"), "utf8"));
    const kinds = executed.cells.flatMap((cell: { outputs?: { output_type: string }[] }) =>
      (cell.outputs ?? []).map((output) => output.output_type),
    );
    expect(kinds).not.toContain("error");
    expect(kinds.length).toBeGreaterThan(25);
  });
});
