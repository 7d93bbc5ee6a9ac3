/** Many pictures in one, with a caption under each. */
import { checkOptions, checkTexts, checkWhole } from "./checks.ts";
import { type ColorScale, checkColorScale, drawColorScale } from "./color-scale.ts";
import { DisplayError, wrongArgument } from "./errors.ts";
import { enlarge, type ImageLike, type PixelScaling, prepareImages } from "./images.ts";
import { displaySymbol, type MimeBundle, type MimeMetadata, metadataSymbol, type Showable } from "./mime.ts";
import { encodePng, type Pixels } from "./png.ts";
import { type StaticPicture, staticPicture } from "./static-picture.ts";
import { escapeXml, textWidth, wrapText } from "./text.ts";
import { fontFamily, rightColor, textColor, wrongColor } from "./theme.ts";

/** A caption; with `correct` it begins with a tick or a cross and takes that colour. Lines are separated by "\n". */
export type ImageTitle = string | { readonly text: string; readonly correct?: boolean };

export interface ImageGridOptions extends PixelScaling {
  /** Pictures a row; by default as many as make about 800 pixels, at most 8. */
  readonly columns?: number;
  /** A caption for each picture. */
  readonly titles?: readonly ImageTitle[];
  /** By which whole number small pictures are enlarged, every pixel a crisp square; by default until they are about 96 pixels wide. */
  readonly scale?: number;
  /** Pixels between pictures. */
  readonly padding?: number;
  /** Colour between pictures, [R, G, B] from 0 to 255; transparent without it. */
  readonly background?: readonly [number, number, number];
  /** A heading above all. */
  readonly title?: string;
  /** What the colours mean, drawn as a bar under all. */
  readonly colorScale?: ColorScale;
  /** What the pictures show, for readers who do not see them; from the captions without it. */
  readonly alt?: string;
}

const fontSize = 12;
const lineHeight = 15;

type OptionName = keyof ImageGridOptions;
const placement: OptionName[] = ["columns", "titles", "scale", "padding", "background"];
const optionNames: OptionName[] = [...placement, "title", "colorScale", "alt", "normalize", "mean", "std"];

const isTitle = (title: unknown): boolean =>
  typeof (typeof title === "object" && title !== null && "text" in title ? title.text : title) === "string";
const isColor = (color: unknown): boolean =>
  Array.isArray(color) &&
  color.length === 3 &&
  color.every((part) => typeof part === "number" && part >= 0 && part <= 255);

/** Pictures laid out in rows. */
export class ImageGrid implements Showable {
  readonly alt: string;
  readonly #layout: Layout;
  #png: Uint8Array | undefined;
  #picture: StaticPicture | undefined;

  /** @internal use {@link imageGrid} */
  constructor(layout: Layout, alt: string) {
    this.#layout = layout;
    this.alt = alt;
  }

  /** The pictures, without captions, as a PNG file. */
  toPng(): Uint8Array {
    this.#png ??= encodePng(paint(this.#layout, 0));
    return this.#png;
  }

  /** Pictures and captions as an SVG document, captions being text. */
  toSvg(): string {
    return draw(this.#layout, this.alt);
  }

  [displaySymbol](): MimeBundle {
    return { ...this.#static().bundle, "text/plain": this.alt };
  }

  [metadataSymbol](): MimeMetadata {
    return this.#static().metadata;
  }

  /** Captions need the SVG's text; without any the pixels themselves are the picture. */
  #static(): StaticPicture {
    if (this.#picture === undefined) {
      const { titles, title, colorScale } = this.#layout;
      const captioned = titles.length > 0 || title !== undefined || colorScale !== undefined;
      this.#picture = captioned
        ? staticPicture(this.toSvg(), this.alt)
        : {
            bundle: { "image/png": Buffer.from(this.toPng()).toString("base64") },
            metadata: { "image/png": { alt: this.alt } },
          };
    }
    return this.#picture;
  }
}

/**
 * Pictures side by side.
 *
 * Pictures may differ in size (torchvision's make_grid refuses that): all are enlarged by the same factor, so that sizes can be compared, and each
 * stands in the middle of a cell as large as the largest. Where they should fill their cells, `transforms.Resize` gives them one size before.
 *
 * @param images a tensor [H, W], [H, W, C] or [N, H, W, C] (floats from 0 to 1, or int32 and bytes from 0 to 255), pixels, or an array of those
 * @throws DisplayError where a shape is not one of pictures, there are none, captions do not match in number, or an option is none
 * @example
 * display(imageGrid(batch, {mean, std, titles: labels.map((label) => classes[label])}));
 */
export function imageGrid(images: ImageLike | readonly ImageLike[], options: ImageGridOptions = {}): ImageGrid {
  checkOptions("imageGrid", options, optionNames);
  const { titles = [], padding = 4, background, title, colorScale, alt } = options;
  checkTexts("imageGrid", { title, alt });
  checkColorScale(colorScale);
  checkWhole("imageGrid", { padding }, 0);
  checkWhole("imageGrid", { scale: options.scale, columns: options.columns }, 1);
  if (!Array.isArray(titles) || !titles.every(isTitle)) {
    throw wrongArgument("imageGrid", "titles", titles, "a list of strings, or of objects with a text");
  }
  if (background !== undefined && !isColor(background)) {
    throw wrongArgument("imageGrid", "background", background, "[R, G, B] from 0 to 255");
  }
  const prepared = prepareImages(images, options);
  const pictures = prepared.images;
  if (pictures.length === 0) {
    throw new DisplayError("imageGrid: there are no images");
  }
  if (titles.length > 0 && titles.length !== pictures.length) {
    throw new DisplayError(`imageGrid: ${titles.length} titles for ${pictures.length} images`);
  }
  const width = Math.max(...pictures.map((picture) => picture.width));
  const height = Math.max(...pictures.map((picture) => picture.height));
  const scale = options.scale ?? Math.max(1, Math.round(96 / width));
  const columns =
    options.columns ?? Math.max(1, Math.min(8, pictures.length, Math.floor(800 / (width * scale + padding))));
  const captions = titles.map((caption) => toCaption(caption, width * scale + padding));
  const lines = Math.max(0, ...captions.map((caption) => caption.lines.length));
  const layout: Layout = {
    pictures,
    scale,
    columns: Math.min(columns, pictures.length),
    rows: Math.ceil(pictures.length / columns),
    cellWidth: width * scale,
    cellHeight: height * scale,
    captionHeight: lines === 0 ? 0 : lines * lineHeight + 6,
    padding,
    titles: captions,
    ...(background ? { background } : {}),
    ...(title === undefined ? {} : { title }),
    ...(colorScale === undefined ? {} : { colorScale }),
  };
  return new ImageGrid(layout, describe(layout, options.alt, prepared.clipped));
}

interface Caption {
  readonly full: string;
  readonly lines: readonly string[];
  readonly color: string;
}

interface Layout {
  readonly pictures: readonly Pixels[];
  readonly scale: number;
  readonly columns: number;
  readonly rows: number;
  readonly cellWidth: number;
  readonly cellHeight: number;
  readonly captionHeight: number;
  readonly padding: number;
  readonly background?: readonly [number, number, number];
  readonly titles: readonly Caption[];
  readonly title?: string;
  readonly colorScale?: ColorScale;
}

function toCaption(title: ImageTitle, width: number): Caption {
  const { text, correct } = typeof title === "string" ? { text: title, correct: undefined } : title;
  // The mark stays with the first word.
  const unbroken = text.replaceAll(" %", "\u00a0%");
  const marked = correct === undefined ? unbroken : `${correct ? "✓" : "✗"}\u00a0${unbroken}`;
  return {
    full: marked.replaceAll("\u00a0", " ").replaceAll("\n", " "),
    lines: wrapText(marked, width, fontSize),
    color: correct === undefined ? textColor : correct ? rightColor : wrongColor,
  };
}

function describe(layout: Layout, alt: string | undefined, clipped: number): string {
  const { pictures, titles, title } = layout;
  const captions = titles
    .slice(0, 24)
    .map(({ full }) => full)
    .join(", ");
  const count = pictures.length === 1 ? "1 image" : `${pictures.length} images`;
  const own =
    alt ?? `${title ? `${title}: ` : ""}${count}${captions ? `: ${captions}${titles.length > 24 ? ", …" : ""}` : ""}`;
  if (clipped < 0.02) {
    return own;
  }
  return `${own} (${Math.round(100 * clipped)} % of the values are outside of 0 to 1 and were cut off; pass mean and std, or normalize)`;
}

/** All pictures on one canvas, with `gap` more pixels under each row. */
function paint(layout: Layout, gap: number): Pixels {
  const { pictures, columns, rows, cellWidth, cellHeight, padding, background, scale } = layout;
  const solid = background !== undefined || padding === 0;
  const colored = pictures.some(({ channels }) => channels >= 3) || background !== undefined;
  const transparent = !solid || pictures.some(({ channels }) => channels === 2 || channels === 4) || uneven(layout);
  const channels = colored ? (transparent ? 4 : 3) : transparent ? 2 : 1;
  const width = columns * (cellWidth + padding) - padding;
  const height = rows * (cellHeight + gap + padding) - padding;
  const data = new Uint8Array(width * height * channels);
  if (background) {
    for (let i = 0; i < data.length; i += channels) {
      data.set(background, i);
      if (channels === 4) {
        data[i + 3] = 255;
      }
    }
  }
  pictures.forEach((picture, index) => {
    const big = enlarge(picture, scale);
    const left = (index % columns) * (cellWidth + padding) + Math.floor((cellWidth - big.width) / 2);
    const top = Math.floor(index / columns) * (cellHeight + gap + padding) + Math.floor((cellHeight - big.height) / 2);
    for (let y = 0; y < big.height; y++) {
      for (let x = 0; x < big.width; x++) {
        copyPixel(big, (y * big.width + x) * big.channels, data, ((top + y) * width + left + x) * channels, channels);
      }
    }
  });
  return { width, height, channels, data };
}

function uneven({ pictures, scale, cellWidth, cellHeight, rows, columns }: Layout): boolean {
  return (
    rows * columns !== pictures.length ||
    pictures.some(({ width, height }) => width * scale !== cellWidth || height * scale !== cellHeight)
  );
}

function copyPixel(from: Pixels, at: number, to: Uint8Array, target: number, channels: number): void {
  const grey = from.channels <= 2;
  const value = (c: number): number => from.data[at + (grey ? 0 : c)] ?? 0;
  const alpha = from.channels === 2 || from.channels === 4 ? (from.data[at + from.channels - 1] ?? 0) : 255;
  if (channels <= 2) {
    to[target] = value(0);
    if (channels === 2) {
      to[target + 1] = alpha;
    }
    return;
  }
  for (let c = 0; c < 3; c++) {
    to[target + c] = value(c);
  }
  if (channels === 4) {
    to[target + 3] = alpha;
  }
}

function draw(layout: Layout, alt: string): string {
  const { columns, rows, cellWidth, cellHeight, captionHeight, padding, titles, title, colorScale } = layout;
  const head = title === undefined ? 0 : 24;
  const canvas = paint(layout, captionHeight);
  const png = Buffer.from(encodePng(canvas)).toString("base64");
  const bar = colorScale === undefined ? undefined : drawColorScale(colorScale);
  const width = Math.max(canvas.width, title === undefined ? 0 : Math.ceil(textWidth(title, 15)), bar?.width ?? 0);
  const above = rows * (cellHeight + captionHeight + padding) - padding + head;
  const height = above + (bar?.height ?? 0);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(alt)}" style="max-width:100%;height:auto" font-family="${fontFamily}" font-size="${fontSize}">`,
  ];
  if (title !== undefined) {
    parts.push(`<text x="0" y="15" font-size="14" font-weight="600" fill="${textColor}">${escapeXml(title)}</text>`);
  }
  parts.push(
    `<image x="0" y="${head}" width="${canvas.width}" height="${canvas.height}" image-rendering="optimizeSpeed" href="data:image/png;base64,${png}"/>`,
  );
  titles.forEach((caption, index) => {
    const center = (index % columns) * (cellWidth + padding) + cellWidth / 2;
    const top = head + Math.floor(index / columns) * (cellHeight + captionHeight + padding) + cellHeight;
    caption.lines.forEach((line, row) => {
      const full = line.endsWith("…") ? `<title>${escapeXml(caption.full)}</title>` : "";
      parts.push(
        `<text x="${center}" y="${top + (row + 1) * lineHeight - 2}" text-anchor="middle" fill="${caption.color}">${full}${escapeXml(line)}</text>`,
      );
    });
  });
  if (bar !== undefined) {
    parts.push(`<g transform="translate(0 ${above})">${bar.svg}</g>`);
  }
  parts.push("</svg>");
  return parts.join("");
}
