/** Debian's Notebook 6 in headless Chromium on our kernel: run, complete, interrupt, a plot, a progress bar; and an assignment's notebook, typed into. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { joinLines, type Notebook } from "nbconvert-ts-runner";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { debianPython, pythonHas, root } from "../conformance/harness.ts";
import {
  browserProgram,
  freePort,
  jupyterEnvironment,
  jupyterHome,
  layAssignment,
  typeAtLocked,
  until,
} from "./support.ts";

if (process.env.CI && !existsSync(browserProgram)) {
  throw new Error(`${browserProgram} is not there, which CI must have`);
}

const cells = [
  'const model: "ResNet" | "DenseNet" = "ResNet";\nmodel.length',
  'display.svg(\'<svg xmlns="http://www.w3.org/2000/svg" width="220" height="90" data-plot="loss"><polyline points="5,10 60,55 120,70 215,80" fill="none" stroke="#0b3c6f" stroke-width="3"/></svg>\');',
  'const bar = widgets.progress({ total: 10, description: "Training" });\nfor (let i = 1; i <= 10; i++) { bar.update(i); await new Promise((go) => setTimeout(go, 30)); }',
  "let turns = 0; while (true) { turns++; }",
  "turns > 0",
  '[{ model: "ResNet", accuracy: 91.84 }, { model: "DenseNet", accuracy: 90.72 }]',
  "const wrong: number = model;",
];

const there = existsSync(browserProgram) && pythonHas("notebook", "jupyter_client");

// One session in one page, in this order.
describe.runIf(there)("Notebook 6", { shuffle: false }, () => {
  const home = jupyterHome(cells);
  const assignment = layAssignment(home);
  let server: ChildProcess;
  let browser: Browser;
  let page: Page;
  let log = "";
  let port = 0;

  beforeAll(async () => {
    // Notebook 6 shows widgets where its extension is enabled.
    mkdirSync(join(home, "config/nbconfig"), { recursive: true });
    writeFileSync(
      join(home, "config/nbconfig/notebook.json"),
      '{"load_extensions": {"jupyter-js-widgets/extension": true}}',
    );
    port = await freePort();
    const args = [
      "-m",
      "notebook",
      "--no-browser",
      "--allow-root",
      "--ip=127.0.0.1",
      `--port=${port}`,
      "--NotebookApp.token=test",
    ];
    server = spawn(debianPython(), args, {
      cwd: join(home, "work"),
      env: jupyterEnvironment(home),
    });
    server.stderr?.on("data", (chunk) => {
      log += chunk;
    });
    await until(() => /is running at/.test(log), 60_000, "the notebook server did not start");
    browser = await chromium.launch({ executablePath: browserProgram, args: ["--no-sandbox", "--disable-gpu"] });
    page = await browser.newPage({ viewport: { width: 1000, height: 1300 } });
    await open("test.ipynb");
    // The widget extension announces itself once the kernel is there.
    await page.waitForTimeout(1500);
  });

  afterAll(async () => {
    if (page !== undefined) {
      mkdirSync(join(root, "out"), { recursive: true });
      await page.screenshot({ path: join(root, "out/notebook6.png"), fullPage: true });
    }
    await browser?.close();
    server?.kill("SIGINT");
    server?.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 1000));
    server?.kill("SIGKILL");
    rmSync(home, { recursive: true, force: true });
  });

  const open = async (file: string) => {
    await page.goto(`http://127.0.0.1:${port}/notebooks/${file}?token=test`);
    await page.waitForFunction(
      "window.Jupyter?.notebook?.kernel?.is_connected?.() && Jupyter.notebook.kernel.info_reply.status === 'ok'",
      undefined,
      { timeout: 300_000 },
    );
  };
  const cell = (n: number) => page.locator(".cell").nth(n);
  const execute = (n: number) => page.evaluate(`Jupyter.notebook.execute_cells([${n}])`);
  const finished = (n: number) =>
    page.waitForFunction(`/^\\d+$/.test(String(Jupyter.notebook.get_cell(${n}).input_prompt_number))`, undefined, {
      timeout: 300_000,
    });

  it("shows the kernel by its name", async () => {
    expect(await page.locator("#kernel_indicator .kernel_indicator_name").textContent()).toBe("TypeScript (Convbook)");
  });

  it("runs a cell and shows its result", async () => {
    await execute(0);
    await finished(0);
    expect((await cell(0).locator(".output_result").textContent())?.trim()).toBe("6");
  });

  it("completes a name in the editor", async () => {
    await page.evaluate(
      "Jupyter.notebook.insert_cell_at_bottom('code').set_text('Math.sq'); Jupyter.notebook.select(7); Jupyter.notebook.edit_mode(); Jupyter.notebook.get_cell(7).code_mirror.execCommand('goDocEnd');",
    );
    await page.keyboard.press("Tab");
    await page.waitForFunction("Jupyter.notebook.get_cell(7).get_text() === 'Math.sqrt'", undefined, {
      timeout: 300_000,
    });
  });

  it("shows a plot", async () => {
    await execute(1);
    await finished(1);
    const box = await cell(1).locator(".output_svg svg").boundingBox();
    expect(box?.width).toBeGreaterThan(200);
  });

  it("shows a progress bar that has come to its end", async () => {
    await execute(2);
    await finished(2);
    const bar = cell(2)
      .locator(".widget-area .progress-bar, .output .progress-bar, .widget-progress .progress-bar")
      .first();
    await bar.waitFor({ state: "visible", timeout: 300_000 });
    await expect
      .poll(() => bar.evaluate((element) => (element as unknown as { style: { width: string } }).style.width))
      .toBe("100%");
  });

  it("interrupts a loop and goes on with the variables", async () => {
    await execute(3);
    await page.waitForTimeout(500);
    await page.evaluate("Jupyter.notebook.kernel.interrupt()");
    await cell(3).locator(".output_error").waitFor({ timeout: 300_000 });
    expect(await cell(3).locator(".output_error").textContent()).toContain("KeyboardInterrupt");
    await execute(4);
    await finished(4);
    expect((await cell(4).locator(".output_result").textContent())?.trim()).toBe("true");
  });

  it("shows a table and a type error", async () => {
    await execute(5);
    await finished(5);
    await cell(5).locator("table").waitFor({ timeout: 300_000 });
    expect(await cell(5).locator("table td").allTextContents()).toEqual(["ResNet", "91.84", "DenseNet", "90.72"]);
    await execute(6);
    await cell(6).locator(".output_error").waitFor({ timeout: 300_000 });
    expect(await cell(6).locator(".output_error").textContent()).toContain("TS2322");
  });

  it("keeps what is locked in an assignment as it is, whatever is typed, and takes answers", async () => {
    page.once("dialog", (dialog) => dialog.accept());
    await open("assignment.ipynb");
    const text = (n: number) => page.evaluate(`Jupyter.notebook.get_cell(${n}).get_text()`) as Promise<string>;
    const before = await Promise.all([0, 1, 2, 3, 4].map(text));
    for (const locked of [0, 2, 4]) {
      await cell(locked).locator(".CodeMirror-lines").click();
      await typeAtLocked(page);
      expect(await text(locked)).toBe(before[locked]);
    }
    await cell(1).locator(".CodeMirror-lines").click();
    await page.keyboard.press("Control+Home");
    await page.keyboard.type("const a = 1;");
    expect(await text(1)).toBe(`const a = 1;${before[1]}`);
    await page.keyboard.press("Control+s");
    const saved = () =>
      (JSON.parse(readFileSync(assignment, "utf8")) as Notebook).cells.map(({ source }) => joinLines(source));
    await expect.poll(() => saved()[1], { timeout: 300_000 }).toBe(`const a = 1;${before[1]}`);
    expect(saved()).toEqual([before[0], `const a = 1;${before[1]}`, ...before.slice(2)]);
  });
});
