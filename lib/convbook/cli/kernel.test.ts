/** What `convbook kernel install` says: where the kernel is, and how Jupyter comes to it from there. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { kernelCommand } from "./kernel.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kernel-install-"));
  vi.stubEnv("JUPYTER_DATA_DIR", join(folder, "data"));
  vi.stubEnv("JUPYTER_PATH", "");
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

/** The lines that `convbook kernel install ARGUMENTS` prints. */
async function install(...args: string[]): Promise<string[]> {
  const lines: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line) => lines.push(line));
  await kernelCommand.parseAsync(["install", "--name", "of-a-test", ...args], { from: "user" });
  return lines;
}

it("names the programs that offer the kernel, where Jupyter finds it", async () => {
  expect(await install("--user", "--display-name", "Of a test")).toEqual([
    `Installed the kernel "Of a test" in ${join(folder, "data/kernels/of-a-test")}.`,
    "Choose it in JupyterLab (jupyter lab), Notebook (jupyter notebook) or VS Code.",
  ]);
});

it("says what makes Jupyter look where it does not", async () => {
  const data = join(folder, "elsewhere/share/jupyter");
  expect(await install("--prefix", join(folder, "elsewhere"))).toEqual([
    `Installed the kernel "of-a-test" in ${join(data, "kernels/of-a-test")}.`,
    `Jupyter finds it when the variable JUPYTER_PATH has ${data}.`,
  ]);
  vi.stubEnv("JUPYTER_PATH", data);
  expect((await install("--prefix", join(folder, "elsewhere"))).at(-1)).toMatch(/^Choose it in JupyterLab/);
});

it("says when Jupyter takes another of the same name first", async () => {
  await install("--user");
  expect((await install("--prefix", join(folder, "elsewhere"))).at(-1)).toBe(
    `Jupyter takes the one of the same name in ${join(folder, "data/kernels/of-a-test")} first: install this one under another --name.`,
  );
});
