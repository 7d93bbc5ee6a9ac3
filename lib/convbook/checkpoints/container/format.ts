/**
 * The checkpoint that we save in: one safetensors file, which holds any nested data.
 *
 * All tensors and bytes are the file's tensors; the rest is JSON in its metadata under `convbook.checkpoint`, with a marker
 * where a tensor belongs. The weights (the Map under `weightsKey`) keep their own names, so that any reader of safetensors
 * finds them; other tensors are named by their path after an `@`: `@optimizers/0/state/3/momentum_buffer`. One file, because
 * one file can be replaced atomically.
 *
 * Markers are objects with one key: `$tensor` and `$bytes` (a tensor's name), `$tensors` (a Map of tensors: a prefix, and the
 * names after it in order), `$map` (a list of pairs), `$bigint`, `$number` (what JSON cannot write). A key of the data that
 * begins with `$` has another `$` before it.
 */
import type { StateDict, TensorData } from "../../tensor-data.ts";
import { quote } from "../byte-reader.ts";
import { CheckpointError } from "../error.ts";
import { isTensorData } from "../pickle/pickle.ts";
import type { PlainValue } from "../plain.ts";
import type { Safetensors } from "../safetensors/read.ts";

/** The metadata's key of the JSON. */
export const documentKey = "convbook.checkpoint";

const version = 1;

/** Deeper data is taken for a mistake (or a cycle). */
const maxDepth = 128;

/** Data as it comes back: objects have no prototype, Maps stay Maps. */
export type CheckpointValue =
  | PlainValue
  | readonly CheckpointValue[]
  | ReadonlyMap<string | number, CheckpointValue>
  | { readonly [key: string]: CheckpointValue };

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

function isStateDict(value: ReadonlyMap<unknown, unknown>): value is StateDict {
  for (const [key, tensor] of value) {
    if (typeof key !== "string" || typeof tensor !== "object" || tensor === null || !isTensorData(tensor)) {
      return false;
    }
  }
  return value.size > 0;
}

/**
 * Splits data into tensors and JSON.
 *
 * @param weightsKey the top-level key whose tensors keep their names
 * @throws TypeError naming the place of a value that cannot be written
 */
export function splitDocument(
  root: Readonly<Record<string, unknown>>,
  weightsKey: string,
): { readonly tensors: StateDict; readonly json: string } {
  const tensors: StateDict = new Map();
  const named = new Map<object, string>();
  const fail = (path: readonly string[], message: string): never => {
    throw new TypeError(`Cannot write ${path.join(".") || "the checkpoint"}: ${message}.`);
  };
  const add = (name: string, tensor: TensorData, path: readonly string[]): string => {
    if (tensors.has(name)) {
      fail(path, `another tensor is called ${quote(name)} as well`);
    }
    tensors.set(name, tensor);
    return name;
  };
  const tensorName = (path: readonly string[]) => `@${path.join("/")}`;
  const keyOf = (key: string) => (key.startsWith("$") ? `$${key}` : key);

  const write = (value: unknown, path: string[]): Json => {
    if (path.length > maxDepth) {
      fail(path.slice(0, 8), `it is nested more than ${maxDepth} deep, or contains itself`);
    }
    if (value === null || typeof value === "boolean" || typeof value === "string") {
      return value;
    }
    if (typeof value === "number") {
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: Object.is(value, -0) ? "-0" : String(value) };
    }
    if (typeof value === "bigint") {
      return { $bigint: String(value) };
    }
    if (typeof value !== "object") {
      return fail(path, `a ${typeof value} is not data`);
    }
    if (Array.isArray(value)) {
      return value.map((item, i) => write(item, [...path, String(i)]));
    }
    if (value instanceof Uint8Array) {
      return { $bytes: add(tensorName(path), { dtype: "uint8", shape: [value.length], data: value }, path) };
    }
    if (value instanceof Map) {
      if (isStateDict(value)) {
        const prefix = path.length === 1 && path[0] === weightsKey ? "" : `${tensorName(path)}/`;
        for (const [name, tensor] of value) {
          add(prefix + name, tensor, [...path, name]);
        }
        return { $tensors: [prefix, ...value.keys()] };
      }
      return {
        $map: Array.from(value, ([key, entry]): Json => {
          if (typeof key !== "string" && typeof key !== "number") {
            fail(path, "a key of a Map is neither text nor a number");
          }
          return [key, write(entry, [...path, String(key)])];
        }),
      };
    }
    if (isTensorData(value)) {
      const before = named.get(value);
      if (before !== undefined) {
        return { $tensor: before };
      }
      const name = add(tensorName(path), value, path);
      named.set(value, name);
      return { $tensor: name };
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== null && prototype !== Object.prototype) {
      return fail(path, `an instance of ${value.constructor.name} is not plain data`);
    }
    const object: { [key: string]: Json } = Object.create(null);
    for (const [key, entry] of Object.entries(value)) {
      if (entry !== undefined) {
        object[keyOf(key)] = write(entry, [...path, key]);
      }
    }
    return object;
  };
  return { tensors, json: JSON.stringify({ version, data: write(root, []) }) };
}

/**
 * Puts tensors and JSON together again.
 *
 * @throws CheckpointError when the JSON is none of ours, or names tensors that are not there
 */
export function joinDocument({ tensors, metadata }: Safetensors, file: string): { [key: string]: CheckpointValue } {
  const fail = (message: string, reason: "malformed" | "unsupported" | "limit" = "malformed"): never => {
    throw new CheckpointError(file, null, reason, message);
  };
  let document: unknown;
  try {
    document = JSON.parse(metadata.get(documentKey) ?? "");
  } catch {
    fail(`the metadata's ${quote(documentKey)} is not JSON`);
  }
  const { version: found, data } = (document ?? {}) as { version?: unknown; data?: Json };
  if (found !== version) {
    fail(`checkpoints of version ${quote(String(found))} are not read here, only ${version}`, "unsupported");
  }
  if (typeof data !== "object" || data === null || Array.isArray(data)) {
    return fail("the checkpoint is not an object");
  }

  const tensor = (name: unknown): TensorData =>
    (typeof name === "string" ? tensors.get(name) : undefined) ??
    fail(`tensor ${quote(String(name))} is not in the file`);
  const marker = (key: string, content: Json, depth: number): CheckpointValue => {
    switch (key) {
      case "$tensor":
        return tensor(content);
      case "$bytes": {
        const { dtype, data: bytes } = tensor(content);
        return dtype === "uint8"
          ? (bytes as Uint8Array)
          : fail(`tensor ${quote(String(content))} is not made of bytes`);
      }
      case "$tensors": {
        const [prefix, ...names] = Array.isArray(content) ? content : [];
        const map: StateDict = new Map();
        for (const name of names) {
          map.set(String(name), tensor(`${prefix}${name}`));
        }
        return map;
      }
      case "$map": {
        const map = new Map<string | number, CheckpointValue>();
        for (const pair of Array.isArray(content) ? content : []) {
          const [name, value] = Array.isArray(pair) ? pair : [];
          if ((typeof name !== "string" && typeof name !== "number") || value === undefined) {
            return fail("an entry of a Map is not a pair");
          }
          map.set(name, read(value, depth + 1));
        }
        return map;
      }
      case "$bigint":
        if (typeof content !== "string" || !/^-?\d{1,1000}$/.test(content)) {
          return fail("an integer is not written as one");
        }
        return BigInt(content);
      case "$number":
        if (content !== "NaN" && content !== "Infinity" && content !== "-Infinity" && content !== "-0") {
          return fail("a number is not written as one");
        }
        return Number(content);
      default:
        return fail(`the marker ${quote(key)} is not known`);
    }
  };
  const object = (value: { [key: string]: Json }, depth: number): { [key: string]: CheckpointValue } => {
    const result: { [key: string]: CheckpointValue } = Object.create(null);
    for (const [key, entry] of Object.entries(value)) {
      result[key.startsWith("$$") ? key.slice(1) : key] = read(entry, depth + 1);
    }
    return result;
  };
  const read = (value: Json, depth: number): CheckpointValue => {
    if (depth > maxDepth) {
      fail(`it is nested more than ${maxDepth} deep`, "limit");
    }
    if (typeof value !== "object" || value === null) {
      return value;
    }
    if (Array.isArray(value)) {
      return value.map((item) => read(item, depth + 1));
    }
    const keys = Object.keys(value);
    const [first] = keys;
    if (keys.length === 1 && first?.startsWith("$") && !first.startsWith("$$")) {
      return marker(first, value[first] ?? null, depth);
    }
    return object(value, depth);
  };
  return object(data, 0);
}
