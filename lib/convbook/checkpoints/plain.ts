import type { TensorData } from "../tensor-data.ts";
import { PythonName } from "./pickle/values.ts";

/** Data of a checkpoint in JavaScript's own shapes. Objects have no prototype. */
export type PlainValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | TensorData
  | readonly PlainValue[]
  | PlainObject;

/** An object without a prototype, so that any key is only a key. */
export interface PlainObject {
  readonly [key: string]: PlainValue;
}

/**
 * Turns the Maps and Sets of a loaded checkpoint into objects and arrays: keys become strings, names of Python's become
 * text. Convenient for hyper-parameters; state dicts stay better as they are.
 */
export function toPlain(value: unknown): PlainValue {
  if (value instanceof Map) {
    const object: Record<string, PlainValue> = Object.create(null);
    for (const [key, entry] of value) {
      object[keyText(key)] = toPlain(entry);
    }
    return object;
  }
  if (value instanceof Set || Array.isArray(value)) {
    return Array.from(value, toPlain);
  }
  if (value instanceof PythonName) {
    return value.toString();
  }
  return value as PlainValue;
}

/** Keys as Python prints them where JavaScript would print nothing of use. */
function keyText(key: unknown): string {
  if (Array.isArray(key)) {
    return `(${key.map(keyText).join(", ")})`;
  }
  return key instanceof Set ? `{${Array.from(key, keyText).join(", ")}}` : String(key);
}
