/** What the engine's settings accept from the environment, each tried in a process of its own; a word that is not known is said by name. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { engine } from "@convbook/engine";
import { describe, expect, it } from "vitest";

function start(env: NodeJS.ProcessEnv): {
  isa: string;
  names: string[];
  ceiling: number;
  forward: number;
  reproducible: string;
  said: string[];
} {
  const program =
    'import { engine } from "@convbook/engine"; import * as tf from "@tensorflow/tfjs-core"; await tf.setBackend("native"); tf.conv2d(tf.ones([1, 16, 16, 64]), tf.ones([3, 3, 64, 64]), 1, "same"); const { isa, implementations, memory, winograd, reproducible } = engine.info(); console.log(JSON.stringify({ isa, names: implementations.names, ceiling: memory.ceiling, forward: winograd.forward, reproducible }));';
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: {
      ...process.env,
      CONVBOOK_ISA: "",
      CONVBOOK_ONEDNN: "",
      CONVBOOK_WINOGRAD: "",
      CONVBOOK_REPRODUCIBLE: "",
      ...env,
    },
    encoding: "utf8",
  });
  if (status !== 0) {
    throw new Error(stderr);
  }
  const said = stderr.split("\n").filter((line) => line.startsWith("native engine: "));
  return { ...JSON.parse(stdout), said };
}

describe.runIf(engine.available)("the environment", () => {
  const best = start({}).isa;
  const hasNative = start({ CONVBOOK_ISA: "generic" }).isa === "generic";

  it.each([
    ["avx-512", '; did you mean "avx512"?'],
    ["AVX2", '; did you mean "avx2"?'],
    ["sse9", ""],
  ])("CONVBOOK_ISA=%s is refused by name, and the best is taken", (isa, near) => {
    expect(start({ CONVBOOK_ISA: isa })).toMatchObject({
      isa: best,
      said: [
        `native engine: CONVBOOK_ISA: An instruction set is one of amx, avx512, avx2, generic, wasm; got "${isa}"${near}; taking the best`,
      ],
    });
  });

  it.runIf(!hasNative)(
    "without a native engine its instruction sets are said to be missing, WebAssembly is not",
    () => {
      for (const isa of ["amx", "avx512", "avx2", "generic"]) {
        const { isa: got, said } = start({ CONVBOOK_ISA: isa });
        expect(got).toBe(best);
        expect(said).toEqual([
          expect.stringMatching(
            new RegExp(
              `^native engine: CONVBOOK_ISA asks for ${isa}, but there is no native engine \\(.*\\); going on with ${got}$`,
            ),
          ),
        ]);
      }
      expect(start({ CONVBOOK_ISA: "wasm" })).toMatchObject({ isa: best, said: [] });
    },
  );

  it.runIf(hasNative)("an instruction set that the processor lacks is said, one that it has is not", () => {
    for (const isa of ["amx", "avx512", "avx2", "generic"]) {
      const { isa: got, said } = start({ CONVBOOK_ISA: isa });
      const lacks = `native engine: CONVBOOK_ISA asks for ${isa}, which this processor lacks; going on with ${got}`;
      expect(said).toEqual(got === isa ? [] : [lacks]);
    }
    expect(start({ CONVBOOK_ISA: "generic" })).toMatchObject({ isa: "generic", said: [] });
  });

  it.runIf(hasNative)("CONVBOOK_ISA is what setInstructionSet goes back to", () => {
    const program =
      'import { engine } from "@convbook/engine"; const seen = []; for (const isa of ["avx2", undefined]) { engine.setInstructionSet(isa); seen.push(engine.info().isa); } console.log(JSON.stringify(seen));';
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      env: { ...process.env, CONVBOOK_ISA: "generic" },
      encoding: "utf8",
    });
    expect(JSON.parse(stdout).at(-1)).toBe("generic");
  });

  it.each([
    ["3", 3],
    ["", engine.info().processors],
  ])("CONVBOOK_THREADS=%s is what setThreads(0) goes back to", (wanted, expected) => {
    const program =
      'import { engine } from "@convbook/engine"; const seen = []; for (const threads of [0, 2, 0, 1, 0]) { engine.setThreads(threads); seen.push(engine.info().threads); } console.log(JSON.stringify(seen));';
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      env: { ...process.env, CONVBOOK_THREADS: wanted },
      encoding: "utf8",
    });
    expect(JSON.parse(stdout)).toEqual([expected, 2, expected, 1, expected]);
  });

  it("CONVBOOK_ONEDNN takes yes and no", () => {
    expect(start({ CONVBOOK_ONEDNN: "off" })).toMatchObject({ names: ["native"], said: [] });
    expect(start({ CONVBOOK_ONEDNN: "maybe" })).toMatchObject({
      names: ["native"],
      said: ['native engine: CONVBOOK_ONEDNN is "maybe", expected 1 or 0; going on without oneDNN'],
    });
  });

  it("CONVBOOK_REPRODUCIBLE takes yes and no", () => {
    const promised = ["avx2", "avx512", "amx"].includes(best) ? "exact" : "bounded";
    expect(start({ CONVBOOK_REPRODUCIBLE: "1" })).toMatchObject({ reproducible: promised, said: [] });
    expect(start({ CONVBOOK_REPRODUCIBLE: "off" })).toMatchObject({ reproducible: "off", said: [] });
    expect(start({ CONVBOOK_REPRODUCIBLE: "maybe" })).toMatchObject({
      reproducible: "off",
      said: ['native engine: CONVBOOK_REPRODUCIBLE is "maybe", expected 1 or 0; going on without reproducible results'],
    });
  });

  it.runIf(hasNative)("where results are to be reproducible, what rounds otherwise is left out", () => {
    expect(start({ CONVBOOK_REPRODUCIBLE: "1", CONVBOOK_ONEDNN: "1", CONVBOOK_PRECISION: "bf16" })).toMatchObject({
      names: ["native"],
      said: [
        "native engine: The precision bf16 is not there while results are to be reproducible; going on in float32",
        "native engine: oneDNN is not used: results are to be reproducible",
      ],
    });
  });

  it("CONVBOOK_WINOGRAD takes yes and no", () => {
    const plain = { CONVBOOK_ISA: hasNative ? "generic" : "wasm" };
    for (const [word, forward] of [
      ["", 1],
      ["1", 1],
      ["off", 0],
    ] as const) {
      expect(start({ CONVBOOK_WINOGRAD: word, ...plain })).toMatchObject({ forward, said: [] });
    }
    expect(start({ CONVBOOK_WINOGRAD: "maybe", ...plain })).toMatchObject({
      forward: 1,
      said: [`native engine: CONVBOOK_WINOGRAD is "maybe", expected 1 or 0; going on with Winograd's algorithm`],
    });
  });

  it("CONVBOOK_POOL_MB takes a number", () => {
    expect(start({ CONVBOOK_POOL_MB: "64" })).toMatchObject({ ceiling: 64e6, said: [] });
    expect(start({ CONVBOOK_POOL_MB: "64MB" }).said).toEqual([
      'native engine: CONVBOOK_POOL_MB is "64MB", expected a number of megabytes from 0; keeping a quarter of the machine\'s memory at most',
    ]);
  });
});

describe.runIf(engine.available)("setInstructionSet", () => {
  it("refuses unknown names", () => {
    const before = engine.info().isa;
    expect(() => engine.setInstructionSet("avx-512")).toThrow(
      'An instruction set is one of amx, avx512, avx2, generic, wasm; got "avx-512"; did you mean "avx512"?',
    );
    expect(engine.info().isa).toBe(before);
  });
});
