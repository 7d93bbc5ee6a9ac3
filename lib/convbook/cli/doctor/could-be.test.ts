/** What the doctor says could be there: each system's way to it, and nothing where nothing helps. */
import { describe, expect, it } from "vitest";
import { backendAdvice, relaxedFinding } from "./backends.ts";
import { checkCompiler, nativeEngineFinding } from "./machine.ts";

describe("the native engine, where there is no compiler", () => {
  it.each([
    [
      "linux",
      "apt-get install g++ make python3   (or conda install compilers make), then npm rebuild @convbook/engine",
    ],
    ["darwin", "xcode-select --install, then npm rebuild @convbook/engine"],
    ["freebsd", "conda install compilers make, then npm rebuild @convbook/engine"],
  ] as const)("on %s: %s", (system, advice) => {
    expect(nativeEngineFinding("none", system)).toEqual({
      topic: "C++ compiler",
      state: "optional",
      found: "none: no native engine can be built, the one in WebAssembly runs, which is several times slower",
      advice,
    });
  });

  it("on Windows no compiler is looked for, and none is advised", async () => {
    expect(await checkCompiler("win32")).toEqual({
      topic: "C++ compiler",
      state: "optional",
      found: "not asked for: on Windows the native engine comes made, or the one in WebAssembly runs",
    });
  });
});

it("backends that are packages: how they are installed", () => {
  expect(backendAdvice("tensorflow", "neither a nor b is installed")).toContain(
    "npm install --no-save @tensorflow/tfjs-node-gpu@4.22.0",
  );
  expect(
    backendAdvice("webgpu", "the packages webgpu and @tensorflow/tfjs-backend-webgpu are not both installed"),
  ).toBe(
    "with a graphics card: npm install --no-save webgpu@0.6.2 @tensorflow/tfjs-backend-webgpu@4.22.0   (for inference: CONVBOOK_BACKEND=webgpu)",
  );
  expect(backendAdvice("webgpu", "no adapter was found")).toBeUndefined();
  expect(backendAdvice("native", "its native code is not built")).toBeUndefined();
});

it("relaxed SIMD: there, not in this Node.js, or switched off", () => {
  expect(relaxedFinding("/x/wasm/engine-relaxed.wasm", undefined)).toEqual({
    topic: "WebAssembly",
    state: "ok",
    found: "with relaxed SIMD",
  });
  expect(relaxedFinding("C:\\x\\wasm\\engine.wasm", undefined)).toMatchObject({
    state: "optional",
    advice: "Node.js 22 or newer has it",
  });
  expect(relaxedFinding("/x/wasm/engine.wasm", "0")).toMatchObject({ advice: "unset CONVBOOK_RELAXED_SIMD" });
});
