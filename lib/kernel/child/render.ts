/** How a value is shown: by itself if it knows how, else as a tensor, a table, an image, or text. */

import { isObject } from "../values.ts";
import { asJson, asText, isBundle, type MimeBundle, sendable } from "./bundle.ts";
import { items, settled } from "./realm.ts";
import { asTable } from "./table.ts";
import { describeTensor, isTensorLike } from "./tensor.ts";

const displaySymbol = Symbol.for("Jupyter.display");
/** A method beside it that gives the output's metadata by media type: an image's logical size, its alternative text. */
const metadataSymbol = Symbol.for("Jupyter.displayMetadata");

/**
 * The representations of a value; a promise only where the value itself takes its time.
 * An empty bundle means that there is nothing to show.
 */
export function render(value: unknown): MimeBundle | Promise<MimeBundle> {
  if (((typeof value === "object" && value !== null) || typeof value === "function") && !isRevoked(value)) {
    const show = property(value, displaySymbol);
    if (typeof show === "function") {
      const bundle: unknown = Reflect.apply(show, value, []);
      return isThenable(bundle) ? settled(bundle).then((later) => checked(later, value)) : checked(bundle, value);
    }
    if (isTensorLike(value)) {
      return { "text/plain": describeTensor(value) };
    }
    if (Array.isArray(value)) {
      return asTable(items(value)) ?? { "text/plain": asText(value) };
    }
  }
  return { "text/plain": asText(value) };
}

/** The metadata that a value gives for its representations; empty where it gives none. */
export function renderMetadata(value: unknown): Record<string, unknown> {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") {
    return {};
  }
  const describe = property(value, metadataSymbol);
  if (typeof describe !== "function") {
    return {};
  }
  try {
    const metadata: unknown = Reflect.apply(describe, value, []);
    const json = isBundle(metadata) ? asJson(metadata) : undefined;
    return isObject(json) ? json : {};
  } catch {
    // What is said about a picture is no reason to lose it.
    return {};
  }
}

/** Whether it is a proxy that was revoked, of which nothing can be asked. */
function isRevoked(value: object): boolean {
  try {
    Array.isArray(value);
    return false;
  } catch {
    return true;
  }
}

/** A property that a value may have; of a proxy that allows its own properties only, undefined. */
function property(value: object, name: symbol): unknown {
  try {
    return Reflect.get(value, name);
  } catch {
    return undefined;
  }
}

function checked(bundle: unknown, value: unknown): MimeBundle {
  return isBundle(bundle) && !Array.isArray(bundle) ? sendable(bundle, value) : { "text/plain": asText(value) };
}

function isThenable(value: unknown): boolean {
  return isObject(value) && typeof value.then === "function";
}
