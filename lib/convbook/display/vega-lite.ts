/** Figures written in Vega-Lite: interactive where the frontend knows it, a picture everywhere else. */
import { createHash } from "node:crypto";
import { checkOptions, checkTexts } from "./checks.ts";
import { DisplayError, wrongArgument } from "./errors.ts";
import {
  displaySymbol,
  type JsonObject,
  type JsonValue,
  type MimeBundle,
  type MimeMetadata,
  metadataSymbol,
  objectIn,
  type Showable,
} from "./mime.ts";
import { type StaticPicture, staticPicture } from "./static-picture.ts";
import { escapeXml } from "./text.ts";
import { vegaLiteConfig } from "./theme.ts";
import { vegaLiteToSvg } from "./vega-engine.ts";

/** A Vega-Lite specification: https://vega.github.io/vega-lite/docs/spec.html. Keep to what version 5 knows, for frontends' sake. */
export type VegaLiteSpec = JsonObject;

/** The MIME type that JupyterLab 4, VS Code and Colab render. */
export const vegaLiteMime = "application/vnd.vegalite.v5+json";

/** What goes with a figure. */
export interface VegaLiteOptions {
  /** What the figure shows, in a sentence, for readers who do not see it. */
  readonly alt?: string;
}

/** A figure that displays as a Vega-Lite chart, a picture and its alternative text. */
export class VegaLiteFigure implements Showable {
  /** The specification with the theme's `config` merged in. */
  readonly spec: VegaLiteSpec;
  readonly alt: string;
  #svg: string | undefined;
  #picture: StaticPicture | undefined;

  constructor(spec: VegaLiteSpec, options: VegaLiteOptions = {}) {
    if (spec === null || typeof spec !== "object" || Array.isArray(spec)) {
      throw wrongArgument("vegaLite", "spec", spec, "a specification: an object");
    }
    checkOptions("vegaLite", options, ["alt"]);
    const { alt } = options;
    checkTexts("vegaLite", { alt });
    const url = findDataUrl(spec);
    if (url !== undefined) {
      throw new DisplayError(
        `vegaLite: data.url ${JSON.stringify(url)} would have to be fetched by every reader; read it first and pass data.values`,
      );
    }
    this.spec = {
      $schema: "https://vega.github.io/schema/vega-lite/v5.json",
      ...spec,
      config: mergeConfig(vegaLiteConfig, objectIn(spec.config)),
    };
    this.alt = alt ?? titleOf(spec) ?? "Chart";
  }

  /** The figure as an SVG document. */
  toSvg(): string {
    this.#svg ??= finishSvg(vegaLiteToSvg(this.#staticSpec()), this.alt);
    return this.#svg;
  }

  /** Without the labels that Vega gives every mark: inside an image nobody can reach them, and they are most of the file. */
  #staticSpec(): VegaLiteSpec {
    return { ...this.spec, config: { ...objectIn(this.spec.config), aria: false } };
  }

  [displaySymbol](): MimeBundle {
    return { [vegaLiteMime]: this.spec, ...this.#static().bundle, "text/plain": this.alt };
  }

  [metadataSymbol](): MimeMetadata {
    return this.#static().metadata;
  }

  #static(): StaticPicture {
    this.#picture ??= staticPicture(this.toSvg(), this.alt);
    return this.#picture;
  }
}

/**
 * A figure from a Vega-Lite specification.
 *
 * @param spec the specification, data inline; the theme's colours and fonts fill what its own `config` leaves open
 * @throws DisplayError where `spec` is no object or refers to data elsewhere, or `alt` is no text; drawing it throws one where Vega-Lite refuses it
 * @example
 * display(vegaLite({data: {values: [{x: 1, y: 2}]}, mark: "point", encoding: {x: {field: "x"}, y: {field: "y"}}}, {alt: "One point"}));
 */
export function vegaLite(spec: VegaLiteSpec, options?: VegaLiteOptions): VegaLiteFigure {
  return new VegaLiteFigure(spec, options);
}

/**
 * Names the figure for assistive technology and gives its internal ids a prefix of its own: several SVGs end up in one HTML page, where
 * `clip0` of one would cut another.
 */
export function finishSvg(svg: string, alt: string): string {
  const prefix = `f${createHash("sha256").update(svg).digest("hex").slice(0, 8)}-`;
  return svg
    .replace(/(<svg\b[^>]*?)(\sclass="marks")?(\s[^>]*>)/, (_all, start: string, _class, end: string) => {
      return `${start} role="img" aria-label="${escapeXml(alt)}" style="max-width:100%;height:auto"${end}`;
    })
    .replace(/\bid="([^"]+)"/g, `id="${prefix}$1"`)
    .replace(/url\(#([^)]+)\)/g, `url(#${prefix}$1)`)
    .replace(/(xlink:href|href)="#([^"]+)"/g, `$1="#${prefix}$2"`);
}

function mergeConfig(base: JsonObject, own: JsonObject): JsonObject {
  const merged: { [key: string]: JsonValue } = { ...base };
  for (const [key, value] of Object.entries(own)) {
    const old = merged[key];
    merged[key] = isPlainObject(old) && isPlainObject(value) ? mergeConfig(old, value) : value;
  }
  return merged;
}

function isPlainObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function findDataUrl(value: JsonValue | undefined): JsonValue | undefined {
  if (Array.isArray(value)) {
    for (const item of value) {
      const url = findDataUrl(item);
      if (url !== undefined) {
        return url;
      }
    }
    return undefined;
  }
  if (!isPlainObject(value)) {
    return undefined;
  }
  for (const [key, item] of Object.entries(value)) {
    if (key === "data" && isPlainObject(item) && item.url !== undefined) {
      return item.url;
    }
    if (key === "values") {
      continue;
    }
    const url = findDataUrl(item);
    if (url !== undefined) {
      return url;
    }
  }
  return undefined;
}

function titleOf(spec: VegaLiteSpec): string | undefined {
  const title = isPlainObject(spec.title) ? spec.title.text : spec.title;
  return typeof title === "string" && title !== "" ? title : undefined;
}
