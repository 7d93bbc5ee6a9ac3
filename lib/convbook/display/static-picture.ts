/**
 * An SVG as a PNG, which every notebook frontend and converter shows alike.
 *
 * nbconvert before version 7 cleans SVG until it is empty, and others place its text in fonts that the figure was not measured for. So
 * bundles carry a PNG of twice the size, with the logical size in the output's metadata as Jupyter has it. The font is bundled: resvg
 * leaves text out without a word where it finds none. Characters that it lacks (Chinese, Japanese, Korean, …) are drawn with the machine's
 * own fonts; where those lack them, too, the SVG goes out, whose text the reader's browser draws.
 */
import { coverageOf } from "./font-coverage.ts";
import type { MimeBundle, MimeMetadata } from "./mime.ts";
import { escapeXml } from "./text.ts";

type Resvg = typeof import("@resvg/resvg-js").Resvg;

/** Pixels a logical pixel: sharp on today's screens. */
const density = 2;

interface Renderer {
  readonly Resvg: Resvg;
  readonly fontFiles: string[];
  /** Whether the bundled fonts have a character. */
  readonly covers: (codePoint: number) => boolean;
}

let loaded: Renderer | null | undefined;

/** The renderer, loaded on first use; null on a platform for which it is not published. */
function loadResvg(): Renderer | null {
  if (loaded === undefined) {
    try {
      // Not imported: nn draws diagrams, and nn runs in pages, which take their SVG.
      const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);
      const { Resvg }: { Resvg: Resvg } = require("@resvg/resvg-js");
      const fontFiles = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((file) =>
        require.resolve(`dejavu-fonts-ttf/ttf/${file}`),
      );
      const coverages = fontFiles.map(coverageOf);
      const covers = (codePoint: number): boolean => coverages.some((has) => has?.(codePoint) ?? true);
      loaded = { Resvg, fontFiles, covers };
    } catch {
      loaded = null;
    }
  }
  return loaded;
}

/** The picture's part of a bundle: `image/png`, or `image/svg+xml` where it cannot be drawn here. */
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
  const others = renderer === null ? [] : charactersOf(svg).filter((character) => !covered(character, renderer));
  if (renderer === null || (others.length > 0 && !drawnBySystem(others, renderer))) {
    return { bundle: { "image/svg+xml": svg }, metadata: { "image/svg+xml": { alt } } };
  }
  const image = new renderer.Resvg(svg, {
    fitTo: { mode: "zoom", value: density },
    font: fontsOf(renderer, others.length > 0),
  }).render();
  return {
    bundle: { "image/png": image.asPng().toString("base64") },
    metadata: {
      "image/png": { alt, width: Math.round(image.width / density), height: Math.round(image.height / density) },
    },
  };
}

function fontsOf({ fontFiles }: Renderer, loadSystemFonts: boolean) {
  return { loadSystemFonts, fontFiles, defaultFontFamily: "DejaVu Sans" };
}

function covered(character: string, { covers }: Renderer): boolean {
  // What joins or varies other characters is not drawn itself.
  return covers(character.codePointAt(0) ?? 0) || /^[\p{Cf}\p{Variation_Selector}\s]$/u.test(character);
}

/** The different characters of an SVG's text. */
function charactersOf(svg: string): string[] {
  const found = new Set<string>();
  for (const [, text = ""] of svg.matchAll(/>([^<]+)</g)) {
    const plain = text.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
    for (const character of plain) {
      found.add(character);
    }
  }
  return [...found];
}

/** Of which characters the machine's fonts are known to have a picture, or none. */
const bySystem = new Map<string, boolean>();

/** Whether the machine's fonts have all of these: none may look as what no font has. */
function drawnBySystem(characters: readonly string[], renderer: Renderer): boolean {
  const unknown = characters.filter((character) => !bySystem.has(character));
  if (unknown.length > 0) {
    const cell = 24;
    // The last is assigned to nothing.
    const texts = [...unknown, "\u{10fffd}"].map(
      (character, i) => `<text x="${i * cell + 2}" y="18">${escapeXml(character)}</text>`,
    );
    const width = texts.length * cell;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${cell}" font-family="DejaVu Sans" font-size="16">${texts.join("")}</svg>`;
    const { pixels } = new renderer.Resvg(svg, { font: fontsOf(renderer, true) }).render();
    const looks = texts.map((_, i) =>
      Buffer.concat(
        Array.from({ length: cell }, (_row, y) =>
          pixels.subarray(4 * (y * width + i * cell), 4 * (y * width + (i + 1) * cell)),
        ),
      ),
    );
    const none = looks.at(-1) ?? Buffer.alloc(0);
    const empty = Buffer.alloc(none.length);
    for (const [i, character] of unknown.entries()) {
      const look = looks[i] ?? empty;
      bySystem.set(character, !look.equals(none) && !look.equals(empty));
    }
  }
  return characters.every((character) => bySystem.get(character) === true);
}
