/** An optimizer's state as PyTorch's `optimizer.state_dict()` has it, and from there. */
import type { TensorData } from "../../tensor-data.ts";
import { ConfigurationError } from "../errors.ts";
import { keysToCamel, keysToSnake } from "../lightning/names.ts";
import type { OptimizerState } from "./optimizer.ts";

/** The state as a PyTorch optimizer of the same name takes it. */
export function stateToTorch({ state, paramGroups }: OptimizerState): Record<string, unknown> {
  return {
    state: new Map(
      [...state].map(([index, entry]) => [
        index,
        new Map(Object.entries(entry).map(([key, value]) => [key, torchStep(key, value)])),
      ]),
    ),
    param_groups: paramGroups.map((group) => keysToSnake(group)),
  };
}

/** Adam's step is a tensor in PyTorch's state. */
function torchStep(key: string, value: TensorData | number): TensorData | number {
  if (key !== "step" || typeof value !== "number") {
    return value;
  }
  return { dtype: "float32", shape: [], data: Float32Array.of(value) };
}

/** The entries of a dict, however it was loaded: as a Map or as an object. */
function entriesOf(value: unknown): [unknown, unknown][] | undefined {
  if (value instanceof Map) {
    return [...value];
  }
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined;
}

/** How PyTorch computes, which changes no result. */
const ways = new Set(["foreach", "fused", "capturable", "differentiable"]);

/** Numbers may be tensors without dimensions. */
function plainOption(value: unknown): unknown {
  const { shape, data } = (value ?? {}) as Partial<TensorData>;
  return Array.isArray(shape) && shape.length === 0 && data !== undefined ? Number(data[0]) : value;
}

function groupOf(owner: string, saved: unknown): OptimizerState["paramGroups"][number] {
  const entries = (entriesOf(saved) ?? []).filter(([key, value]) => !ways.has(String(key)) && value !== null);
  const { maximize, decoupledWeightDecay, ...group } = keysToCamel(
    entries.map(([key, value]) => [String(key), plainOption(value)] as const),
  );
  if (maximize === true) {
    throw new ConfigurationError(`${owner}.maximize`, true, "false: it only minimizes");
  }
  if (decoupledWeightDecay === true && owner === "Adam") {
    throw new ConfigurationError("Adam.decoupledWeightDecay", true, "false: AdamW decouples it");
  }
  if (!Array.isArray(group.params)) {
    throw new ConfigurationError(`The state for ${owner}`, "a group without params", "groups with params");
  }
  return group as OptimizerState["paramGroups"][number];
}

/**
 * A state as {@link OptimizerState}, from what a checkpoint gave back: our own, or PyTorch's dict.
 *
 * @param owner the optimizer's name, for messages
 * @throws ConfigurationError when it is no optimizer's state, or asks for what ours do not do
 */
export function optimizerStateOf(owner: string, saved: unknown): OptimizerState {
  const top = new Map(entriesOf(saved) ?? []);
  const groups = top.get("param_groups") ?? top.get("paramGroups");
  const states = entriesOf(top.get("state"));
  if (!Array.isArray(groups) || states === undefined) {
    const found = top.size === 0 ? "nothing of it" : `the keys ${[...top.keys()].slice(0, 10).join(", ")}`;
    throw new ConfigurationError(
      `The state for ${owner}`,
      found,
      "made of state and param_groups, as stateDict() gives it",
    );
  }
  const state = new Map(
    states.map(([index, entry]) => {
      // PyTorch writes None where SGD has no momentum buffer.
      const values = (entriesOf(entry) ?? []).filter(([, value]) => value !== null && value !== undefined);
      return [Number(index), Object.fromEntries(values) as Record<string, TensorData | number>];
    }),
  );
  return { state, paramGroups: groups.map((group) => groupOf(owner, group)) };
}
