/** Reproducible mode in WebAssembly beside AVX2: results of single operations and of a training's first step differ by rounding alone. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { builtProgram } from "../../built-program.ts";
import { allInstructionSets, expectClose } from "../support.ts";
import { operations } from "./operations.ts";

interface Results {
  readonly isa: string;
  readonly reproducible: string;
  /** Tensors of each operation, as base64. */
  readonly results: Readonly<Record<string, readonly string[]>>;
  /** Weights of a network after some numbers of steps. */
  readonly weights: readonly (readonly string[])[];
}

/** Largest differences in parts of a tensor's largest value: what the README says. */
const bounds = { operations: 2e-5, firstStep: 1e-5 };
/** And of all weights after 20 steps, the length of the difference in parts of the weights' own. */
const drift = 0.5;

const program = fileURLToPath(new URL("results.ts", import.meta.url));

async function run(isa: string): Promise<Results> {
  const args = [await builtProgram(program), "1", "20"];
  const env = { ...process.env, CONVBOOK_ISA: isa, CONVBOOK_REPRODUCIBLE: "1", CONVBOOK_RELAXED_SIMD: "" };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 1 << 30 });
  return JSON.parse(stdout);
}

function floats(text: string): Float32Array {
  const bytes = Buffer.from(text, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

function expectNear(got: readonly string[], wanted: readonly string[], bound: number, what: string): void {
  expect(got.length).toBe(wanted.length);
  for (const [i, text] of got.entries()) {
    expectClose(floats(text), floats(wanted[i] as string), bound, `${what} ${i}`);
  }
}

describe.runIf(allInstructionSets.includes("avx2"))("in reproducible mode WebAssembly stays near AVX2", () => {
  let wanted: Results;
  let got: Results;

  beforeAll(async () => {
    wanted = await run("avx2");
    got = await run("wasm");
  });

  it("says what it promises", () => {
    expect(wanted).toMatchObject({ isa: "avx2", reproducible: "exact" });
    expect(got).toMatchObject({ isa: expect.stringMatching(/^wasm/), reproducible: "bounded" });
  });

  it.each(Object.keys(operations))("%s", (name) => {
    expectNear(got.results[name] ?? [], wanted.results[name] ?? ["missing"], bounds.operations, name);
  });

  it("ResNet's weights after a step", () => {
    expectNear(got.weights[0] ?? [], wanted.weights[0] ?? ["missing"], bounds.firstStep, "weights");
  });

  it("ResNet's weights after 20 steps, as far as they can be", () => {
    let [difference, length] = [0, 0];
    for (const [i, text] of (got.weights[1] as readonly string[]).entries()) {
      const [ours, theirs] = [floats(text), floats(wanted.weights[1]?.[i] as string)];
      for (const [at, value] of theirs.entries()) {
        difference += (value - (ours[at] as number)) ** 2;
        length += value ** 2;
      }
    }
    expect(Math.sqrt(difference / length)).toBeLessThan(drift);
  });
});
