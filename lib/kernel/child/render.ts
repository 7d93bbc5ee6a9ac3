/** How a value is shown: by itself if it knows how, else as a tensor, a table, an image, or text. */
import { inspect } from "node:util";
import { asTable } from "./table.ts";
import { describeTensor, isTensorLike } from "./tensor.ts";

/** Media types to representations, as Jupyter's display_data carries them. Images other than SVG are base64. */
export type MimeBundle = Record<string, unknown>;

const displaySymbol = Symbol.for("Jupyter.display");
/** A method beside it that gives the output's metadata by media type: an image's logical size, its alternative text. */
const metadataSymbol = Symbol.for("Jupyter.displayMetadata");

/**
 * The representations of a value; a promise only where the value itself takes its time.
 * An empty bundle means that there is nothing to show.
 */
export function render(value: unknown): MimeBundle | Promise<MimeBundle> {
  if ((typeof value === "object" && value !== null) || typeof value === "function") {
    const show = property(value, displaySymbol);
    if (typeof show === "function") {
      const bundle: unknown = show.call(value);
      return bundle instanceof Promise ? bundle.then((later) => checked(later, value)) : checked(bundle, value);
    }
    if (isTensorLike(value)) {
      return { "text/plain": describeTensor(value) };
    }
    if (Array.isArray(value)) {
      return asTable(value) ?? { "text/plain": asText(value) };
    }
  }
  return { "text/plain": asText(value) };
}

/** The metadata that a value gives for its representations; empty where it gives none. */
export function renderMetadata(value: unknown): Record<string, unknown> {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return {};
  const describe = property(value, metadataSymbol);
  if (typeof describe !== "function") return {};
  const metadata: unknown = describe.call(value);
  return isBundle(metadata) ? metadata : {};
}

/** A property that a value may have; of a proxy that allows its own properties only, undefined. */
function property(value: object, name: symbol): unknown {
  try {
    return (value as Record<symbol, unknown>)[name];
  } catch {
    return undefined;
  }
}

function checked(bundle: unknown, value: unknown): MimeBundle {
  return isBundle(bundle) ? bundle : { "text/plain": asText(value) };
}

export function isBundle(value: unknown): value is MimeBundle {
  return typeof value === "object" && value !== null && Object.keys(value).every((key) => key.includes("/"));
}

export function asText(value: unknown): string {
  return inspect(value, { depth: 4, maxArrayLength: 100, maxStringLength: Number.POSITIVE_INFINITY, breakLength: 100 });
}
