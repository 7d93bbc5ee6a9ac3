/**
 * Node-API for the module in WebAssembly, as far as the engine's bindings use it: so the functions that JavaScript sees are those of
 * native/bindings, compiled twice. JavaScript's values are numbers there, places in a list that is cut back when the call ends.
 * Arrays that lie in the module's memory are used where they are; others are copied there for the call, and back.
 */
import { mostPages, pageBytes, type WasmFunction, type WasmMemory } from "./webassembly.ts";

/** What Node-API answers with. */
const status = { ok: 0, objectExpected: 2, stringExpected: 3, numberExpected: 6, booleanExpected: 7 };

/** Its numbers for kinds of values, and of typed arrays in their order. */
const kinds: Readonly<Record<string, number>> = { boolean: 2, number: 3, string: 4, symbol: 5, function: 7, bigint: 9 };
const undefinedKind = 0;
const nullKind = 1;
const objectKind = 6;
const arrayTypes = "Int8 Uint8 Uint8Clamped Int16 Uint16 Int32 Uint32 Float32 Float64 BigInt64 BigUint64";
const arrayNumbers = new Map(arrayTypes.split(" ").map((name, index) => [`${name}Array`, index]));

type TypedArray = Uint8Array | Int32Array | Float32Array;

/** An array that has been copied into the module's memory. */
interface Copy {
  readonly array: TypedArray;
  readonly address: number;
}

/** What the API needs of the module, which cannot be there before it. */
export interface ModuleFunctions {
  readonly alloc: WasmFunction;
  readonly free: WasmFunction;
  /** The module's functions by number. */
  readonly table: { get(index: number): WasmFunction };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** In place of its length: a text that ends with 0. */
const autoLength = 0xffffffff;

export class NodeApi {
  readonly #memory: WasmMemory;
  #module: ModuleFunctions | undefined;
  #view: DataView;
  /** Buffers of the memory at its sizes so far, as far as arrays are views of them. */
  readonly #own = new WeakSet<ArrayBufferLike>();
  readonly #values: unknown[] = [undefined, undefined];
  #arguments: readonly unknown[] = [];
  #data = 0;
  #thrown: Error | undefined;
  #copies: Copy[] = [];
  #references = 0;

  constructor(memory: WasmMemory) {
    this.#memory = memory;
    this.#view = this.#newView();
  }

  /** Says which module calls and is called; before the first call. */
  attach(module: ModuleFunctions): void {
    this.#module = module;
  }

  /** The memory's buffer as it is now, of which there may be views from now on. */
  currentBuffer(): ArrayBufferLike {
    const { buffer } = this.#memory;
    this.#own.add(buffer);
    return buffer;
  }

  /** Runs what the module registers its functions with. */
  register(initialize: WasmFunction): Record<string, (...args: unknown[]) => unknown> {
    const exported = {};
    initialize(1, this.#handle(exported));
    this.#values.length = 2;
    return exported;
  }

  /** The functions that the module imports, by name. */
  readonly imports: Readonly<Record<string, WasmFunction>> = {
    napi_set_instance_data: () => status.ok,
    napi_create_function: (_env, name, length, callback, data, result) =>
      this.#give(result, this.#functionOf(this.#text(name, length), callback, data)),
    napi_set_named_property: (_env, object, name, value) => {
      Reflect.set(this.#values[object] as object, this.#text(name, autoLength), this.#values[value]);
      return status.ok;
    },
    napi_get_cb_info: (_env, _info, count, values, _self, data) => {
      const view = this.#view;
      const room = view.getUint32(count >>> 0, true);
      for (let i = 0; i < room; i++) {
        const value = this.#arguments[i];
        view.setUint32((values >>> 0) + 4 * i, value === undefined ? 1 : this.#handle(value), true);
      }
      view.setUint32(count >>> 0, this.#arguments.length, true);
      view.setUint32(data >>> 0, this.#data, true);
      return status.ok;
    },
    napi_typeof: (_env, value, result) => {
      this.#write(result, kindOf(this.#values[value]));
      return status.ok;
    },
    napi_get_value_string_utf8: (_env, value, to, room, length) => {
      const text = this.#values[value];
      if (typeof text !== "string") {
        return status.stringExpected;
      }
      let bytes = encoder.encode(text);
      if (to !== 0) {
        bytes = bytes.subarray(0, room - 1);
        const target = new Uint8Array(this.#memory.buffer, to >>> 0, bytes.length + 1);
        target.set(bytes);
        target[bytes.length] = 0;
      }
      this.#write(length, bytes.length);
      return status.ok;
    },
    napi_create_string_utf8: (_env, text, length, result) => this.#give(result, this.#text(text, length)),
    napi_create_int32: (_env, value, result) => this.#give(result, value),
    napi_create_double: (_env, value, result) => this.#give(result, value),
    napi_get_boolean: (_env, value, result) => this.#give(result, value !== 0),
    napi_create_array: (_env, result) => this.#give(result, []),
    napi_create_array_with_length: (_env, length, result) => this.#give(result, new Array(length)),
    napi_set_element: (_env, array, index, value) => {
      this.#list(array)[index] = this.#values[value];
      return status.ok;
    },
    napi_get_element: (_env, array, index, result) => this.#give(result, this.#list(array)[index]),
    napi_is_array: (_env, value, result) => {
      this.#view.setUint8(result >>> 0, Array.isArray(this.#values[value]) ? 1 : 0);
      return status.ok;
    },
    napi_get_array_length: (_env, array, result) => {
      this.#write(result, this.#list(array).length);
      return status.ok;
    },
    napi_get_value_double: (_env, value, result) => {
      const number = this.#values[value];
      if (typeof number !== "number") {
        return status.numberExpected;
      }
      this.#view.setFloat64(result >>> 0, number, true);
      return status.ok;
    },
    napi_coerce_to_bool: (_env, value, result) => this.#give(result, Boolean(this.#values[value])),
    napi_get_value_bool: (_env, value, result) => {
      const flag = this.#values[value];
      if (typeof flag !== "boolean") {
        return status.booleanExpected;
      }
      this.#view.setUint8(result >>> 0, flag ? 1 : 0);
      return status.ok;
    },
    napi_get_typedarray_info: (_env, value, type, length, data) => {
      const array = this.#values[value];
      const number = ArrayBuffer.isView(array)
        ? arrayNumbers.get(Object.prototype.toString.call(array).slice(8, -1))
        : undefined;
      if (number === undefined) {
        return status.objectExpected;
      }
      this.#write(type, number);
      this.#write(length, (array as TypedArray).length);
      this.#write(data, this.#addressOf(array as TypedArray));
      return status.ok;
    },
    napi_throw_type_error: (_env, code, message) => this.#throw(TypeError, code, message),
    napi_throw_error: (_env, code, message) => this.#throw(Error, code, message),
    napi_open_handle_scope: (_env, result) => {
      this.#write(result, this.#values.length);
      return status.ok;
    },
    napi_close_handle_scope: (_env, scope) => {
      this.#values.length = scope;
      return status.ok;
    },
    // What the module keeps beyond its call are arrays, which lie in its memory or are copied there until it lets them go.
    napi_create_reference: (_env, value, _count, result) => {
      this.#references++;
      this.#write(result, value);
      return status.ok;
    },
    napi_delete_reference: () => {
      this.#references--;
      return status.ok;
    },
  };

  #newView(): DataView {
    return new DataView(this.currentBuffer());
  }

  #handle(value: unknown): number {
    return this.#values.push(value) - 1;
  }

  #list(handle: number): unknown[] {
    return this.#values[handle] as unknown[];
  }

  #give(result: number, value: unknown): number {
    this.#write(result, this.#handle(value));
    return status.ok;
  }

  #write(address: number, value: number): void {
    if (address === 0) {
      return;
    }
    const at = address >>> 0;
    if (at + 8 > this.#view.byteLength) {
      this.#view = this.#newView();
    }
    this.#view.setUint32(at, value, true);
  }

  #text(address: number, length: number): string {
    const bytes = new Uint8Array(this.#memory.buffer);
    const start = address >>> 0;
    const end = length >>> 0 === autoLength ? bytes.indexOf(0, start) : start + length;
    // A decoder takes no view of shared memory.
    return decoder.decode(bytes.slice(start, end));
  }

  #functionOf(name: string, callback: number, data: number): (...args: unknown[]) => unknown {
    const call = (...args: unknown[]): unknown => this.#call(callback, data, args);
    return Object.defineProperty(call, "name", { value: name });
  }

  #call(callback: number, data: number, args: readonly unknown[]): unknown {
    const { table } = this.#attached();
    if (this.#view.buffer !== this.#memory.buffer) {
      this.#view = this.#newView();
    }
    this.#arguments = args;
    this.#data = data;
    const before = this.#values.length;
    try {
      const result = this.#values[table.get(callback)(1, 0)];
      if (this.#thrown !== undefined) {
        throw this.#thrown;
      }
      return result;
    } finally {
      this.#thrown = undefined;
      this.#values.length = before;
      this.#arguments = [];
      if (this.#copies.length > 0) {
        this.#copyBack();
      }
    }
  }

  #attached(): ModuleFunctions {
    if (this.#module === undefined) {
      throw new Error("The engine's module is called before it is there");
    }
    return this.#module;
  }

  #throw(kind: typeof Error, code: number, message: number): number {
    this.#thrown = new kind(this.#text(message, autoLength));
    if (code !== 0) {
      Object.assign(this.#thrown, { code: this.#text(code, autoLength) });
    }
    return status.ok;
  }

  #addressOf(array: TypedArray): number {
    if (this.#own.has(array.buffer)) {
      return array.byteOffset;
    }
    const known = this.#copies.find((copy) => copy.array === array);
    if (known !== undefined) {
      return known.address;
    }
    const address = array.byteLength < mostPages * pageBytes ? this.#attached().alloc(array.byteLength) >>> 0 : 0;
    if (address === 0) {
      throw new Error("The native engine is out of memory");
    }
    new Uint8Array(this.#memory.buffer, address, array.byteLength).set(bytesOf(array));
    this.#copies.push({ array, address });
    return address;
  }

  #copyBack(): void {
    for (const { array, address } of this.#copies) {
      bytesOf(array).set(new Uint8Array(this.#memory.buffer, address, array.byteLength));
    }
    if (this.#references === 0) {
      for (const { address } of this.#copies) {
        this.#attached().free(address);
      }
      this.#copies = [];
    }
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function kindOf(value: unknown): number {
  if (value === undefined) {
    return undefinedKind;
  }
  return value === null ? nullKind : (kinds[typeof value] ?? objectKind);
}
