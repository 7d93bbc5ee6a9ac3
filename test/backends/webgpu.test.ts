/**
 * The real WebGPU: the four networks, gradients, and steps of each optimizer against another backend. It needs a Vulkan driver: this machine's, with the
 * packages `webgpu` and `@tensorflow/tfjs-backend-webgpu`, or the one of a Debian 13 in a folder.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { engineBackend } from "../../lib/convbook/backend/testing/engine-backend.ts";
import { expectAlike } from "../compile/alike.ts";

interface Outcome {
  readonly backend: string;
  readonly description: string;
  readonly logits: Readonly<Record<string, number[]>>;
  readonly gradients: number[];
  readonly steps: Readonly<Record<string, { readonly losses: number[]; readonly left: number }>>;
  readonly graphs: readonly Readonly<Record<string, number[]>>[];
  readonly trained: { readonly status: string; readonly weights: number[] };
}

const script = fileURLToPath(new URL("../trixie.sh", import.meta.url));
const program = fileURLToPath(new URL("program.ts", import.meta.url));
const tsx = createRequire(import.meta.url).resolve("tsx/esm");
const node = ["--conditions=source", "--import", pathToFileURL(tsx).href, program];
const root = process.env.CONVBOOK_TRIXIE ?? "";
const inFolder = root !== "" && existsSync(join(root, ".made"));

function has(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}

const there = inFolder || has("webgpu");
if (!there) {
  console.log(
    "Left out: WebGPU itself. As root: apt-get install debootstrap; test/trixie.sh make FOLDER; then CONVBOOK_TRIXIE=FOLDER npm test",
  );
}

/** Runs the program on a backend, in the folder or here. */
function run(backend: string, folder: string): Outcome {
  const output = join(tmpdir(), `convbook-webgpu-${process.pid}-${backend}.json`);
  const env = { ...process.env, CONVBOOK_BACKEND: backend, CONVBOOK_OUTPUT: output };
  const inside = ["run", folder, "sh", "-c", 'cd /packages && exec node "$@"', "sh", ...node];
  const [command, args] = folder === "" ? [process.execPath, node] : [script, inside];
  const { status, stderr } = spawnSync(command, args, { env, encoding: "utf8" });
  if (status !== 0) {
    throw new Error(stderr);
  }
  const outcome = JSON.parse(readFileSync(output, "utf8")) as Outcome;
  rmSync(output);
  return outcome;
}

/** The largest difference as a share of the largest value. */
function distance(got: readonly number[], wanted: readonly number[]): number {
  expect(got.length).toBe(wanted.length);
  const largest = Math.max(...wanted.map(Math.abs));
  return Math.max(...got.map((value, i) => Math.abs(value - (wanted[i] as number)))) / largest;
}

function floats(numbers: Readonly<Record<string, number[]>> = {}): Readonly<Record<string, Float32Array>> {
  return Object.fromEntries(Object.entries(numbers).map(([name, list]) => [name, Float32Array.from(list)]));
}

describe.runIf(there)("WebGPU", () => {
  let got: Outcome;
  let wanted: Outcome;
  beforeAll(() => {
    wanted = run(engineBackend ?? "cpu", "");
    got = run("webgpu", inFolder ? root : "");
  });

  it("is the backend, and names its adapter", () => {
    expect(got.backend).toBe("webgpu");
    expect(got.description).toMatch(/^WebGPU \(Dawn, .+\)$/);
  });

  it("gives the logits of the four networks", () => {
    for (const [name, logits] of Object.entries(wanted.logits)) {
      expect(distance(got.logits[name] as number[], logits), name).toBeLessThan(1e-5);
    }
  });

  it("gives the loss and all gradients of a ResNet", () => {
    expect(distance(got.gradients, wanted.gradients)).toBeLessThan(1e-5);
  });

  it("takes the steps of each optimizer, and keeps no tensor of them", () => {
    expect(Object.keys(got.steps)).toEqual(Object.keys(wanted.steps));
    for (const [name, { losses, left }] of Object.entries(got.steps)) {
      expect(distance(losses, wanted.steps[name]?.losses as number[]), name).toBeLessThan(1e-5);
      expect(left, name).toBe(0);
    }
  });

  it("works out graphs of networks that are drawn at random, with their gradients", () => {
    expect(got.graphs.length).toBe(25);
    for (const [seed, numbers] of wanted.graphs.entries()) {
      expectAlike(floats(got.graphs[seed]), floats(numbers), `network ${seed}`);
    }
  });

  it("says that the Trainer cannot run on it, and on what it can", () => {
    expect(wanted.trained.status).toBe("completed");
    expect(got.trained.status).toContain(
      "WebGPU in Node cannot give a tensor's values at once (dataSync, arraySync): await tensor.data(). " +
        "What needs them at once, the Trainer and saving among it, runs on CONVBOOK_BACKEND=native or cpu.",
    );
  });
});
