/**
 * Synthetic photographs with text in them, and where it is: random signs on busy backgrounds, as many as one likes, so that a
 * text detector can be taught and tested without a download.
 */
import { checkIndex, type Dataset, type ImageData8 } from "../data/dataset.ts";
import { Generator } from "../random/index.ts";
import { intersectionArea } from "./iou.ts";
import { type Quads, quadsOf, type RotatedBox } from "./quads.ts";
import { glyphAdvance, glyphHeight, glyphWidth, type Segment, strokeAlphabet, strokesOf } from "./stroke-font.ts";

/** An image with text. */
export interface SceneTextSample {
  /** [height, width, 3] */
  readonly image: ImageData8;
  /** Where each text is. */
  readonly boxes: readonly RotatedBox[];
  /** What each says. */
  readonly words: readonly string[];
}

/** What the images of {@link SceneTextDataset} are like. */
export interface SceneTextOptions {
  /** Number of images. */
  readonly length: number;
  /** The same seed gives the same images. */
  readonly seed?: number;
  readonly height?: number;
  readonly width?: number;
  /** Fewest and most texts in an image; fewer where they do not fit. */
  readonly texts?: readonly [number, number];
  /** Lowest and highest letters, in pixels. */
  readonly textHeight?: readonly [number, number];
  /** Fewest and most letters in a text. */
  readonly letters?: readonly [number, number];
  /** How far texts turn to either side, in radians. */
  readonly maxAngle?: number;
  /** Standard deviation of the noise on every value from 0 to 255. */
  readonly noise?: number;
}

type Colour = readonly [red: number, green: number, blue: number];

/** The picture under work: floating-point numbers from 0 to 255. */
interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

const brightness = (red: number, green: number, blue: number) => 0.299 * red + 0.587 * green + 0.114 * blue;

/** A data set of synthetic images with text; image `index` depends on the seed and the index alone. */
export class SceneTextDataset implements Dataset<SceneTextSample> {
  readonly length: number;
  readonly #options: Required<SceneTextOptions>;

  /** @throws RangeError for sizes or ranges that make no sense */
  constructor(options: SceneTextOptions) {
    const filled = {
      seed: 0,
      height: 256,
      width: 256,
      texts: [1, 4],
      textHeight: [14, 32],
      letters: [3, 8],
      maxAngle: Math.PI / 6,
      noise: 6,
      ...options,
    } as const;
    for (const name of ["texts", "textHeight", "letters"] as const) {
      const [low, high] = filled[name];
      if (!(low >= 1 && high >= low))
        throw new RangeError(`${name} must go from at least 1 to at least that, got ${low} to ${high}.`);
    }
    for (const name of ["length", "height", "width"] as const) {
      if (!Number.isSafeInteger(filled[name]) || filled[name] < 0) {
        throw new RangeError(`${name} must be a whole number of at least 0, got ${filled[name]}.`);
      }
    }
    this.length = filled.length;
    this.#options = filled;
  }

  /** @throws RangeError unless 0 <= index < length */
  get(index: number): SceneTextSample {
    checkIndex("SceneTextDataset", index, this.length);
    const { seed, height, width, texts, noise } = this.#options;
    const random = new Generator((BigInt(seed) << 32n) + BigInt(index));
    const canvas: Canvas = { width, height, data: new Float32Array(3 * height * width) };
    paintBackground(canvas, random);
    const boxes: RotatedBox[] = [];
    const words: string[] = [];
    const wanted = random.integer(texts[0], texts[1] + 1);
    // A text that would touch another one or the border is thrown again, some times.
    for (let tries = 0; boxes.length < wanted && tries < 30 * wanted; tries++) {
      const { word, box } = this.#throwText(random);
      if (!fits(box, boxes, canvas)) continue;
      paintText(canvas, word, box, random);
      boxes.push(box);
      words.push(word);
    }
    const data = new Uint8Array(canvas.data.length);
    for (let i = 0; i < data.length; i++) {
      data[i] = Math.max(0, Math.min(255, Math.round((canvas.data[i] as number) + noise * roughNormal(random))));
    }
    return { image: { dtype: "uint8", shape: [height, width, 3], data }, boxes, words };
  }

  #throwText(random: Generator): { word: string; box: RotatedBox } {
    const { width, height, textHeight, letters, maxAngle } = this.#options;
    const count = random.integer(letters[0], letters[1] + 1);
    const letter = () => strokeAlphabet[random.integer(0, strokeAlphabet.length)] as string;
    const word = Array.from({ length: count }, letter).join("");
    const size = textHeight[0] + random.uniformDouble() * (textHeight[1] - textHeight[0]);
    const [cx, cy] = [random.uniformDouble() * width, random.uniformDouble() * height];
    const angle = (2 * random.uniformDouble() - 1) * maxAngle;
    return { word, box: { cx, cy, width: (size * lengthOf(count)) / (glyphHeight + 2 * pad), height: size, angle } };
  }
}

/** Free space around the letters that counts as theirs, on the letters' grid. */
const pad = 0.8;

/** Length of a text on the letters' grid. */
function lengthOf(letters: number): number {
  return (letters - 1) * glyphAdvance + glyphWidth + 2 * pad;
}

function fits(box: RotatedBox, others: readonly RotatedBox[], { width, height }: Canvas): boolean {
  const { corners } = quadsOf([box]);
  for (let k = 0; k < 8; k += 2) {
    const [x, y] = [corners[k] as number, corners[k + 1] as number];
    if (x < 1 || y < 1 || x > width - 2 || y > height - 2) return false;
  }
  const wider = others.map((other) => ({ ...other, width: other.width + 8, height: other.height + 8 }));
  const taken = quadsOf(wider).corners;
  return others.every((_, j) => intersectionArea(corners, 0, taken, j) === 0);
}

function colour(random: Generator): Colour {
  return [random.integer(0, 256), random.integer(0, 256), random.integer(0, 256)];
}

/** A gradient with rectangles and circles on it, which a detector must learn to pass over. */
function paintBackground(canvas: Canvas, random: Generator): void {
  const { width, height, data } = canvas;
  const corners = [colour(random), colour(random), colour(random), colour(random)] as const;
  const shapes = Array.from({ length: random.integer(4, 12) }, () => ({
    round: random.uniformDouble() < 0.5,
    x: random.uniformDouble() * width,
    y: random.uniformDouble() * height,
    a: (0.05 + 0.2 * random.uniformDouble()) * width,
    b: (0.05 + 0.2 * random.uniformDouble()) * height,
    fill: colour(random),
    alpha: 0.2 + 0.6 * random.uniformDouble(),
  }));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const u = x / width;
      const v = y / height;
      const at = 3 * (y * width + x);
      for (let c = 0; c < 3; c++) {
        const top = (1 - u) * (corners[0][c] as number) + u * (corners[1][c] as number);
        const bottom = (1 - u) * (corners[2][c] as number) + u * (corners[3][c] as number);
        data[at + c] = (1 - v) * top + v * bottom;
      }
    }
  }
  for (const shape of shapes) {
    const right = Math.min(width - 1, shape.x + shape.a);
    const bottom = Math.min(height - 1, shape.y + shape.b);
    for (let y = Math.max(0, Math.ceil(shape.y - shape.b)); y <= bottom; y++) {
      for (let x = Math.max(0, Math.ceil(shape.x - shape.a)); x <= right; x++) {
        const p = (x - shape.x) / shape.a;
        const q = (y - shape.y) / shape.b;
        if (!shape.round || p * p + q * q < 1) blend(data, 3 * (y * width + x), shape.fill, shape.alpha);
      }
    }
  }
}

/** About a standard normal number, from one draw: the sum of four bytes. */
function roughNormal(random: Generator): number {
  const bits = random.random();
  return ((bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24) - 510) / 147.8;
}

function blend(data: Float32Array, at: number, fill: Colour, alpha: number): void {
  for (let c = 0; c < 3; c++) data[at + c] = (1 - alpha) * (data[at + c] as number) + alpha * (fill[c] as number);
}

/** Calls `paint` for every pixel in the box, with the place on the box's own axes from its top left, in pixels. */
function forPixelsOf(
  box: RotatedBox,
  { width, height }: Canvas,
  paint: (at: number, u: number, v: number) => void,
): void {
  const { corners } = quadsOf([box]);
  const xs = [0, 2, 4, 6].map((k) => corners[k] as number);
  const ys = [1, 3, 5, 7].map((k) => corners[k] as number);
  const [cos, sin] = [Math.cos(box.angle), Math.sin(box.angle)];
  for (let y = Math.max(0, Math.floor(Math.min(...ys))); y <= Math.min(height - 1, Math.ceil(Math.max(...ys))); y++) {
    for (let x = Math.max(0, Math.floor(Math.min(...xs))); x <= Math.min(width - 1, Math.ceil(Math.max(...xs))); x++) {
      const [dx, dy] = [x - box.cx, y - box.cy];
      const u = dx * cos + dy * sin + box.width / 2;
      const v = dy * cos - dx * sin + box.height / 2;
      if (u >= 0 && v >= 0 && u <= box.width && v <= box.height) paint(3 * (y * width + x), u, v);
    }
  }
}

function distanceTo([x0, y0, x1, y1]: Segment, x: number, y: number): number {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const t = Math.max(0, Math.min(1, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x - x0 - t * dx, y - y0 - t * dy);
}

/** Writes a word into a box, in a colour that stands out from what is there. */
function paintText(canvas: Canvas, word: string, box: RotatedBox, random: Generator): void {
  const { data } = canvas;
  let sum = 0;
  let pixels = 0;
  forPixelsOf(box, canvas, (at) => {
    sum += brightness(data[at] as number, data[at + 1] as number, data[at + 2] as number);
    pixels++;
  });
  const behind = sum / Math.max(1, pixels);
  let ink = colour(random);
  for (let tries = 0; Math.abs(brightness(...ink) - behind) < 90; tries++) {
    const plain: Colour = behind > 127 ? [0, 0, 0] : [255, 255, 255];
    ink = tries < 50 ? colour(random) : plain;
  }
  const scale = box.height / (glyphHeight + 2 * pad);
  const pen = 0.35 + 0.3 * random.uniformDouble();
  const glyphs = Array.from(word, strokesOf);
  forPixelsOf(box, canvas, (at, u, v) => {
    const x = u / scale - pad;
    const y = v / scale - pad;
    let nearest = Number.POSITIVE_INFINITY;
    // A pen wider than the gap never is, so the letter here and the next one are all that can be near.
    const first = Math.floor(x / glyphAdvance);
    for (const i of [first, first + 1]) {
      for (const segment of glyphs[i] ?? []) nearest = Math.min(nearest, distanceTo(segment, x - i * glyphAdvance, y));
    }
    const cover = Math.max(0, Math.min(1, (pen - nearest) * scale + 0.5));
    if (cover > 0) blend(data, at, ink, cover);
  });
}

/** How to draw outlines. */
export interface DrawQuadsOptions {
  /** Red, green and blue, from 0 to 255. */
  readonly colour?: Colour;
  /** Width of the line in pixels. */
  readonly lineWidth?: number;
}

/**
 * An image with the outlines of boxes on it; the one that is given stays as it is.
 *
 * @param image [height, width, 3]
 */
export function drawQuads(image: ImageData8, { corners }: Quads, options: DrawQuadsOptions = {}): ImageData8 {
  const { colour: line = [255, 40, 40], lineWidth = 2 } = options;
  const [height, width, channels] = image.shape;
  if (height === undefined || width === undefined || channels !== 3 || image.shape.length !== 3) {
    throw new RangeError(`Expected an image of shape [height, width, 3], got [${image.shape.join(", ")}].`);
  }
  const data = Float32Array.from(image.data);
  const reach = lineWidth / 2 + 1;
  for (let from = 0; from < corners.length; from += 2) {
    const to = (from & 7) === 6 ? from - 6 : from + 2;
    const [x0, y0, x1, y1] = [corners[from], corners[from + 1], corners[to], corners[to + 1]] as [
      number,
      number,
      number,
      number,
    ];
    for (
      let y = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
      y <= Math.min(height - 1, Math.max(y0, y1) + reach);
      y++
    ) {
      for (
        let x = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
        x <= Math.min(width - 1, Math.max(x0, x1) + reach);
        x++
      ) {
        const length = Math.hypot(x1 - x0, y1 - y0);
        const distance = length === 0 ? Math.hypot(x - x0, y - y0) : distanceTo([x0, y0, x1, y1], x, y);
        const cover = Math.max(0, Math.min(1, lineWidth / 2 - distance + 0.5));
        if (cover > 0) blend(data, 3 * (y * width + x), line, cover);
      }
    }
  }
  return { dtype: "uint8", shape: image.shape, data: Uint8Array.from(data, Math.round) };
}
