/**
 * Vega and Vega-Lite, loaded on first use and run without a browser.
 *
 * Both packages' modules wait at top level for an optional `canvas` package, so they can only be imported asynchronously. A figure's bundle must be there
 * at once (a cell that ends in `display(figure)` has no await in it), so the packages' own browser bundles are run instead: one file each, no
 * globals left behind, both together in some 40 ms.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { compileFunction } from "node:vm";
import { DisplayError } from "./errors.ts";
import { textWidth } from "./text.ts";

interface SceneRenderer {
  initialize(element: null, width: number, height: number, origin: [number, number]): SceneRenderer;
  background(color: string | null): SceneRenderer;
  render(scene: unknown): SceneRenderer;
  svg(): string;
}

interface VegaView {
  run(): VegaView;
  finalize(): void;
  scenegraph(): { root: unknown };
  padding(): { left: number; right: number; top: number; bottom: number };
  background(): string | null;
  readonly _viewWidth: number;
  readonly _viewHeight: number;
  readonly _origin: [number, number];
}

interface Vega {
  View: new (runtime: unknown, options: object) => VegaView;
  parse(spec: unknown): unknown;
  Warn: number;
  SVGStringRenderer: new () => SceneRenderer;
  resetSVGDefIds(): void;
  textMetrics: {
    width: (item: { fontSize?: number; fontWeight?: string | number; limit?: number }, text: unknown) => number;
  };
}

interface VegaLite {
  compile(spec: unknown, options: { logger: object }): { spec: unknown };
}

let engine: { vega: Vega; vegaLite: VegaLite } | undefined;

function loadEngine(): { vega: Vega; vegaLite: VegaLite } {
  if (!engine) {
    const vega = loadBundle("vega/vega-schema.json", "vega.min.js") as Vega;
    const vegaLite = loadBundle("vega-lite/vega-lite-schema.json", "vega-lite.min.js", vega) as VegaLite;
    vega.textMetrics.width = (item, text) => {
      const shown = text === undefined || text === null ? "" : String(text).trim();
      const bold = item.fontWeight === "bold" || Number(item.fontWeight) >= 600;
      const width = textWidth(shown, item.fontSize ?? 11) * (bold ? 1.12 : 1);
      return item.limit && item.limit > 0 ? Math.min(item.limit, width) : width;
    };
    engine = { vega, vegaLite };
  }
  return engine;
}

/** Runs the CommonJS bundle that lies beside a file that the package exports; `dependency` is what its one `require` gives. */
function loadBundle(exportedFile: string, bundle: string, dependency?: unknown): unknown {
  const filename = join(dirname(createRequire(import.meta.url).resolve(exportedFile)), bundle);
  const module = { exports: {} };
  const run = compileFunction(readFileSync(filename, "utf8"), ["exports", "module", "require"], { filename });
  run(module.exports, module, () => dependency);
  return module.exports;
}

/**
 * Draws a Vega-Lite specification as SVG.
 *
 * @param spec a Vega-Lite specification with its data inside (`data.values`)
 * @returns an SVG document; text in it is text, in the reader's sans-serif font
 * @throws DisplayError where Vega-Lite refuses the specification, or data would have to be fetched
 */
export function vegaLiteToSvg(spec: unknown): string {
  const { vega, vegaLite } = loadEngine();
  const problems: string[] = [];
  const logger = collectingLogger(problems);
  let view: VegaView | undefined;
  try {
    // Vega marks the rows that it draws; the caller's data stay as they are.
    const compiled = vegaLite.compile(structuredClone(spec), { logger }).spec;
    view = new vega.View(vega.parse(compiled), { renderer: "none", logger, loader: refusingLoader });
    view.run();
    vega.resetSVGDefIds();
    const renderer = new vega.SVGStringRenderer();
    const { left, right, top, bottom } = view.padding();
    const [x, y] = view._origin;
    const [width, height] = [view._viewWidth + left + right, view._viewHeight + top + bottom];
    renderer.initialize(null, width, height, [x + left, y + top]).background(view.background());
    const svg = renderer.render(view.scenegraph().root).svg();
    if (problems.length > 0) {
      throw new Error(problems.join("; "));
    }
    return svg;
  } catch (error) {
    throw new DisplayError(`Vega-Lite could not draw the figure: ${(error as Error).message}`, { cause: error });
  } finally {
    view?.finalize();
  }
}

/** A static picture is made from the data at hand: nothing is read from files or fetched. */
const refusingLoader = {
  load: (uri: string) => Promise.reject(new Error(`data is not fetched (${uri}); put it into data.values`)),
  sanitize: () => Promise.reject(new Error("links are not resolved")),
};

function collectingLogger(errors: string[]): object {
  const silent = () => logger;
  const logger = {
    level: silent,
    error: (...parts: unknown[]) => {
      errors.push(parts.map(String).join(" "));
      return logger;
    },
    warn: silent,
    info: silent,
    debug: silent,
  };
  return logger;
}
