/** The doctor believes nothing that it has not tried: each fault here once had a ✓. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { registeringBackend } from "../../backend/testing/packages.ts";
import { loadManifest } from "../../download/index.ts";
import type { Finding } from "./finding.ts";

const cli = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const kernelMain = fileURLToPath(new URL("../../../kernel/dist/main.js", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "convbook-doctor-"));
afterAll(() => rmSync(root, { recursive: true }));

let home = "";
let count = 0;
beforeEach(() => {
  home = join(root, `${count++}`);
  mkdirSync(home);
});

/** Asks the doctor about a machine with this environment and this folder. */
function examine(env: NodeJS.ProcessEnv = {}): { status: number | null; findings: Map<string, Finding> } {
  if (!existsSync(cli)) {
    throw new Error("This test runs what `npm run build` makes; build first.");
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, "doctor", "--json"], {
    cwd: home,
    encoding: "utf8",
    env: {
      ...process.env,
      CONVBOOK_BACKEND: "cpu",
      CONVBOOK_CACHE: join(home, "cache"),
      CONVBOOK_MIRROR: "",
      JUPYTER_PATH: "",
      JUPYTER_DATA_DIR: join(home, "jupyter"),
      ...env,
    },
  });
  if (stdout === "") {
    throw new Error(stderr);
  }
  return { status, findings: new Map((JSON.parse(stdout) as Finding[]).map((finding) => [finding.topic, finding])) };
}

function installSpec(name: string, argv: readonly string[] | string): string {
  const folder = join(home, "jupyter", "kernels", name);
  mkdirSync(folder, { recursive: true });
  const spec = { argv, display_name: name, language: "typescript" };
  writeFileSync(join(folder, "kernel.json"), typeof argv === "string" ? argv : JSON.stringify(spec));
  return folder;
}

describe("convbook doctor", () => {
  it("finds nothing wrong with a fresh machine, and starts an installed kernel", () => {
    const folder = installSpec("convbook", [process.execPath, kernelMain, "{connection_file}"]);
    const { status, findings } = examine();
    expect(findings.get("kernel")).toEqual({ topic: "kernel", state: "ok", found: `${folder}, answers` });
    expect(findings.get("backend")).toMatchObject({ state: "ok", found: "plain JavaScript, slow" });
    expect(findings.get("cache")).toMatchObject({ state: "ok", found: join(home, "cache") });
    expect(findings.get("data uva-tutorial5")).toMatchObject({ state: "optional" });
    expect(findings.has("mirror")).toBe(false);
    expect(status).toBe(0);
  });

  it("tries kernels whose Node or program is gone, and says which", () => {
    const node = installSpec("convbook", [join(home, "no", "node"), kernelMain, "{connection_file}"]);
    const program = installSpec("convbook-old", [
      process.execPath,
      join(home, "@convbook/kernel/gone.js"),
      "{connection_file}",
    ]);
    const { status, findings } = examine();
    expect(findings.get("kernel")).toMatchObject({ state: "missing", advice: "npx convbook kernel install" });
    expect(findings.get("kernel")?.found).toContain(`${node} does not work: `);
    expect(findings.get("kernel convbook-old")).toMatchObject({
      state: "missing",
      advice: "npx convbook kernel install --name convbook-old",
    });
    expect(findings.get("kernel convbook-old")?.found).toContain(
      `${program} does not work: the kernel convbook-old ended with exit code 1: Error: Cannot find module`,
    );
    expect(status).toBe(1);
  });

  it("reads a kernelspec that is broken", () => {
    installSpec("convbook", "{ no json");
    expect(examine().findings.get("kernel")).toMatchObject({
      state: "missing",
      found: expect.stringContaining("cannot be read"),
    });
  });

  it("hashes what is in the cache, asks the mirror, and writes into the cache", () => {
    const manifest = loadManifest("uva-tutorial5");
    const [short, wrong] = manifest.files.map((file) => ({
      ...file,
      path: join(home, "cache", manifest.name, file.path),
    }));
    for (const [file, size] of [
      [short, 12],
      [wrong, wrong?.size],
    ] as const) {
      mkdirSync(join(file?.path as string, ".."), { recursive: true });
      writeFileSync(file?.path as string, Buffer.alloc(size as number));
    }
    const mirror = join(home, "nowhere");
    const { status, findings } = examine({ CONVBOOK_MIRROR: mirror });
    expect(findings.get("data uva-tutorial5")).toEqual({
      topic: "data uva-tutorial5",
      state: "missing",
      found:
        `0 of ${manifest.files.length} files in ${join(home, "cache", manifest.name)}; ` +
        `${manifest.files[0]?.path} has 12 of ${short?.size} bytes; ${manifest.files[1]?.path} is damaged: its SHA-256 is another one`,
      advice: "npm start fetches them again",
    });
    expect(findings.get("mirror")).toMatchObject({
      state: "missing",
      found: expect.stringContaining(`${mirror}: ENOENT`),
      advice: "CONVBOOK_MIRROR names a folder or an http(s) address; unset it to go without",
    });
    expect(status).toBe(1);
  });

  it("says why a cache cannot be used", () => {
    writeFileSync(join(home, "file"), "");
    const { status, findings } = examine({ CONVBOOK_CACHE: join(home, "file", "cache"), CONVBOOK_MIRROR: "ftp://x/y" });
    expect(findings.get("cache")).toMatchObject({
      state: "missing",
      found: expect.stringContaining(`${join(home, "file", "cache")}: `),
      advice: "set CONVBOOK_CACHE to a folder that you may write to",
    });
    expect(findings.get("mirror")?.found).toContain("a folder or an http(s) address");
    expect(status).toBe(1);
  });

  it("does not believe a GPU's package without a GPU, nor a backend that is not there", () => {
    const folder = join(home, "node_modules/@tensorflow/tfjs-node-gpu");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "index.js"), registeringBackend("tensorflow"));
    const without = { CONVBOOK_BACKEND: "tensorflow", PATH: join(home, "empty") };
    const { findings } = examine(without);
    expect(findings.get("backend")).toMatchObject({
      state: "ok",
      found: "@tensorflow/tfjs-node-gpu (libtensorflow), on the processor: no GPU answers",
    });
    expect(findings.get("CUDA")).toMatchObject({ state: "optional", found: "no NVIDIA driver that answers" });
    expect(findings.get("C++ compiler")).toMatchObject({
      state: "optional",
      found: "none: no native engine can be built, the one in WebAssembly runs, which is several times slower",
    });
    expect(findings.get("Jupyter")).toMatchObject({ state: "optional", found: "no jupyter on the PATH that runs" });
    writeFileSync(join(folder, "index.js"), registeringBackend("tensorflow", 'throw new Error("no driver")'));
    const broken = examine(without);
    expect(broken.findings.get("backend")).toEqual({
      topic: "backend",
      state: "missing",
      found:
        'The backend "tensorflow" is not there: @tensorflow/tfjs-node-gpu is installed but a first convolution fails on it: no driver',
      advice: "unset CONVBOOK_BACKEND, and the best backend that works is taken",
    });
    expect(broken.status).toBe(1);
  });

  it("names settings that nothing can make sense of, and a kernel that checks no types", () => {
    installSpec("convbook", [process.execPath, kernelMain, "{connection_file}"]);
    const settings = {
      CONVBOOK_ISA: "avx-512",
      CONVBOOK_THREADS: "zero",
      CONVBOOK_MAX_PIXELS: "abc",
      CONVBOOK_HEAP_MB: "-3",
    };
    const doctor = (env: object) =>
      spawnSync(process.execPath, [cli, "doctor"], {
        cwd: home,
        encoding: "utf8",
        env: { ...process.env, JUPYTER_DATA_DIR: join(home, "jupyter"), ...env },
      });
    const { stdout, status } = doctor({ ...settings, CONVBOOK_BACKEND: "cpu", CONVBOOK_OFLINE: "1" });
    for (const line of [
      'CONVBOOK_ISA is "avx-512", expected one of amx, avx512, avx2, generic',
      'CONVBOOK_THREADS is "zero", expected a whole number from 1 to 256',
      'CONVBOOK_MAX_PIXELS is "abc", expected a number of pixels from 1',
      'CONVBOOK_HEAP_MB is "-3", expected a number of mebibytes from 0',
      "nothing reads CONVBOOK_OFLINE",
      "did you mean CONVBOOK_OFFLINE?",
      'does not work: the kernel convbook ended with exit code 1: CONVBOOK_HEAP_MB is "-3", expected a whole number',
    ]) {
      expect(stdout).toContain(line);
    }
    expect(status).toBe(1);
    const unchecked = doctor({ CONVBOOK_BACKEND: "cpu", CONVBOOK_TYPESCRIPT: join(home, "nowhere") });
    expect(unchecked.stdout).toContain(
      "does not work: it answers TypeScriptMissingError to 6 * 7: This cell's types were not",
    );
    expect(unchecked.status).toBe(1);
  });

  it("compiles with a compiler before it believes it", () => {
    const bin = join(home, "bin");
    mkdirSync(bin);
    for (const name of ["c++", "clang++"]) {
      writeFileSync(
        join(bin, name),
        `#!/bin/sh\n[ "$1" = --version ] && echo "c++ 4.8" && exit 0\necho "error: unrecognized option" >&2\nexit 1\n`,
        { mode: 0o755 },
      );
    }
    expect(examine({ PATH: `${bin}:${process.env.PATH}` }).findings.get("C++ compiler")).toMatchObject({
      state: "optional",
      found:
        "clang++ does not compile C++17 (error: unrecognized option): no native engine can be built, the one in WebAssembly runs, which is several times slower",
    });
  });
});
