/**
 * What can be shown: MIME bundles, and the protocol by which an object says what its bundle is.
 * The protocol is Deno's, so that objects written for Deno's kernel show here and the other way round.
 */

/** A value that survives a Jupyter message. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export type JsonObject = { readonly [key: string]: JsonValue };

/** The value where it is an object, else an empty one. */
export function objectIn(value: JsonValue | undefined): JsonObject {
  return typeof value === "object" && value !== null && !isList(value) ? value : {};
}

/** `Array.isArray` knows only of arrays that may be written to. */
export function isList<T>(value: T): value is Extract<T, readonly unknown[]> {
  return Array.isArray(value);
}

/**
 * One output in several representations, from which a frontend takes the richest that it knows. Keys are MIME types; text types hold strings,
 * binary ones (image/png, image/jpeg) base64 strings, JSON types (application/json, application/vnd.vegalite.v5+json, ...) plain values.
 */
export interface MimeBundle {
  [mime: string]: JsonValue;
}

/** Metadata by MIME type, as in nbformat: `{"image/png": {width: 320, alt: "four kernels"}}`. */
export interface MimeMetadata {
  [mime: string]: JsonValue;
}

/** The method that makes an object showable. */
export const displaySymbol: unique symbol = Symbol.for("Jupyter.display");

/** The method that adds metadata (sizes, alternative text) to what {@link displaySymbol} returns; optional. */
export const metadataSymbol: unique symbol = Symbol.for("Jupyter.displayMetadata");

/** An object that knows how it is shown in a notebook. */
export interface Showable {
  [displaySymbol](): MimeBundle | Promise<MimeBundle>;
  [metadataSymbol]?(): MimeMetadata;
}

/** Whether `value` implements the {@link Showable} protocol. */
export function isShowable(value: unknown): value is Showable {
  return (
    value !== null &&
    (typeof value === "object" || typeof value === "function") &&
    displaySymbol in value &&
    typeof value[displaySymbol] === "function"
  );
}

/**
 * The bundle of any value: its own for a {@link Showable}, text/plain for everything else (a string as it is, the rest as `util.inspect`
 * writes it, a tensor with its shape and values).
 *
 * @param value anything
 * @returns its bundle, or a promise of it where the value's own method is asynchronous
 */
export function toMimeBundle(value: unknown): MimeBundle | Promise<MimeBundle> {
  if (isShowable(value)) {
    return value[displaySymbol]();
  }
  if (typeof value === "string") {
    return { "text/plain": value };
  }
  if (isTensor(value)) {
    return { "text/plain": `Tensor ${value.dtype} [${value.shape.join(", ")}]\n${value.toString()}` };
  }
  // Asked for here, because pages take the types and drawings of this folder without Node.
  const { inspect } = process.getBuiltinModule("node:util");
  return { "text/plain": inspect(value, { depth: 4 }) };
}

/** The metadata that goes with {@link toMimeBundle}. */
export function metadataOf(value: unknown): MimeMetadata {
  return isShowable(value) ? (value[metadataSymbol]?.() ?? {}) : {};
}

interface TensorLike {
  readonly dtype: string;
  readonly shape: readonly number[];
  toString(verbose?: boolean): string;
  dataSync(): unknown;
}

function isTensor(value: unknown): value is TensorLike {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  if (!("dtype" in value && "shape" in value && "dataSync" in value)) {
    return false;
  }
  return typeof value.dtype === "string" && Array.isArray(value.shape) && typeof value.dataSync === "function";
}
