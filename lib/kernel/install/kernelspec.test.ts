import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { debianPython, pythonHas } from "../../../test/conformance/harness.ts";
import { installKernelSpec, listKernelSpecs, uninstallKernelSpec } from "./kernelspec.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "kernelspec-"));
  vi.stubEnv("JUPYTER_DATA_DIR", join(home, "data"));
  vi.stubEnv("JUPYTER_PATH", "");
  vi.stubEnv("VIRTUAL_ENV", "");
  vi.stubEnv("CONDA_PREFIX", "");
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

it("installs for the user, lists and uninstalls", async () => {
  const folder = await installKernelSpec();
  expect(folder).toBe(join(home, "data/kernels/convbook"));
  const spec = JSON.parse(readFileSync(join(folder, "kernel.json"), "utf8"));
  expect(spec).toMatchObject({ display_name: "TypeScript (Convbook)", language: "typescript" });
  expect(spec.argv[0]).toBe(process.execPath);
  expect(spec.argv[1]).toMatch(/^\/.*dist\/main\.js$/);
  expect(["logo-32x32.png", "logo-64x64.png", "logo-svg.svg"].every((name) => existsSync(join(folder, name)))).toBe(
    true,
  );
  await installKernelSpec();
  expect((await listKernelSpecs()).filter(({ name }) => name === "convbook").map((found) => found.folder)).toEqual([
    folder,
  ]);
  expect(await uninstallKernelSpec()).toEqual([folder]);
  expect(existsSync(folder)).toBe(false);
  await expect(uninstallKernelSpec({ user: true })).rejects.toThrow('No kernelspec "convbook" is installed');
});

it("installs below a prefix and into the active environment", async () => {
  expect(await installKernelSpec({ prefix: join(home, "prefix") })).toBe(
    join(home, "prefix/share/jupyter/kernels/convbook"),
  );
  await expect(installKernelSpec({ sysPrefix: true })).rejects.toThrow(
    "--sys-prefix needs an active conda environment or virtualenv",
  );
  vi.stubEnv("VIRTUAL_ENV", join(home, "venv"));
  expect(await installKernelSpec({ sysPrefix: true })).toBe(join(home, "venv/share/jupyter/kernels/convbook"));
});

it("installs a second kernelspec under names of its own, and removes that one only", async () => {
  const first = await installKernelSpec();
  const second = await installKernelSpec({ name: "convbook-2", displayName: "TypeScript (the other checkout)" });
  const third = await installKernelSpec({ name: "third.one" });
  const named = async () => (await listKernelSpecs()).map(({ name, displayName }) => [name, displayName]);
  expect(await named()).toEqual(
    expect.arrayContaining([
      ["convbook", "TypeScript (Convbook)"],
      ["convbook-2", "TypeScript (the other checkout)"],
      ["third.one", "TypeScript (Convbook, third.one)"],
    ]),
  );
  expect(await uninstallKernelSpec({ name: "convbook-2" })).toEqual([second]);
  expect([first, third].every((folder) => existsSync(folder))).toBe(true);
});

it("refuses names that Jupyter cannot show or find", async () => {
  for (const name of ["", ".", "..", "a/b", "-x", "Upper", "with space", "a\nb", "é", "x".repeat(65)]) {
    await expect(installKernelSpec({ name })).rejects.toThrow(`a letter or digit first, got ${JSON.stringify(name)}`);
  }
  for (const displayName of ["", "  ", "two\nlines", "bell\u0007", "x".repeat(101)]) {
    await expect(installKernelSpec({ displayName })).rejects.toThrow(
      `A kernel's display name is one line of 1 to 100 characters, got ${JSON.stringify(displayName)}`,
    );
  }
  expect(existsSync(join(home, "data"))).toBe(false);
});

it("leaves the environment to the user: Jupyter would put a kernelspec's over it", async () => {
  const folder = await installKernelSpec();
  expect(JSON.parse(readFileSync(join(folder, "kernel.json"), "utf8")).env).toBeUndefined();
});

it("refuses a name that is a path, and a place that is no folder", async () => {
  await expect(installKernelSpec({ name: "../evil" })).rejects.toThrow('got "../evil"');
  mkdirSync(join(home, "data"));
  vi.stubEnv("JUPYTER_DATA_DIR", "/dev/null/nowhere");
  await expect(installKernelSpec()).rejects.toThrow(
    "Cannot install the kernelspec in /dev/null/nowhere/kernels/convbook",
  );
});

it.runIf(pythonHas("jupyter_client"))("is found by Jupyter", async () => {
  const folder = await installKernelSpec();
  const script =
    "from jupyter_client.kernelspec import KernelSpecManager as M; print(M().get_kernel_spec('convbook').resource_dir)";
  expect(execFileSync(debianPython(), ["-c", script], { encoding: "utf8" }).trim()).toBe(folder);
});
