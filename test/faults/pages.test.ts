/** Pages as the commands and the Vitest plugin write them: what is beside the notebook is in them, what is elsewhere is not loaded. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { command, kernelDir, repository, temporaryFolder, writeNotebook } from "./support.ts";

const { path: folder, remove } = temporaryFolder();
afterAll(remove);

const far = "https://example.org/far.png";
const near = `data:image/png;base64,${Buffer.from("near").toString("base64")}`;

beforeAll(() => {
  const text = `<img src="near.png"> ![gone](gone.png) <img src="${far}" alt="Far away">`;
  const cells = [{ source: text, type: "markdown" as const }, "console.log(6 * 7)"];
  writeNotebook(join(folder, "notebooks"), "show.ipynb", cells, "convbook");
  writeFileSync(join(folder, "notebooks/near.png"), "near");
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
});

function start(program: string, ...args: string[]) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, ...args], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", VITEST: "", GITHUB_ACTIONS: "", CI: "" },
  });
  return { stdout, stderr, status };
}

const warning = '"gone.png", which the text shows, is not there';

function expectPage(path: string, remoteImages: boolean): string {
  const page = readFileSync(join(folder, path), "utf8");
  expect(page).toContain(`src="${near}"`);
  expect(page.includes(`<img src="${far}"`)).toBe(remoteImages);
  expect(page.includes(`Far away (<a href="${far}">${far}</a>)`)).toBe(!remoteImages);
  return page;
}

describe.each([
  [false, []],
  [true, ["--remote-images"]],
])("with pictures from addresses: %s", (remoteImages, options) => {
  test.each([
    ["html", "show.html"],
    ["slides", "show.slides.html"],
  ])("convert --to %s", (to, name) => {
    const result = start(command, "convert", "--to", to, "notebooks/show.ipynb", "-o", "converted", ...options);
    expect(result.status).toBe(0);
    expect(result.stderr).toBe(`notebooks/show.ipynb: warning: ${warning}\n`);
    expectPage(`converted/${name}`, remoteImages);
  });

  test("run --html", () => {
    const args = ["notebooks/show.ipynb", "--kernel-dir", kernelDir, "--no-save", "--html", "pages", ...options];
    const result = start(command, ...args);
    expect(result.status).toBe(0);
    expect(result.stderr).toBe(`notebooks/show.ipynb: warning: ${warning}\n`);
    expect(expectPage("pages/show.html", remoteImages)).toContain(">42\n</pre>");
  });

  test("the Vitest plugin", () => {
    const own = { include: ["notebooks/*.ipynb"], kernelDir, html: "tested", ...(remoteImages && { remoteImages }) };
    writeFileSync(
      join(folder, "vitest.config.mjs"),
      `import { notebooks } from "nbconvert-ts-runner/vitest";\nexport default { plugins: [notebooks(${JSON.stringify(own)})] };\n`,
    );
    mkdirSync(join(folder, "tested"), { recursive: true });
    const result = start(join(repository, "node_modules/vitest/vitest.mjs"), "run");
    expect(result.status).toBe(0);
    expect(result.stdout + result.stderr).toContain(warning);
    expect(expectPage("tested/show.html", remoteImages)).toContain(">42\n</pre>");
  });
});
