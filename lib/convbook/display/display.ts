/** `display` and its relatives: the way from a value to the notebook's page. */
import { randomUUID } from "node:crypto";
import { checkOptions, checkTexts } from "./checks.ts";
import { wrongArgument } from "./errors.ts";
import { displaySymbol, type JsonValue, type MimeBundle, type MimeMetadata, metadataOf, toMimeBundle } from "./mime.ts";
import { type PlotlyLayout, type PlotlyOptions, type PlotlyTrace, plotly } from "./plotly.ts";
import { currentTransport } from "./transport.ts";
import { findTslab, showWhenInspected } from "./tslab.ts";
import { type VegaLiteOptions, type VegaLiteSpec, vegaLite } from "./vega-lite.ts";

/** How {@link display} shows a value. */
export interface DisplayOptions {
  /** The output's name, by which it can be updated; a fresh one without it. */
  readonly displayId?: string;
  /** Metadata by MIME type, added to the value's own. */
  readonly metadata?: MimeMetadata;
}

const ownNames: readonly string[] = ["displayId", "metadata"] satisfies readonly (keyof DisplayOptions)[];

/** An output on the page, which can be replaced in place. */
export interface DisplayHandle {
  readonly displayId: string;
  /** Shows `value` in place of what is there; where nothing can be replaced (a log) its text is printed again. */
  update(value: unknown): void;
  /** Settles when everything given to this handle so far was sent; only values whose bundle is a promise take any time. */
  readonly ready: Promise<void>;
  /** Nothing: as the last value of a cell a handle leaves no second output. */
  [displaySymbol](): MimeBundle;
}

/** Already a bundle: shown as it is. */
class Bundle {
  readonly data: MimeBundle;
  constructor(data: MimeBundle) {
    this.data = data;
  }
  [displaySymbol](): MimeBundle {
    return this.data;
  }
}

/**
 * Shows a value in the notebook (outside of one: prints its text).
 *
 * @param value a figure, a table, an image grid, anything with `[Symbol.for("Jupyter.display")]()`, or any other value, shown as text
 * @returns a handle whose `update(value)` replaces this output in place
 * @example
 * const handle = display("epoch 1");
 * handle.update("epoch 2");
 */
export function display(value: unknown, options: DisplayOptions = {}): DisplayHandle {
  checkOptions("display", options, ownNames);
  checkTexts("display", { displayId: options.displayId });
  const { metadata: own = {} } = options;
  if (typeof own !== "object" || own === null || Array.isArray(own)) {
    throw wrongArgument("display", "metadata", own, "an object by MIME type");
  }
  const displayId = options.displayId ?? randomUUID();
  let ready: Promise<void> = Promise.resolve();
  let waiting = 0;

  const send = (shown: unknown, update: boolean): void => {
    const transport = currentTransport();
    const metadata = { ...metadataOf(shown), ...options.metadata };
    const bundle = toMimeBundle(shown);
    if (!(bundle instanceof Promise) && waiting === 0) {
      transport.send(bundle, metadata, displayId, update);
      return;
    }
    // Later values must not overtake one whose bundle is still being made.
    waiting++;
    ready = ready.then(async () => {
      try {
        transport.send(await bundle, metadata, displayId, update);
      } finally {
        waiting--;
      }
    });
    // A failure is reported to whoever awaits `ready`; nobody doing so must not end the process.
    ready.catch(() => {});
  };

  send(value, false);
  return {
    displayId,
    update: (shown) => send(shown, true),
    get ready() {
      return ready;
    },
    [displaySymbol]: () => ({}),
  };
}

/** Removes what the running cell has shown so far; with `wait`, only when its next output comes, which avoids flicker. */
export function clearOutput(wait = false): void {
  currentTransport().clear(wait);
}

const bundle = (mime: string, data: JsonValue, text: string, options?: DisplayOptions): DisplayHandle =>
  display(new Bundle({ [mime]: data, "text/plain": text }), options);

/** Shows a bundle as it is: `display.bundle({"text/html": "<b>x</b>", "text/plain": "x"})`. */
display.bundle = (data: MimeBundle, options?: DisplayOptions): DisplayHandle => display(new Bundle(data), options);

/** Shows HTML. The frontend decides whether scripts in it run; keep them out of what must be readable on a static page. */
display.html = (html: string, options?: DisplayOptions): DisplayHandle =>
  bundle("text/html", html, html.replace(/<[^>]*>/g, ""), options);

/** Shows Markdown. */
display.markdown = (markdown: string, options?: DisplayOptions): DisplayHandle =>
  bundle("text/markdown", markdown, markdown, options);

/** Shows a formula. `latex` carries its own delimiters (`$...$`, `$$...$$`), as Jupyter expects; without any it is set as display math. */
display.latex = (latex: string, options?: DisplayOptions): DisplayHandle => {
  const delimited = /^\s*(\$|\\\(|\\\[|\\begin)/.test(latex) ? latex : `$$${latex}$$`;
  return bundle("text/latex", delimited, latex, options);
};

/** Shows an SVG document. */
display.svg = (svg: string, options?: DisplayOptions & { readonly alt?: string }): DisplayHandle =>
  bundle("image/svg+xml", svg, options?.alt ?? "[SVG image]", withAlt("svg", "image/svg+xml", options));

/** Shows a PNG file's bytes (or their base64). */
display.png = (png: Uint8Array | string, options?: DisplayOptions & { readonly alt?: string }): DisplayHandle =>
  bundle(
    "image/png",
    typeof png === "string" ? png : Buffer.from(png.buffer, png.byteOffset, png.byteLength).toString("base64"),
    options?.alt ?? "[PNG image]",
    withAlt("png", "image/png", options),
  );

/** Shows a JSON value as a tree that can be folded. */
display.json = (value: JsonValue, options?: DisplayOptions): DisplayHandle =>
  bundle("application/json", value, JSON.stringify(value, null, 2), options);

/** Shows a Vega-Lite specification, with an SVG for where it cannot run. */
display.vegaLite = (spec: VegaLiteSpec, options?: DisplayOptions & VegaLiteOptions): DisplayHandle => {
  const own = ownOf("vegaLite", options, ["alt"]);
  return display(vegaLite(spec, othersOf(options)), own);
};

/** Shows a Plotly figure, with an SVG for where it cannot run. */
display.plotly = (
  data: readonly PlotlyTrace[],
  layout?: PlotlyLayout,
  options?: DisplayOptions & PlotlyOptions,
): DisplayHandle => {
  const own = ownOf("plotly", options, ["alt", "config", "picture"]);
  return display(plotly(data, layout, othersOf(options)), own);
};

/**
 * What display itself takes of the options of one of its kinds.
 *
 * @param others what the kind has besides
 * @throws {DisplayError} naming an option that neither has
 */
function ownOf(kind: string, options: DisplayOptions | undefined, others: readonly string[]): DisplayOptions {
  if (options === undefined) {
    return {};
  }
  checkOptions(`display.${kind}`, options, [...others, ...ownNames]);
  return Object.fromEntries(Object.entries(options).filter(([name]) => ownNames.includes(name)));
}

/** The others of them. */
function othersOf<T extends object>(options: (DisplayOptions & T) | undefined): T | undefined {
  return options && (Object.fromEntries(Object.entries(options).filter(([name]) => !ownNames.includes(name))) as T);
}

function withAlt(kind: string, mime: string, options?: DisplayOptions & { readonly alt?: string }): DisplayOptions {
  const own = ownOf(kind, options, ["alt"]);
  return options?.alt === undefined ? own : { ...own, metadata: { ...own.metadata, [mime]: { alt: options.alt } } };
}

if (findTslab()) {
  showWhenInspected((value) => {
    display(value).ready.catch((error: unknown) => console.error(error));
  });
}
