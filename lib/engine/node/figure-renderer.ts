/** What makes PNGs of SVGs, when somebody has installed it. */
import { createRequire } from "node:module";
import type { Renderer } from "../profile-figure.ts";

let renderer: Renderer | null | undefined;

/** The renderer with its font; null when nobody has installed them. */
export function findRenderer(): Renderer | null {
  if (renderer !== undefined) {
    return renderer;
  }
  const require = createRequire(import.meta.url);
  try {
    const { Resvg }: { Resvg: new (svg: string, options: object) => { render(): { asPng(): Buffer } } } =
      require("@resvg/resvg-js");
    const fontFiles = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((file) =>
      require.resolve(`dejavu-fonts-ttf/ttf/${file}`),
    );
    const options = {
      fitTo: { mode: "zoom", value: 2 },
      font: { loadSystemFonts: false, fontFiles, defaultFontFamily: "DejaVu Sans" },
    };
    renderer = (svg) => new Resvg(svg, options).render().asPng().toString("base64");
  } catch {
    renderer = null;
  }
  return renderer;
}
