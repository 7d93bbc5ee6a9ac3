/** Reproducible mode in whole trainings: the tutorial's four networks end with the same weights, bit for bit, in processes with other threads and instructions. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { engine } from "@convbook/engine";
import { describe, expect, it } from "vitest";
import { allInstructionSets } from "../support.ts";

interface Trained {
  readonly isa: string;
  readonly threads: number;
  readonly reproducible: string;
  readonly hashes: Readonly<Record<string, string>>;
}

const program = fileURLToPath(new URL("train.mjs", import.meta.url));

/** Trains 20 steps of eight images. */
async function train(settings: Readonly<Record<string, string>>): Promise<Trained> {
  const env = { ...process.env, CONVBOOK_ISA: "", CONVBOOK_REPRODUCIBLE: "1", ...settings };
  const { stdout } = await promisify(execFile)(process.execPath, [program, "20", "8"], { env });
  return JSON.parse(stdout);
}

describe.runIf(allInstructionSets.includes("avx2"))("in reproducible mode", () => {
  const wide = allInstructionSets.includes("avx512") ? "avx512" : "avx2";
  const desks = [
    { threads: 1, isa: "avx2" },
    { threads: 2, isa: wide },
    { threads: 3, isa: wide },
    { threads: 4, isa: "avx2" },
  ];

  it(`four networks get the same weights on 1 to 4 threads, with AVX2 and with ${wide}`, async () => {
    const trained: Trained[] = [];
    for (const { threads, isa } of desks) {
      trained.push(await train({ CONVBOOK_THREADS: `${threads}`, CONVBOOK_ISA: isa }));
    }
    expect(trained.map(({ threads, isa }) => ({ threads, isa }))).toEqual(desks);
    const [{ hashes } = { hashes: {} }] = trained;
    expect(Object.keys(hashes)).toEqual(["GoogleNet", "ResNet", "ResNetPreAct", "DenseNet"]);
    for (const other of trained) {
      expect(other).toMatchObject({ reproducible: "exact", hashes });
    }
  });
});

describe.runIf(engine.available)("without a word about it", () => {
  it("results are not reproducible, and the engine says so", () => {
    expect(engine.info().reproducible).toBe("off");
  });
});
