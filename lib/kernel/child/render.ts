/** How a value is shown: by itself if it knows how, else as tensor, table, image bytes or text. */
import { inspect } from "node:util";

/** Media types to representations, as Jupyter's display_data carries them. Images other than SVG are base64. */
export type MimeBundle = Record<string, unknown>;

const displaySymbol = Symbol.for("Jupyter.display");

/** The representations of a value. */
export async function render(value: unknown): Promise<MimeBundle> {
  if ((typeof value === "object" && value !== null) || typeof value === "function") {
    const show = (value as Record<symbol, unknown>)[displaySymbol];
    if (typeof show === "function") {
      const bundle: unknown = await show.call(value);
      if (isBundle(bundle)) {
        return bundle;
      }
    }
  }
  return { "text/plain": asText(value) };
}

export function isBundle(value: unknown): value is MimeBundle {
  return typeof value === "object" && value !== null && Object.keys(value).every((key) => key.includes("/"));
}

export function asText(value: unknown): string {
  return inspect(value, { depth: 4, maxArrayLength: 100, maxStringLength: 100_000, breakLength: 100 });
}
