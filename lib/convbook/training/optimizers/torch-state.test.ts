/** Dicts with an optimizer's state, saved here and gone on with in PyTorch, and the other way round. */
import "@tensorflow/tfjs-backend-cpu";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askPython, debianPython } from "../../../../test/debian-python.ts";
import { loadCheckpoint, saveCheckpoint, toPlain } from "../../checkpoints/index.ts";
import { Linear } from "../../nn/index.ts";
import type { StateDict } from "../../tensor-data.ts";
import { Adam, AdamW, Lookahead, type Optimizer, RMSprop, SGD } from "./index.ts";

const script = fileURLToPath(new URL("../fixtures/torch_state.py", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "convbook-"));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(() => tf.setBackend("cpu"));

const python = askPython(["going on in PyTorch", "python3-torch"], [script, "write", folder]);
const hasTorch = python !== undefined;
if (hasTorch && python.status !== 0) {
  throw new Error(`torch_state.py failed: ${python.stderr}`);
}

const makers: Readonly<Record<string, (model: Linear) => Optimizer>> = {
  SGD: (model) => new SGD(model.parameters(), { lr: 0.1, momentum: 0.9, weightDecay: 0.01 }),
  "SGD without momentum": (model) => new SGD(model.parameters(), { lr: 0.1 }),
  Adam: (model) => new Adam(model.parameters(), { lr: 0.1, amsgrad: true }),
  AdamW: (model) => new AdamW(model.parameters(), { lr: 0.1, betas: [0.8, 0.9] }),
  RMSprop: (model) => new RMSprop(model.parameters(), { lr: 0.1, momentum: 0.5, centered: true }),
};

/** The gradients of both programs: any numbers will do. */
function stepped(model: Linear, optimizer: Optimizer, count: number): void {
  for (let i = 0; i < count; i++) {
    const gradients = new Map(
      model.parameters().map((parameter) => [parameter.variable, tf.fill(parameter.variable.shape, 0.5)] as const),
    );
    optimizer.step(gradients);
    tf.dispose([...gradients.values()]);
  }
}

const weightsOf = (state: StateDict) =>
  Object.fromEntries([...state].map(([name, { data }]) => [name, Array.from(data as Float32Array)]));
function expectClose(got: Record<string, number[]>, expected: Record<string, number[]>): void {
  expect(Object.keys(got)).toEqual(Object.keys(expected));
  for (const [name, values] of Object.entries(expected)) {
    for (const [i, value] of values.entries()) {
      expect(got[name]?.[i], `${name}[${i}]`).toBeCloseTo(value, 5);
    }
  }
}

/** What people save. */
const dictOf = (model: Linear, optimizer: Optimizer) => ({
  epoch: 3,
  model_state_dict: model.stateDict(),
  optimizer_state_dict: optimizer.stateDict(),
  loss: 0.25,
});

describe.each(Object.entries(makers))("%s", (name, make) => {
  it.each(["pt", "safetensors"])("comes back from a %s file as it was", async (extension) => {
    const model = new Linear(3, 2);
    const optimizer = make(model);
    stepped(model, optimizer, 3);
    const path = join(folder, `${name}.own.${extension}`);
    await saveCheckpoint(path, dictOf(model, optimizer));
    const { data } = await loadCheckpoint(path);
    for (const saved of [data.optimizer_state_dict, toPlain(data.optimizer_state_dict)]) {
      const other = make(model);
      other.loadStateDict(saved as object);
      expect(other.stateDict()).toEqual(optimizer.stateDict());
      other.dispose();
    }
    optimizer.dispose();
    model.dispose();
  });

  it.runIf(hasTorch)("goes on in PyTorch", async () => {
    const model = new Linear(3, 2);
    const optimizer = make(model);
    stepped(model, optimizer, 3);
    const path = join(folder, `${name}.ours.pt`);
    await saveCheckpoint(path, dictOf(model, optimizer));
    const result = spawnSync(debianPython(), [script, "continue", path, name], { encoding: "utf8" });
    expect(result.stderr).toBe("");
    stepped(model, optimizer, 2);
    expectClose(weightsOf(model.stateDict()), JSON.parse(result.stdout));
    optimizer.dispose();
    model.dispose();
  });

  it.runIf(hasTorch)("goes on from PyTorch's file", async () => {
    const model = new Linear(3, 2);
    const optimizer = make(model);
    const { data } = await loadCheckpoint(join(folder, `${name}.torch.pt`));
    model.loadStateDict(data.model_state_dict as StateDict);
    optimizer.loadStateDict(data.optimizer_state_dict as object);
    stepped(model, optimizer, 2);
    expectClose(weightsOf(model.stateDict()), toPlain(data.afterwards) as never);
    optimizer.dispose();
    model.dispose();
  });
});

it("a Lookahead's file serves the optimizer that it wraps, in PyTorch too", async () => {
  const model = new Linear(3, 2);
  const optimizer = new Lookahead(new SGD(model.parameters(), { lr: 0.1, momentum: 0.9, weightDecay: 0.01 }), { k: 5 });
  stepped(model, optimizer, 2);
  const path = join(folder, "lookahead.pt");
  await saveCheckpoint(path, dictOf(model, optimizer));
  const { data } = await loadCheckpoint(path);
  const other = new Lookahead(new SGD(model.parameters(), { lr: 1 }), { k: 5 });
  other.loadStateDict(data.optimizer_state_dict as object);
  expect(other.stateDict()).toEqual(optimizer.stateDict());
  if (hasTorch) {
    const result = spawnSync(debianPython(), [script, "continue", path, "SGD"], { encoding: "utf8" });
    expect(result.stderr).toBe("");
    stepped(model, optimizer, 2);
    expectClose(weightsOf(model.stateDict()), JSON.parse(result.stdout));
  }
});

describe("a state that does not fit", () => {
  const model = () => new Linear(3, 2);
  const group = (more: object) => ({ state: {}, param_groups: [{ lr: 0.1, params: [0, 1], ...more }] });

  it.each([
    [{}, /The state for Adam .*state and param_groups/],
    [{ model: 1 }, /the keys model/],
    [group({ maximize: true }), /Adam\.maximize .*only minimizes/],
    [group({ decoupled_weight_decay: true }), /Adam\.decoupledWeightDecay .*AdamW decouples it/],
    [group({ lr: -1 }), /Adam\.lr/],
    [group({ params: undefined }), /a group without params/],
  ])("%j is refused and nothing is changed", (state, message) => {
    const optimizer = new Adam(model().parameters(), { lr: 0.5 });
    expect(() => optimizer.loadStateDict(state)).toThrow(message);
    expect(optimizer.paramGroups[0]?.lr).toBe(0.5);
  });

  it("but how PyTorch computes it is nothing to refuse", () => {
    const optimizer = new Adam(model().parameters(), { lr: 0.5 });
    const lr = { dtype: "float32", shape: [], data: Float32Array.of(0.25) };
    optimizer.loadStateDict(group({ lr, maximize: false, foreach: null, fused: true, capturable: false }));
    expect(optimizer.paramGroups[0]).toMatchObject({ lr: 0.25, betas: [0.9, 0.999] });
    expect(Object.keys(optimizer.paramGroups[0] ?? {})).not.toContain("fused");
  });
});
