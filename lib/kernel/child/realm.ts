/**
 * The two realms of this process: the kernel's own, where these modules run, and that of the cells. A method of a value from
 * a cell is the cells' to change; functions here reach such values without one. A cell's error is no `instanceof Error` here,
 * and an error from here none there: what reaches cells is a `UserError`, what they give is asked by node:util's `types`.
 */

import { StringDecoder } from "node:string_decoder";
import vm from "node:vm";

/** Under this name the kernel's realm has the global object of the cells. */
export const userGlobalName = "convbookUserGlobal";

/** The global object of the cells; tests, which have one realm, share theirs. */
export const userGlobal: typeof globalThis & Record<string, unknown> =
  Reflect.get(globalThis, userGlobalName) ?? globalThis;

/** The process object that cells see; `process` is a copy with its methods of the start. */
export const userProcess: NodeJS.Process = userGlobal.process;

/** Errors that reach a cell are its own kind of error. */
export const UserError: ErrorConstructor = userGlobal.Error;

const UserPromise: PromiseConstructor = userGlobal.Promise;
const userParse: typeof JSON.parse = userGlobal.JSON.parse;
const userFunction: object = userGlobal.Function.prototype;
const encoder = new TextEncoder();
const { encode, encodeInto } = encoder;
const decoders = { base64: new StringDecoder("base64"), utf8: new StringDecoder("utf8") };
const { write: decode, end: decodeRest } = decoders.utf8;

/** Code of the cells' realm, as it is before any cell ran: there `await` takes a promise as it is. */
const userAwait: (value: unknown, done: (result: unknown) => void, failed: (error: unknown) => void) => void =
  new vm.Script(
    "(value, done, failed) => { (async () => { try { done(await value); } catch (error) { failed(error); } })(); }",
    { filename: new URL("user-await.js", import.meta.url).href },
  ).runInThisContext();

/** Awaits a value of a cell, whatever became of its `Promise.prototype.then`. */
export async function settled(value: unknown): Promise<unknown> {
  // In a box: a promise that is given an object asks it for `then`.
  const { result } = await new Promise<{ result: unknown }>((resolve, reject) =>
    userAwait(value, (result) => resolve({ result }), reject),
  );
  return result;
}

/** A promise of the cells' realm for one of this. */
export function userPromise<T>(promise: Promise<T>): Promise<T> {
  return new UserPromise<T>((resolve, reject) => {
    promise.then(resolve, reject);
  });
}

/** Has functions that cells see be functions to them: `instanceof Function`. */
export function exposed<T extends object>(value: T): T {
  for (const item of [value, ...Object.values(value)]) {
    if (typeof item === "function" && Object.getPrototypeOf(item) === Function.prototype) {
      Object.setPrototypeOf(item, userFunction);
    }
  }
  return value;
}

/** A value made of JSON as objects and arrays of the cells' realm. */
export function userValue(value: unknown): unknown {
  return typeof value === "object" && value !== null ? userParse(JSON.stringify(value)) : value;
}

/** Gives an object of its own what it inherits, which a cell could otherwise change under it. */
export function keepMethods(thing: object): void {
  for (let owner = Object.getPrototypeOf(thing); owner !== null; owner = Object.getPrototypeOf(owner)) {
    for (const name of Reflect.ownKeys(owner)) {
      if (!Object.hasOwn(thing, name)) {
        Object.defineProperty(thing, name, Object.getOwnPropertyDescriptor(owner, name) ?? {});
      }
    }
  }
}

/** The items of an array of a cell, in an array of this realm. */
export function items<T>(array: ArrayLike<T>): T[] {
  const copy: T[] = [];
  for (let i = 0; i < array.length; i++) {
    copy.push(array[i] as T);
  }
  return copy;
}

/** Bytes of any realm: a view, or a whole buffer. */
export function asBytes(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  const kind = Object.prototype.toString.call(value);
  return kind === "[object ArrayBuffer]" || kind === "[object SharedArrayBuffer]"
    ? new Uint8Array(value as ArrayBuffer)
    : undefined;
}

/** Bytes as text of an encoding. */
export function bytesToText(bytes: Uint8Array, encoding: "base64" | "utf8"): string {
  const decoder = decoders[encoding];
  return Reflect.apply(decode, decoder, [bytes]) + Reflect.apply(decodeRest, decoder, []);
}

/** Text as UTF-8; half of a surrogate pair becomes U+FFFD. */
export function utf8(text: string): Uint8Array {
  return Reflect.apply(encode, encoder, [text]);
}

/** Writes text as UTF-8 where there is room for it; returns how many bytes that were. */
export function utf8Into(text: string, room: Uint8Array): number {
  return Reflect.apply(encodeInto, encoder, [text, room]).written;
}
