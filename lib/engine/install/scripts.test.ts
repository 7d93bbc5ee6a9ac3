/** The scripts beside the installer: what they say, and what they read of binding.gyp. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const { prebuiltName, shipped } = createRequire(import.meta.url)("./prebuilt.cjs") as {
  prebuiltName(): string;
  shipped: readonly string[];
};
interface Plan {
  readonly flags: readonly string[];
  readonly parts: readonly { readonly sources: readonly string[]; readonly flags: readonly string[] }[];
}
const load = <T>(name: string): Promise<T> => import(new URL(name, import.meta.url).href);
const { missingFor, targets } = await load<{
  missingFor(name: string): string | undefined;
  targets: Record<string, { readonly name: string }>;
}>("./cross.mjs");
const { buildPlan } = await load<{ buildPlan(root: string, variables: object): Plan }>("./gyp.mjs");
const { leftReason, sentence } = await load<{
  leftReason(root: string): string | undefined;
  sentence(reason: string, system: string): string;
}>("./tell.mjs");
const root = fileURLToPath(new URL("..", import.meta.url));
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "convbook-scripts-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("what whoever installs is told", () => {
  it.each([
    ["linux", " (Debian: apt install g++ make python3)"],
    ["darwin", " (macOS: xcode-select --install)"],
    ["freebsd", ""],
  ] as const)("on %s", (system, way) => {
    expect(sentence("no C++ compiler was found", system)).toBe(
      "@convbook/engine: no C++ compiler was found, so the engine runs in WebAssembly (everything works, slower). " +
        `For the native one: install a C++17 compiler, make and Python 3${way}, then \`npm rebuild @convbook/engine\`.`,
    );
  });

  it("on Windows nothing that would not help", () => {
    expect(sentence("on Windows nothing is compiled, and there is no binary made beforehand", "win32")).toBe(
      "@convbook/engine: on Windows nothing is compiled, and there is no binary made beforehand, so the engine runs in WebAssembly (everything works, slower).",
    );
  });

  it("is kept in a file", () => {
    expect(leftReason(folder)).toBeUndefined();
    mkdirSync(join(folder, "build"));
    writeFileSync(join(folder, "build", "reason.txt"), "make was not found\n");
    expect(leftReason(folder)).toBe("make was not found");
  });
});

describe("what binding.gyp says", () => {
  const plan = (target_arch: string, amx: number) => buildPlan(root, { target_arch, amx, onednn: 0 });

  it("parts for each processor, with their flags; all sources are there", () => {
    const flags = (arch: string, amx: number) => plan(arch, amx).parts.map((part) => part.flags);
    expect(plan("arm64", 0).parts).toHaveLength(1);
    expect(flags("x64", 0).map((each) => each.find((flag) => /^-mavx/.test(flag)))).toEqual([
      undefined,
      "-mavx512f",
      "-mavx2",
    ]);
    expect(flags("x64", 1)).toHaveLength(4);
    expect(plan("x64", 1).flags).toContain("-DCONVBOOK_AMX=1");
    expect(plan("x64", 0).flags).not.toContain("-DCONVBOOK_AMX=1");
    const sources = plan("x64", 1).parts.flatMap((part) => part.sources);
    expect(sources.filter((source) => !existsSync(join(root, source)))).toEqual([]);
  });

  it("a condition that is not understood is not passed over", () => {
    writeFileSync(
      join(folder, "binding.gyp"),
      JSON.stringify({ target_defaults: { defines: [], conditions: [["OS!='win'", {}]] } }),
    );
    expect(() => buildPlan(folder, { target_arch: "x64" })).toThrow("the condition \"OS!='win'\" is not understood");
  });
});

describe("binaries", () => {
  it("what is cross-compiled is what a release has", () => {
    for (const [name, target] of Object.entries(targets)) {
      expect(shipped).toContain(`${name}/${target.name}`);
    }
    expect(missingFor("plan9-mips")).toBe('there is no target "plan9-mips", expected one of linux-arm64, win32-x64');
  });

  it("a machine that makes another binary than is expected is refused before anything is built", () => {
    const script = join(root, "install", "prebuild.mjs");
    const { status, stderr } = spawnSync(process.execPath, [script, "plan9-mips/engine.node"], { encoding: "utf8" });
    expect(stderr).toBe(`prebuild: this machine makes ${prebuiltName()}, expected plan9-mips/engine.node\n`);
    expect(status).toBe(1);
  });

  const built = join(root, "build", "Release", "engine.node");
  it.runIf(existsSync(built))("a binary is tried on all of this processor's instruction sets, in plain Node", () => {
    const trial = join(root, "install", "trial.cjs");
    const { status, stdout } = spawnSync(process.execPath, [trial, built], { encoding: "utf8" });
    expect(stdout).toMatch(/generic: 0 failures\n$/);
    expect(status).toBe(0);
  });
});
