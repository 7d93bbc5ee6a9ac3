/** Which part of a checkpoint is the weights, and what stands before their names. */
import type { StateDict, TensorData } from "../tensor-data.ts";
import { quote } from "./byte-reader.ts";
import { CheckpointError } from "./error.ts";

/** Where people put a state dict, the usual names first. A moving average of the weights comes before all, as in timm's `load_checkpoint`. */
const weightsKeys = [
  ...["state_dict_ema", "model_ema"],
  ...["state_dict", "stateDict", "model_state_dict", "modelStateDict", "model_state", "model", "net", "network"],
  ...["weights", "module", "params", "net_state_dict"],
];

/** What wrappers put in the middle of a name: torch.compile, FullyShardedDataParallel, checkpoint_wrapper. */
const wrapperSegments = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];

/** What wrappers and training modules put before all names. */
const outerSegments = ["module", "model", "net", "network", ...wrapperSegments];

/** Named in a message; a file may have thousands. */
const maxNamed = 20;

export function isTensor(value: unknown): value is TensorData {
  return typeof value === "object" && value !== null && "dtype" in value && "shape" in value && "data" in value;
}

function isStateDict(value: unknown): value is StateDict {
  return value instanceof Map && value.size > 0 && [...value.values()].every(isTensor);
}

function describe(value: unknown): string {
  if (isTensor(value)) {
    return `a tensor [${value.shape.join(", ")}]`;
  }
  if (isStateDict(value)) {
    return `a dict of ${value.size} tensors`;
  }
  if (value instanceof Map) {
    return `a dict of ${value.size}`;
  }
  if (Array.isArray(value)) {
    return `a list of ${value.length}`;
  }
  return value === null ? "nothing" : value instanceof Uint8Array ? "bytes" : typeof value;
}

/**
 * The state dict of a checkpoint: under the key that is given, under one of the names that people use, or the whole file.
 *
 * @param data the checkpoint's top level
 * @throws CheckpointError that lists the keys which the file has
 */
export function findWeights(data: Readonly<Record<string, unknown>>, file: string, key?: string): unknown {
  const entries = Object.entries(data);
  const fail = (what: string): never => {
    const named = entries.slice(0, maxNamed).map(([name, value]) => `${quote(name)} (${describe(value)})`);
    const more = entries.length > maxNamed ? ` and ${entries.length - maxNamed} more` : "";
    const found = entries.length === 0 ? "it is empty" : `it has ${named.join(", ")}${more}`;
    throw new CheckpointError(file, null, "incomplete", `${what}; ${found}`);
  };
  if (key !== undefined) {
    return Object.hasOwn(data, key) ? data[key] : fail(`the checkpoint has no key ${quote(key)}`);
  }
  const candidates = weightsKeys.filter((name) => data[name] instanceof Map);
  const [best = candidates[0]] = candidates.filter((name) => isStateDict(data[name]));
  if (best !== undefined) {
    return data[best];
  }
  if (entries.some(([, value]) => isTensor(value))) {
    return new Map(entries);
  }
  return fail("the checkpoint has no state dict where one is looked for; give the option weightsKey");
}

/**
 * Names without what wrappers put into them (`_orig_mod`), unless the model itself has such a part.
 *
 * @param expected the names that the model has
 */
export function withoutWrappers(weights: StateDict, expected: readonly string[]): StateDict {
  const own = new Set(expected.flatMap((name) => name.split(".")));
  const dropped = wrapperSegments.filter((segment) => !own.has(segment));
  const bare = (name: string) =>
    name
      .split(".")
      .filter((segment) => !dropped.includes(segment))
      .join(".");
  const result: StateDict = new Map(Array.from(weights, ([name, tensor]) => [bare(name), tensor] as const));
  // Two names that become one are no wrapper's doing.
  return result.size === weights.size ? result : weights;
}

/**
 * What stands before the model's names in a state dict, such as `module.` or `model.`: of everything that stands before one
 * of them, what makes most of them fit. Names that the model itself begins with are so left alone.
 *
 * @param names those of the state dict
 * @param expected those of the model
 */
export function prefixOf(names: readonly string[], expected: readonly string[]): string {
  const there = new Set(names);
  const fitting = (prefix: string) => expected.reduce((sum, name) => sum + (there.has(prefix + name) ? 1 : 0), 0);
  // One name of the model is enough to find candidates; a few more serve files that lack it.
  const candidates = new Set([""]);
  for (const own of [expected[0], expected[Math.floor(expected.length / 2)], expected.at(-1)]) {
    for (const name of names) {
      if (own !== undefined && name.endsWith(`.${own}`)) {
        candidates.add(name.slice(0, -own.length));
      }
    }
  }
  let best = "";
  for (const candidate of [...candidates].sort((a, b) => a.length - b.length).slice(0, 64)) {
    if (fitting(candidate) > fitting(best)) {
      best = candidate;
    }
  }
  return fitting(best) > 0 ? best : outerPrefix(names);
}

/** The wrappers' names that all entries begin with, for a state dict that fits nowhere: so the error compares what it can. */
function outerPrefix(names: readonly string[]): string {
  let prefix = "";
  for (;;) {
    const next = outerSegments.find((segment) => names.every((name) => name.startsWith(`${prefix}${segment}.`)));
    if (next === undefined || names.length === 0) {
      return prefix;
    }
    prefix += `${next}.`;
  }
}
