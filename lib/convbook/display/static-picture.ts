/**
 * An SVG as a PNG, which every notebook frontend and converter shows alike.
 *
 * nbconvert before version 7 cleans SVG until it is empty, and others place its text in fonts that the figure was not measured for. So
 * bundles carry a PNG of twice the size, with the logical size in the output's metadata as Jupyter has it. The font is bundled: resvg
 * leaves text out without a word where it finds none.
 */
import { createRequire } from "node:module";
import type { MimeBundle, MimeMetadata } from "./mime.ts";

type Resvg = typeof import("@resvg/resvg-js").Resvg;

const require = createRequire(import.meta.url);
/** Pixels a logical pixel: sharp on today's screens. */
const density = 2;

interface Renderer {
  readonly Resvg: Resvg;
  readonly fontFiles: string[];
}

let loaded: Renderer | null | undefined;

/** The renderer, loaded on first use; null on a platform for which it is not published. */
function loadResvg(): Renderer | null {
  if (loaded === undefined) {
    try {
      const { Resvg }: { Resvg: Resvg } = require("@resvg/resvg-js");
      const fontFiles = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((file) =>
        require.resolve(`dejavu-fonts-ttf/ttf/${file}`),
      );
      loaded = { Resvg, fontFiles };
    } catch {
      loaded = null;
    }
  }
  return loaded;
}

/** The picture's part of a bundle: `image/png`, or `image/svg+xml` where there is no renderer. */
export interface StaticPicture {
  readonly bundle: MimeBundle;
  readonly metadata: MimeMetadata;
}

/**
 * @param svg an SVG document with its size in pixels
 * @param alt what it shows, for readers who do not see it
 */
export function staticPicture(svg: string, alt: string): StaticPicture {
  const renderer = loadResvg();
  if (renderer === null) {
    return { bundle: { "image/svg+xml": svg }, metadata: { "image/svg+xml": { alt } } };
  }
  const image = new renderer.Resvg(svg, {
    fitTo: { mode: "zoom", value: density },
    font: { loadSystemFonts: false, fontFiles: renderer.fontFiles, defaultFontFamily: "DejaVu Sans" },
  }).render();
  return {
    bundle: { "image/png": image.asPng().toString("base64") },
    metadata: {
      "image/png": { alt, width: Math.round(image.width / density), height: Math.round(image.height / density) },
    },
  };
}
