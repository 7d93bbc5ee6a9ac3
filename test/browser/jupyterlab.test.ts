/**
 * JupyterLab in headless Chromium on our kernel, where it is installed (environment.yml has it; Debian 13 does): run,
 * complete, interrupt, a plot, widgets that outlive a reload, the debugger; and an assignment's notebook, typed into.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { joinLines, type Notebook } from "nbconvert-ts-runner";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../conformance/harness.ts";
import {
  browserProgram,
  freePort,
  jupyterEnvironment,
  jupyterHome,
  layAssignment,
  typeAtLocked,
  until,
} from "./support.ts";

// This machine's JupyterLab (environment.yml has it), or the one of a Debian 13 in a folder.
const folder = process.env.CONVBOOK_TRIXIE ?? "";
const inFolder = folder !== "" && existsSync(join(folder, "usr/bin/jupyter-lab"));
const [program, ...first] = inFolder ? [join(root, "test/trixie.sh"), "run", folder, "jupyter-lab"] : ["jupyter-lab"];
const there = existsSync(browserProgram) && spawnSync(program as string, [...first, "--version"]).status === 0;
if (!there) {
  console.log(
    "Left out: JupyterLab in a browser. It needs chromium, and jupyter-lab on the PATH (environment.yml) or a Debian 13: as root, test/trixie.sh make FOLDER; then CONVBOOK_TRIXIE=FOLDER npm test",
  );
}

const figure = {
  data: { values: [1, 3, 2].map((y, x) => ({ x, y })) },
  mark: "line",
  encoding: { x: { field: "x", type: "quantitative" }, y: { field: "y", type: "quantitative" } },
};
const cells = [
  "type Num = number;\nfunction half(n: Num): Num {\n  const result = n / 2;\n  return result;\n}\nhalf(8);",
  `display.vegaLite(${JSON.stringify(figure)});`,
  'const bar = widgets.progress({ total: 4, description: "Training" });\nfor (let i = 1; i <= 4; i++) { bar.update(i); }\nconst slider = widgets.slider({ min: 0, max: 9, value: 3 });',
  "let turns = 0; while (true) { turns++; }",
  "[turns > 0, slider.value]",
  "Math.s",
];

// One session in one page, in this order.
describe.runIf(there)("JupyterLab", { shuffle: false }, () => {
  const home = jupyterHome(cells);
  const assignment = layAssignment(home);
  let server: ChildProcess;
  let browser: Browser;
  let page: Page;
  let address = "";
  let log = "";

  beforeAll(async () => {
    const port = await freePort();
    const work = join(home, "work");
    const args = ["--no-browser", "--allow-root", "--ip=127.0.0.1", `--port=${port}`, `--ServerApp.root_dir=${work}`];
    server = spawn(program as string, [...first, ...args, "--IdentityProvider.token=test"], {
      cwd: work,
      env: jupyterEnvironment(home),
    });
    server.stderr?.on("data", (chunk) => {
      log += chunk;
    });
    await until(() => /is running at/.test(log), 300_000, "JupyterLab did not start");
    browser = await chromium.launch({ executablePath: browserProgram, args: ["--no-sandbox", "--disable-gpu"] });
    page = await browser.newPage({ viewport: { width: 1300, height: 1000 } });
    page.setDefaultTimeout(300_000);
    address = `http://127.0.0.1:${port}/lab/tree/`;
    await open();
  });

  afterAll(async () => {
    if (page !== undefined) {
      mkdirSync(join(root, "out"), { recursive: true });
      await page.screenshot({ path: join(root, "out/jupyterlab.png") });
    }
    await browser?.close();
    server?.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    server?.kill("SIGKILL");
    rmSync(home, { recursive: true, force: true });
  });

  const open = async (file = "test.ipynb") => {
    await page.goto(`${address}${file}?token=test&reset`);
    await page.waitForSelector(".jp-NotebookPanel .jp-Cell");
    await page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").waitFor();
    // The widget manager restores its models after the kernel is connected.
    await page.waitForTimeout(2000);
  };
  const cell = (n: number) => page.locator(".jp-NotebookPanel .jp-Cell").nth(n);
  /** Runs a cell. Until the page has its kernel, a key does nothing: it is pressed again while the prompt stays as it was. */
  const start = async (n: number) => {
    const prompt = () => cell(n).locator(".jp-InputPrompt").first().textContent();
    const before = await prompt();
    const pressed = async () => {
      await cell(n).locator(".cm-content").click();
      await page.keyboard.press("Control+Enter");
      for (let wait = 0; wait < 100 && (await prompt()) === before; wait++) {
        await page.waitForTimeout(100);
      }
      return prompt();
    };
    await expect.poll(pressed, { timeout: 300_000 }).not.toBe(before);
  };
  const finished = (n: number) =>
    expect.poll(() => cell(n).locator(".jp-InputPrompt").first().textContent(), { timeout: 300_000 }).toMatch(/\d/);
  const output = (n: number) => cell(n).locator(".jp-OutputArea-output").first();

  it("runs a cell, and shows its result and a plot", async () => {
    await start(0);
    await finished(0);
    expect((await output(0).textContent())?.trim()).toBe("4");
    await start(1);
    await output(1).locator("canvas, svg").first().waitFor();
  });

  it("completes a name in the editor", async () => {
    await cell(5).locator(".cm-content").click();
    await page.keyboard.press("End");
    await page.keyboard.press("Tab");
    const offered = page.locator(".jp-Completer-item .jp-Completer-match");
    await expect.poll(() => offered.allTextContents(), { timeout: 300_000 }).toEqual(["sign", "sin", "sinh", "sqrt"]);
    await page.keyboard.press("Escape");
  });

  it("shows widgets, and again when the page is loaded again", async () => {
    await start(2);
    await finished(2);
    const shown = () => cell(2).locator(".jp-OutputArea .widget-hprogress, .jp-OutputArea .widget-hslider").count();
    await expect.poll(shown, { timeout: 300_000 }).toBe(2);
    await page.keyboard.press("Control+s");
    await page.waitForTimeout(1000);
    await open();
    await expect.poll(shown, { timeout: 300_000 }).toBe(2);
    await cell(2).locator(".noUi-handle").focus();
    await page.keyboard.press("ArrowRight");
  });

  it("interrupts a loop and goes on with the variables", async () => {
    await start(3);
    await page.waitForTimeout(700);
    for (const key of ["Escape", "i", "i"]) {
      await page.keyboard.press(key);
    }
    await finished(3);
    expect(await output(3).textContent()).toContain("KeyboardInterrupt");
    await start(4);
    await finished(4);
    expect((await output(4).textContent())?.trim()).toBe("[ true, 4 ]");
  });

  it("stops at a breakpoint, shows the values there, and goes on", async () => {
    await page.locator(".jp-DebuggerBugButton, [data-jp-item-name='debugger-icon'] *").first().click();
    const gutter = cell(0).locator(".cm-gutters div.cm-breakpoint-gutter");
    await gutter.waitFor();
    const at = await gutter.boundingBox();
    const line = await cell(0).locator(".cm-line").nth(3).boundingBox();
    await page.mouse.click((at?.x ?? 0) + (at?.width ?? 0) / 2, (line?.y ?? 0) + (line?.height ?? 0) / 2);
    await page.locator(".jp-DebuggerBreakpoint").waitFor();
    await start(0);
    const variables = page.locator(".jp-DebuggerVariables-body");
    await expect.poll(() => variables.first().textContent(), { timeout: 300_000 }).toBe("n8result4");
    await page.locator("[data-command='debugger:continue']").first().click();
    await finished(0);
    expect((await output(0).textContent())?.trim()).toBe("4");
  });

  it("keeps what is locked in an assignment as it is, whatever is typed, and takes answers", async () => {
    await open("assignment.ipynb");
    const text = (n: number) => cell(n).locator(".cm-content").innerText();
    const before = await Promise.all([0, 1, 2, 3, 4].map(text));
    for (const locked of [0, 2, 4]) {
      await cell(locked).locator(".cm-content").click();
      await typeAtLocked(page);
      expect(await text(locked)).toBe(before[locked]);
    }
    for (const [answer, value] of [
      [1, "const a = 1;\n"],
      [3, "const b = 3;\n"],
    ] as const) {
      await cell(answer).locator(".cm-content").click();
      await page.keyboard.press("Control+Home");
      await page.keyboard.press("Shift+ArrowDown");
      await page.keyboard.press("Shift+ArrowDown");
      await page.keyboard.type(value);
      expect(await text(answer)).toContain(value.trim());
    }
    await page.keyboard.press("Control+s");
    const saved = () =>
      (JSON.parse(readFileSync(assignment, "utf8")) as Notebook).cells.map(({ source }) => joinLines(source));
    await expect.poll(() => saved()[3], { timeout: 300_000 }).toBe("const b = 3;\n%grade");
    const stored = saved();
    expect([0, 2, 4].map((n) => stored[n])).toEqual([0, 2, 4].map((n) => before[n]?.trimEnd()));
    expect(stored).toHaveLength(5);
  });

  it("runs the checks of the answer that asks for them, though another one has the same words", async () => {
    for (const n of [0, 1, 3]) {
      await start(n);
      await finished(n);
    }
    expect(await output(1).textContent()).toMatch(/^✓ a-tests\n/);
    expect(await output(3).textContent()).toMatch(/^✗ b-tests: Error: b is 3\n/);
  });
});
