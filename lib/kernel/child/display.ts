/** `display` and `clearOutput`, the globals by which a cell shows things. */
import { randomUUID } from "node:crypto";
import { guardedMessageOf } from "../values.ts";
import { asText, isBundle, type MimeBundle, sendable } from "./bundle.ts";
import { type Figure, plotlyFigure, type Shown, vegaLiteFigure } from "./figures.ts";
import { notebookIo } from "./notebook-io.ts";
import { asBytes, exposed, UserError } from "./realm.ts";
import { render, renderMetadata } from "./render.ts";

export interface DisplayOptions {
  readonly displayId?: string;
  readonly metadata?: Record<string, unknown>;
  readonly update?: boolean;
}

/** Something that was shown, and can be replaced where it stands. */
export class DisplayHandle {
  readonly id: string;
  #replaced = false;

  constructor(id: string) {
    this.id = id;
  }

  /** Whether something was shown in its place. */
  get replaced(): boolean {
    return this.#replaced;
  }

  update(value: unknown): void {
    this.#replaced = true;
    show(value, { displayId: this.id, update: true });
  }

  /** As a cell's result it shows nothing more. */
  [Symbol.for("Jupyter.display")](): MimeBundle {
    return {};
  }
}

/** Displays whose value takes its time; a cell ends after them. */
const pending = new Set<Promise<void>>();

export async function displaysShown(): Promise<void> {
  while (pending.size > 0) {
    await Promise.all(pending);
  }
}

function show(value: unknown, given: DisplayOptions): void {
  const bundle = render(value);
  const options = { ...given, metadata: { ...renderMetadata(value), ...given.metadata } };
  if (bundle instanceof Promise) {
    const shown = bundle.then(
      (ready) => notebookIo.display(ready, options),
      (error: unknown) =>
        notebookIo.display({ "text/plain": `This value cannot be shown: ${guardedMessageOf(error)}` }, options),
    );
    track(shown);
  } else if (Object.keys(bundle).length > 0) {
    notebookIo.display(bundle, options);
  }
}

/** Has the cell end after something was shown. */
function track(shown: Promise<void>): void {
  const tracked = shown.finally(() => pending.delete(tracked));
  pending.add(tracked);
}

function displayValue(value: unknown, options: DisplayOptions = {}): DisplayHandle {
  const displayId = options.displayId ?? randomUUID();
  show(value, { ...options, displayId });
  return new DisplayHandle(displayId);
}

function displayBundle(bundle: MimeBundle, options: DisplayOptions = {}): DisplayHandle {
  const displayId = options.displayId ?? randomUUID();
  notebookIo.display(bundle, { ...options, displayId });
  return new DisplayHandle(displayId);
}

const as =
  (type: string, fallback: (value: string) => string = (value) => value) =>
  (value: unknown) => {
    if (value === undefined || value === null) {
      throw new UserError(`display: expected text for ${type}, got ${value}`);
    }
    const text = String(value);
    return displayBundle({ [type]: text, "text/plain": fallback(text) });
  };

const image = (type: string) => (bytes: Uint8Array | ArrayBuffer | string) => {
  if (typeof bytes !== "string" && asBytes(bytes) === undefined) {
    throw new UserError(`display: expected bytes or base64 for ${type}, got ${asText(bytes)}`);
  }
  return displayBundle({ [type]: bytes, "text/plain": `<${type}>` });
};

/** What goes with a figure: `alt` says what it shows, for readers who do not see it. */
export interface FigureOptions extends DisplayOptions {
  readonly alt?: string;
}

/** Shows a figure; its picture follows where it is not there yet, unless something else was shown in its place by then. */
function displayFigure({ now, later }: Figure, options: FigureOptions = {}): DisplayHandle {
  const { displayId = randomUUID(), metadata, update } = options;
  const put = ({ bundle, metadata: own }: Shown, again: boolean) =>
    notebookIo.display(bundle, { displayId, update: again, metadata: { ...own, ...metadata } });
  put(now, update === true);
  const handle = new DisplayHandle(displayId);
  if (later !== undefined) {
    track(
      later.then((shown) => {
        if (shown !== undefined && !handle.replaced) {
          put(shown, true);
        }
      }),
    );
  }
  return handle;
}

/** The functions beside `display` itself. */
const kinds = {
  html: as("text/html", (html) => html.replace(/<[^>]*>/g, "").trim()),
  markdown: as("text/markdown"),
  latex: as("text/latex"),
  svg: as("image/svg+xml", () => "<image/svg+xml>"),
  png: image("image/png"),
  jpeg: image("image/jpeg"),
  javascript: as("application/javascript", () => "<application/javascript>"),
  text: (text: string) => displayBundle({ "text/plain": text }),
  json: (value: unknown) => displayBundle({ "application/json": value, "text/plain": jsonText(value) }),
  vegaLite: (specification: object, options?: FigureOptions) =>
    displayFigure(vegaLiteFigure(specification, options?.alt), options),
  plotly: (figure: object, options?: FigureOptions) => displayFigure(plotlyFigure(figure, options?.alt), options),
  raw: (bundle: MimeBundle, options?: DisplayOptions) => {
    if (!isBundle(bundle)) {
      throw new UserError(
        `display.raw: expected representations by media type, such as {"text/html": "…"}, got ${asText(bundle)}`,
      );
    }
    return displayBundle(sendable(bundle, bundle), options);
  },
};

export const display: typeof displayValue & typeof kinds = exposed(Object.assign(displayValue, kinds));

/** JSON as text; what it has nothing of is shown as a value. */
function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value, null, 2) ?? asText(value);
  } catch {
    return asText(value);
  }
}

export function clearOutput(wait = false): void {
  notebookIo.clearOutput(wait);
}
