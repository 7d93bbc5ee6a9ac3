/**
 * `display.vegaLite` and `display.plotly`: the figure for front-ends that draw it, with a static picture for all others where
 * convbook is installed. The first figure is shown at once and gets its picture when that is drawn.
 */

import { isObject } from "../values.ts";
import type { MimeBundle } from "./bundle.ts";
import { type Kit, kitNow, loadKit } from "./kit.ts";
import { render, renderMetadata } from "./render.ts";

/** What is shown of a figure. */
export interface Shown {
  readonly bundle: MimeBundle;
  readonly metadata: Record<string, unknown>;
}

/** A figure as it can be shown now, and, where that is not all, as it is shown once its picture is there. */
export interface Figure {
  readonly now: Shown;
  readonly later?: Promise<Shown | undefined>;
}

type Draw = (kit: Kit) => object;

/** A Vega-Lite specification. */
export function vegaLiteFigure(specification: object, alt: string | undefined): Figure {
  const title = textOf("title" in specification ? specification.title : undefined);
  const own = { "application/vnd.vegalite.v5+json": specification };
  return figure(own, describe("Vega-Lite", title, alt), (kit) => kit.vegaLite(specification, altOption(alt)));
}

/** A Plotly figure: `data`, `layout` and `config`. */
export function plotlyFigure(given: object, alt: string | undefined): Figure {
  const { data, layout, config }: { data?: unknown; layout?: { title?: unknown }; config?: object } = given;
  const own = { "application/vnd.plotly.v1+json": given };
  return figure(own, describe("Plotly", textOf(layout?.title), alt), (kit) =>
    kit.plotly(data, layout, { ...altOption(alt), ...(config !== undefined && { config }) }),
  );
}

function figure(own: MimeBundle, text: string, draw: Draw): Figure {
  const plain = { bundle: { ...own, "text/plain": text }, metadata: {} };
  const kit = kitNow();
  if (kit !== undefined) {
    return { now: withPicture(plain, draw, kit) ?? plain };
  }
  return { now: plain, later: loadKit().then((later) => later && withPicture(plain, draw, later)) };
}

/** The figure with what convbook shows beside it; undefined where that cannot draw it, as with data at an address. */
function withPicture({ bundle }: Shown, draw: Draw, kit: Kit): Shown | undefined {
  try {
    const drawn = draw(kit);
    const shown = render(drawn);
    return shown instanceof Promise
      ? undefined
      : { bundle: { ...shown, ...ownOf(bundle), "text/plain": shown["text/plain"] }, metadata: renderMetadata(drawn) };
  } catch {
    return undefined;
  }
}

/** The interactive figure stays the cell's own. */
function ownOf(bundle: MimeBundle): MimeBundle {
  return Object.fromEntries(Object.entries(bundle).filter(([type]) => type !== "text/plain"));
}

function describe(kind: string, title: string, alt: string | undefined): string {
  return alt ?? `${kind} figure${title === "" ? "" : `: ${title}`}`;
}

function altOption(alt: string | undefined): { readonly alt?: string } {
  return alt === undefined ? {} : { alt };
}

/** A title, which is a text or an object with one. */
function textOf(title: unknown): string {
  const text = isObject(title) ? title.text : title;
  return typeof text === "string" ? text : "";
}
