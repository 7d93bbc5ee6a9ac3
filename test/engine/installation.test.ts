/** The engine where it is bundled, not built, or being built twice: it never throws at import, and says why it is not there. */
import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { engine } from "@convbook/engine";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const source = join(root, "lib/engine");
const temporary = mkdtempSync(join(tmpdir(), "convbook-engine-test-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

/** A copy of the package as npm unpacks it, with its dependencies beside it. */
function install(name: string, ...more: string[]): string {
  const modules = join(temporary, name, "node_modules");
  const folder = join(modules, "@convbook/engine");
  mkdirSync(folder, { recursive: true });
  for (const part of ["package.json", "binding.gyp", "dist", "install", "native", "wasm", ...more]) {
    cpSync(join(source, part), join(folder, part), { recursive: true });
  }
  for (const dependency of readdirSync(join(root, "node_modules"))) {
    const path = join(modules, dependency);
    if (!dependency.startsWith(".") && !existsSync(path)) {
      symlinkSync(join(root, "node_modules", dependency), path);
    }
  }
  return folder;
}

function run(program: string, folder: string): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [program], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, CONVBOOK_ISA: "" },
  });
  expect(status, stderr).toBe(0);
  return stdout.trim();
}

/** What runs there, and why the native code does not. */
function state(folder: string): { build: string; reason: string } {
  const program = join(dirname(dirname(dirname(folder))), "state.mjs");
  const module = pathToFileURL(join(folder, "dist/index.js")).href;
  writeFileSync(
    program,
    `const { engine } = await import(${JSON.stringify(module)}); const { build, instead } = engine.available ? engine.info() : { build: "none", instead: engine.reason }; console.log(JSON.stringify({ build, reason: instead }));`,
  );
  return JSON.parse(run(program, dirname(program)));
}

describe.runIf(existsSync(join(source, "dist/index.js")))("a bundle", () => {
  const code =
    'import { engine } from "@convbook/engine"; import * as tf from "@tensorflow/tfjs-core"; (async () => { const started = await tf.setBackend("native").catch(() => false); console.log(JSON.stringify([engine.available, engine.reason, started && Array.from(tf.ones([2]).dataSync())])); })();';

  beforeAll(async () => {
    for (const [format, file] of [
      ["esm", "bundle.mjs"],
      ["cjs", "bundle.cjs"],
    ] as const) {
      await build({
        stdin: { contents: code, resolveDir: root },
        ...{ bundle: true, platform: "node", format, outfile: join(temporary, file), logLevel: "silent" },
        // Some of tfjs's own CommonJS calls require, which an ES module does not have.
        ...(format === "esm" && {
          banner: {
            js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
          },
        }),
      });
    }
  });

  it.each(["bundle.mjs", "bundle.cjs"])("without the package beside it says so: %s", (file) => {
    const alone = mkdtempSync(join(temporary, "alone-"));
    cpSync(join(temporary, file), join(alone, file));
    expect(JSON.parse(run(file, alone))).toEqual([
      false,
      "the program is bundled, and the package @convbook/engine with its code is not installed beside it",
      false,
    ]);
  });

  it.runIf(engine.available).each(["bundle.mjs", "bundle.cjs"])("with the package beside it computes: %s", (file) => {
    const beside = mkdtempSync(join(temporary, "beside-"));
    mkdirSync(join(beside, "node_modules/@convbook"), { recursive: true });
    symlinkSync(source, join(beside, "node_modules/@convbook/engine"));
    cpSync(join(temporary, file), join(beside, file));
    expect(JSON.parse(run(file, beside))).toEqual([true, "", [1, 1]]);
  });
});

/** Whether this machine builds native code, as it did here. */
const hasNative = existsSync(join(source, "build/Release/engine.node"));

describe.runIf(existsSync(join(source, "dist/index.js")))("an installation", () => {
  it("whose scripts npm did not run says so, and how to run them", () => {
    const folder = install("ignored");
    const { build, reason } = state(folder);
    expect(build).toBe("wasm");
    expect(reason).toBe(
      `its native code is not built, because npm did not run its install script (npm 12 runs those that were approved); run it: node ${JSON.stringify(join(folder, "install/install.mjs"))}`,
    );
  });

  it("without a compiler says in one line which tool was missing, and runs in WebAssembly", () => {
    const folder = install("tools");
    const { stdout, stderr, status } = spawnSync(process.execPath, [join(folder, "install/install.mjs")], {
      encoding: "utf8",
      env: { PATH: join(temporary, "empty") },
    });
    expect([status, stderr, stdout.trim().split("\n").length]).toEqual([0, "", 1]);
    expect(stdout).toContain("@convbook/engine: no C++ compiler was found, so the engine runs in WebAssembly");
    expect(readFileSync(join(folder, "build/reason.txt"), "utf8")).toBe("no C++ compiler was found");
    expect(state(folder)).toEqual({
      build: "wasm",
      reason:
        "its native code is not built: no C++ compiler was found (install a C++17 compiler, then `npm rebuild @convbook/engine`)",
    });
  });

  it.runIf(engine.available)("whose native code was built from other sources says so, and computes nothing", () => {
    const folder = install("other", "build");
    const table = join(folder, "dist/program/table.js");
    const text = readFileSync(table, "utf8");
    // The same fields in another order.
    const other = text.replace(/(const buffer = \{)([^,]+,)([^,]+,)/, "$1$3$2");
    expect(other).not.toBe(text);
    writeFileSync(table, other);
    const difference =
      'was built from other sources (its table "programBuffer" is [height, width, channels], expected [width, height, channels])';
    const native = hasNative
      ? `its native code ${difference}; build it again: npm rebuild @convbook/engine`
      : expect.stringMatching(/^its native code is not built: /);
    const { build, reason } = state(folder);
    expect(build).toBe("none");
    const [, ofNative, ofWasm] = /^(.*), and (its WebAssembly .*)$/.exec(reason) ?? [];
    expect([ofNative, ofWasm]).toEqual([native, `its WebAssembly ${difference}`]);
  });

  /** In place of the engine something small: for what is about the folders that it is built in. */
  const installSmall = (name: string): string => {
    const folder = install(name);
    rmSync(join(folder, "native"), { recursive: true });
    mkdirSync(join(folder, "native"));
    writeFileSync(
      join(folder, "native/addon.cc"),
      '#include <node_api.h>\nNAPI_MODULE_INIT() { napi_value v; napi_create_int32(env, 42, &v); napi_set_named_property(env, exports, "answer", v); return exports; }\n',
    );
    writeFileSync(
      join(folder, "binding.gyp"),
      JSON.stringify({ targets: [{ target_name: "engine", sources: ["native/addon.cc"] }] }),
    );
    return folder;
  };
  const built = "@convbook/engine: the native engine is built\n";

  it.runIf(hasNative)("does not look for headers where npm's configuration says, which may be nowhere", () => {
    const folder = installSmall("headers");
    const { stdout } = spawnSync(process.execPath, [join(folder, "install/install.mjs")], {
      encoding: "utf8",
      env: { ...process.env, npm_config_nodedir: join(temporary, "nowhere") },
    });
    expect(stdout).toBe(built);
  });

  it.runIf(hasNative)(
    "may run twice at once in one folder",
    async () => {
      const folder = installSmall("twice");
      const once = () =>
        new Promise<string>((resolve, reject) => {
          const child = spawn(process.execPath, [join(folder, "install/install.mjs")]);
          onTestFinished(() => {
            child.kill();
          });
          let said = "";
          child.stdout.on("data", (chunk: Buffer) => {
            said += chunk.toString();
          });
          child.on("error", reject);
          child.on("close", () => resolve(said));
        });
      expect(await Promise.all([once(), once()])).toEqual([built, built]);
      expect(createRequire(import.meta.url)(join(folder, "build/Release/engine.node"))).toMatchObject({ answer: 42 });
      expect(readdirSync(folder).filter((name) => name.startsWith(".build-"))).toEqual([]);
      expect(existsSync(join(folder, "build/reason.txt"))).toBe(false);
    },
    120_000,
  );
});
