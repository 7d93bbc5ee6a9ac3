/**
 * The native code for 64-bit ARM: built by a cross compiler and run under an emulator, where both are installed. Its vectors are four
 * floats that the compiler maps to NEON. The program compares kernels and drivers with plain loops.
 */
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const compiler = "aarch64-linux-gnu-g++";
const emulator = "qemu-aarch64";
const native = fileURLToPath(new URL("../../lib/engine/native/", import.meta.url));
const missing = [compiler, emulator].filter((program) => spawnSync(program, ["--version"]).status !== 0);
if (missing.length > 0) {
  console.log(
    `Left out: the native code on ARM, for want of ${missing.join(" and ")} (Debian: apt install g++-aarch64-linux-gnu qemu-user)`,
  );
}

const minutes = 60_000;
/** What runs on one processor alone, in Node alone, or in WebAssembly alone. */
const leftOut = /^(bindings|wasm)\/|^simd\/isa_(avx|wasm)|^amx\/isa_|onednn_module/;

describe.runIf(missing.length === 0)("64-bit ARM", () => {
  const folder = mkdtempSync(join(tmpdir(), "convbook-neon-"));
  const program = join(folder, "kernels_test");
  const objectOf = (source: string) => join(folder, `${basename(source, ".cc")}.o`);

  beforeAll(async () => {
    const sources = readdirSync(native, { recursive: true, encoding: "utf8" }).filter(
      (path) => path.endsWith(".cc") && !leftOut.test(path),
    );
    const compile = async (source: string): Promise<void> => {
      // GCC 12 for ARM fails on the test's own loops with -O3.
      const level = source.startsWith("test/") ? "-O1" : "-O3";
      const flags = [level, "-std=c++17", "-fno-math-errno", "-fno-trapping-math", "-w", "-pthread", `-I${native}`];
      await promisify(execFile)(compiler, [...flags, "-c", join(native, source), "-o", objectOf(source)]);
    };
    const left = [...sources];
    const worker = async (): Promise<void> => {
      for (let source = left.pop(); source !== undefined; source = left.pop()) {
        await compile(source);
      }
    };
    await Promise.all([worker(), worker()]);
    execFileSync(compiler, ["-static", "-pthread", ...sources.map(objectOf), "-o", program], { stdio: "pipe" });
  }, 15 * minutes);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("computes what plain loops do", { timeout: 15 * minutes }, () => {
    const output = execFileSync(emulator, [program], { encoding: "utf8" });
    // Once: the other instruction sets are not here.
    expect(output.match(/\w+: done/g)).toEqual(["generic: done"]);
    expect(output).toContain("0 failures");
  });
});
