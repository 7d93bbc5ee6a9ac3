/** Representations by media type, as Jupyter can send and save them, of whatever a cell gave for them. */
import { inspect } from "node:util";
import { guardedMessageOf } from "../values.ts";
import { asBytes, bytesToText, items } from "./realm.ts";

/** Media types to representations, as Jupyter's display_data carries them. Images other than SVG are base64. */
export type MimeBundle = Record<string, unknown>;

/** Bundles that were made here. */
const prepared = new WeakSet<MimeBundle>();

/** Media types whose representations are JSON; all others are text, or bytes in base64. */
const json = /^application\/(?:.*\+)?json$/;
const text = /^text\/|\bjavascript\b|[+/]xml$|\/x-latex$/;

export function isBundle(value: unknown): value is MimeBundle {
  return typeof value === "object" && value !== null && Object.keys(value).every((key) => key.includes("/"));
}

export function asText(value: unknown): string {
  return inspect(value, { depth: 4, maxArrayLength: 100, maxStringLength: Number.POSITIVE_INFINITY, breakLength: 100 });
}

/**
 * A bundle that a notebook can keep: bytes become base64 (of text types, text), JSON types what JSON has of them, and all
 * others text. What gives nothing of the kind is left out; a bundle of nothing but such shows `fallback` as text.
 *
 * @param bundle Representations as a cell gave them.
 * @param fallback What is shown where none of them can be.
 */
export function sendable(bundle: MimeBundle, fallback: unknown): MimeBundle {
  if (prepared.has(bundle)) {
    return bundle;
  }
  const out: MimeBundle = {};
  const problems: string[] = [];
  const types = Object.keys(bundle);
  for (const type of types) {
    try {
      const given = bundle[type];
      const value = json.test(type) ? asJson(given) : asString(given, type);
      if (value !== undefined) {
        out[type] = value;
      }
    } catch (error) {
      problems.push(`${type} cannot be shown: ${guardedMessageOf(error)}`);
    }
  }
  if (types.length > 0 && Object.keys(out).length === 0) {
    out["text/plain"] = problems.length > 0 ? problems.join("\n") : safeText(fallback);
  }
  prepared.add(out);
  return out;
}

/** A plain copy of what JSON has of a value, typed arrays as arrays; undefined where it has nothing. */
export function asJson(value: unknown): unknown {
  const encoded: string | undefined = JSON.stringify(value, withArrays);
  return encoded === undefined ? undefined : JSON.parse(encoded);
}

function withArrays(_: string, value: unknown): unknown {
  return ArrayBuffer.isView(value) && "length" in value ? items(value as Uint8Array) : value;
}

function asString(value: unknown, type: string): string | undefined {
  if (typeof value === "string") {
    return value;
  }
  if (value === undefined || value === null || typeof value === "function" || typeof value === "symbol") {
    return undefined;
  }
  const bytes = asBytes(value);
  if (bytes !== undefined) {
    return bytesToText(bytes, text.test(type) ? "utf8" : "base64");
  }
  if (Array.isArray(value)) {
    // As in notebook files: a text by its lines.
    const lines = items<unknown>(value);
    return lines.every((line) => typeof line === "string") ? lines.join("") : otherwise(value, type);
  }
  const written = String(value);
  return /^\[object \w+\]$/.test(written) ? otherwise(value, type) : written;
}

/** What is no text can still be described as one. */
function otherwise(value: unknown, type: string): string | undefined {
  return type === "text/plain" ? asText(value) : undefined;
}

/** Text of a value, or why there is none: what shows itself runs code of the cell, which may fail. */
function safeText(value: unknown): string {
  try {
    return asText(value);
  } catch (error) {
    return `This value cannot be shown: ${guardedMessageOf(error)}`;
  }
}
