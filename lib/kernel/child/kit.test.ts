import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";

const built = fileURLToPath(new URL("../dist/child/kit.js", import.meta.url));

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "kit-")));
  mkdirSync(join(folder, "kernel"));
  writeFileSync(join(folder, "kernel/package.json"), '{"type": "module"}');
  if (existsSync(built)) {
    copyFileSync(built, join(folder, "kernel/kit.js"));
  }
  mkdirSync(join(folder, "notebook"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function install(where: string): void {
  const convbook = join(folder, where, "node_modules/convbook");
  mkdirSync(convbook, { recursive: true });
  const manifest = { name: "convbook", type: "module", exports: { "./notebook": { default: "./notebook.js" } } };
  writeFileSync(join(convbook, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(convbook, "notebook.js"), `export const plotly = () => ({ from: ${JSON.stringify(where)} });`);
}

/** Whose convbook a kernel finds that lies in the folder, for a notebook in the folder. */
function found(): string {
  const script =
    'const { loadKit, kitNow } = await import("../kernel/kit.js"); const kit = await loadKit(); console.log(kit?.plotly().from ?? "none", kitNow() === kit);';
  return execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: join(folder, "notebook"),
    encoding: "utf8",
  }).trim();
}

it.runIf(existsSync(built))("finds what was installed since it looked for it", () => {
  const script = `
    import { cpSync } from "node:fs";
    const { loadKit } = await import("../kernel/kit.js");
    const before = await loadKit();
    cpSync("../later/node_modules", "node_modules", { recursive: true });
    console.log(before, (await loadKit()).plotly().from);`;
  install("later");
  const args = ["--input-type=module", "--eval", script];
  const text = execFileSync(process.execPath, args, { cwd: join(folder, "notebook"), encoding: "utf8" });
  expect(text).toBe("undefined later\n");
});

it.runIf(existsSync(built))("goes without convbook, takes the notebook's, and the one beside the kernel first", () => {
  expect(found()).toBe("none true");
  install("notebook");
  expect(found()).toBe("notebook true");
  install("kernel");
  expect(found()).toBe("kernel true");
});
