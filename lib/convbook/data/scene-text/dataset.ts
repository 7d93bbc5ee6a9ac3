/**
 * Pictures with text and where it is: what a text detector is trained with when there are no photographs. Words of random letters in
 * random sizes, angles and colours lie on backgrounds with gradients, shapes and noise; nothing is read from disk, and every picture
 * follows from the seed and its index.
 */

import { isNumber } from "../../arguments/check.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import type { RotatedBox } from "../../detection/index.ts";
import { Generator } from "../../random/index.ts";
import { checkIndex, type Dataset } from "../dataset.ts";
import type { ImageData8 } from "../sample.ts";
import { imageShape } from "../transforms/transform.ts";
import { CHARACTERS, GLYPH_ADVANCE, GLYPH_HEIGHT, GLYPH_WIDTH, glyph, type Stroke } from "./font.ts";

/** A picture and its words. */
export interface SceneTextSample {
  /** uint8 [height, width, 3]. */
  readonly image: ImageData8;
  /** One box a word, close about its letters. */
  readonly boxes: readonly RotatedBox[];
  /** The words, in the boxes' order. */
  readonly texts: readonly string[];
}

export interface SceneTextOptions {
  /** Height and width of the pictures in pixels. */
  readonly size?: readonly [height: number, width: number];
  /** Fewest and most words tried in a picture; one for which there is no room is left out. */
  readonly words?: readonly [least: number, most: number];
  /** Shortest and longest word. */
  readonly letters?: readonly [least: number, most: number];
  /** Smallest and largest height of letters in pixels. */
  readonly letterHeight?: readonly [least: number, most: number];
  /** Words are turned by up to so many degrees either way. */
  readonly maxAngle?: number;
  /** Where the random numbers begin. */
  readonly seed?: number;
}

type Colour = readonly [r: number, g: number, b: number];

interface Word {
  readonly text: string;
  readonly box: RotatedBox;
  /** Pixels in a unit of the font. */
  readonly unit: number;
  /** Width of the strokes in pixels. */
  readonly stroke: number;
}

/** Space around the letters within their box, in units of the font. */
const MARGIN = 1;
/** How often a place is looked for. */
const ATTEMPTS = 30;
/** How much lighter or darker a word is than what it lies on, at least, of 255. */
const CONTRAST = 70;

/** Synthetic scene text; the same options give the same pictures. */
export class SceneTextDataset implements Dataset<SceneTextSample> {
  readonly length: number;
  readonly #options: Required<SceneTextOptions>;
  readonly #start: number;

  /**
   * @param length number of pictures
   * @throws {RangeError} when a number is not as described
   */
  constructor(length: number, options: SceneTextOptions = {}) {
    refuseUnknownOptions("SceneTextDataset", options, ["size", "words", "letters", "letterHeight", "maxAngle", "seed"]);
    const {
      size = [128, 128],
      words = [1, 4],
      letters = [3, 7],
      letterHeight = [9, 20],
      maxAngle = 25,
      seed = 0,
    } = options;
    if (!Number.isInteger(length) || length < 0) {
      throw new RangeError(`A SceneTextDataset's length is a whole number of pictures; got ${length}.`);
    }
    const ranges = { size, words, letters, letterHeight };
    for (const [name, range] of Object.entries(ranges)) {
      if (!Array.isArray(range)) {
        throw new OptionError("SceneTextDataset", name, range, "two whole numbers");
      }
      const [first, second] = range as readonly [number, number];
      const whole = Number.isInteger(first) && Number.isInteger(second) && first >= (name === "words" ? 0 : 1);
      const least = name === "size" ? 16 : 0;
      if (!whole || first < least || second < least || (name !== "size" && first > second)) {
        const expected = name === "size" ? "two whole numbers of at least 16" : "whole numbers [least, most]";
        throw new RangeError(`A SceneTextDataset's ${name} is ${expected}; got [${first}, ${second}].`);
      }
    }
    if (!isNumber(maxAngle, 0, 90)) {
      throw new RangeError(`A SceneTextDataset's maxAngle is from 0 to 90 degrees; got ${maxAngle}.`);
    }
    this.length = length;
    this.#options = { ...ranges, maxAngle, seed };
    this.#start = new Generator(seed).random();
  }

  get(index: number): SceneTextSample {
    checkIndex("SceneTextDataset", index, this.length);
    const { size, words } = this.#options;
    // Multiples of an odd number: every picture has a seed of its own, and none is near another's.
    const generator = new Generator((this.#start + Math.imul(index, 0x9e3779b1)) >>> 0);
    const [height, width] = size;
    const image: ImageData8 = { dtype: "uint8", shape: [height, width, 3], data: new Uint8Array(height * width * 3) };
    paintBackground(image, generator);
    const count = generator.integer(words[0], words[1] + 1);
    const placed: Word[] = [];
    for (let i = 0; i < count; i++) {
      const word = this.#place(placed, generator);
      if (word === undefined) {
        continue;
      }
      placed.push(word);
      paintWord(image, word, wordColour(image, word.box, generator));
    }
    addNoise(image, generator);
    return { image, boxes: placed.map(({ box }) => box), texts: placed.map(({ text }) => text) };
  }

  /** Draws a word and a place where it lies within the picture and apart from the others. */
  #place(placed: readonly Word[], generator: Generator): Word | undefined {
    const { size, letters, letterHeight, maxAngle } = this.#options;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const count = generator.integer(letters[0], letters[1] + 1);
      const text = Array.from({ length: count }, () => CHARACTERS[generator.integer(0, CHARACTERS.length)]).join("");
      const unit = generator.uniform(letterHeight[0], letterHeight[1]) / GLYPH_HEIGHT;
      const angle = (generator.uniform(-maxAngle, maxAngle) * Math.PI) / 180;
      const box: RotatedBox = {
        cx: generator.uniform(0, size[1]),
        cy: generator.uniform(0, size[0]),
        width: ((count - 1) * GLYPH_ADVANCE + GLYPH_WIDTH + 2 * MARGIN) * unit,
        height: (GLYPH_HEIGHT + 2 * MARGIN) * unit,
        angle,
      };
      const [left, top, right, bottom] = extent(box);
      if (left < 0 || top < 0 || right > size[1] - 1 || bottom > size[0] - 1) {
        continue;
      }
      if (placed.some((other) => overlap(extent(other.box), [left, top, right, bottom]))) {
        continue;
      }
      return { text, box, unit, stroke: Math.max(1.2, unit * generator.uniform(0.7, 1.3)) };
    }
    return undefined;
  }
}

type Extent = readonly [left: number, top: number, right: number, bottom: number];

function extent({ cx, cy, width, height, angle }: RotatedBox): Extent {
  const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
  const x = (width * cos + height * sin) / 2;
  const y = (width * sin + height * cos) / 2;
  return [cx - x, cy - y, cx + x, cy + y];
}

function overlap(a: Extent, b: Extent): boolean {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

function randomColour(generator: Generator): Colour {
  return [generator.integer(0, 256), generator.integer(0, 256), generator.integer(0, 256)];
}

const brightness = ([r, g, b]: Colour): number => 0.299 * r + 0.587 * g + 0.114 * b;

/** A gradient between two colours, with a few shapes on it. */
function paintBackground(image: ImageData8, generator: Generator): void {
  const [height, width] = imageShape(image);
  const [from, to] = [randomColour(generator), randomColour(generator)];
  const angle = generator.uniform(0, 2 * Math.PI);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const reach = (Math.abs(cos) * width + Math.abs(sin) * height) / 2;
  // Two colours far apart would leave no colour that stands out from both.
  const strength = generator.uniform(0.1, 0.5);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const share = strength * (0.5 + ((x - width / 2) * cos + (y - height / 2) * sin) / (2 * reach));
      const at = (y * width + x) * 3;
      for (let c = 0; c < 3; c++) {
        image.data[at + c] = (from[c] ?? 0) * (1 - share) + (to[c] ?? 0) * share;
      }
    }
  }
  for (let i = generator.integer(0, 6); i > 0; i--) {
    paintShape(image, generator);
  }
}

/** An ellipse or a rectangle, half transparent: things that are no text. */
function paintShape(image: ImageData8, generator: Generator): void {
  const [height, width] = imageShape(image);
  const colour = randomColour(generator);
  const round = generator.integer(0, 2) === 1;
  const [cx, cy] = [generator.uniform(0, width), generator.uniform(0, height)];
  const [rx, ry] = [generator.uniform(3, width / 4), generator.uniform(3, height / 4)];
  const strength = generator.uniform(0.1, 0.4);
  for (let y = Math.max(0, Math.floor(cy - ry)); y < Math.min(height, cy + ry); y++) {
    for (let x = Math.max(0, Math.floor(cx - rx)); x < Math.min(width, cx + rx); x++) {
      const [dx, dy] = [(x - cx) / rx, (y - cy) / ry];
      if (round ? dx * dx + dy * dy <= 1 : Math.max(Math.abs(dx), Math.abs(dy)) <= 1) {
        blend(image, y * width + x, colour, strength);
      }
    }
  }
}

/** A colour that stands out from what lies under a box. */
function wordColour(image: ImageData8, { cx, cy }: RotatedBox, generator: Generator): Colour {
  const [, width] = imageShape(image);
  const at = (Math.floor(cy) * width + Math.floor(cx)) * 3;
  const [red = 0, green = 0, blue = 0] = image.data.subarray(at, at + 3);
  const under = brightness([red, green, blue]);
  for (;;) {
    const colour = randomColour(generator);
    if (Math.abs(brightness(colour) - under) >= CONTRAST) {
      return colour;
    }
  }
}

/** Draws a word's strokes with smooth edges. */
function paintWord(image: ImageData8, { text, box, unit, stroke }: Word, colour: Colour): void {
  const [height, width] = imageShape(image);
  const [left, top, right, bottom] = extent(box);
  const [cos, sin] = [Math.cos(box.angle), Math.sin(box.angle)];
  const letters = [...text].map(glyph);
  for (let y = Math.max(0, Math.floor(top)); y <= Math.min(height - 1, bottom); y++) {
    for (let x = Math.max(0, Math.floor(left)); x <= Math.min(width - 1, right); x++) {
      // The pixel's place in the font's units, from the box's upper left.
      const [dx, dy] = [x - box.cx, y - box.cy];
      const u = (dx * cos + dy * sin + box.width / 2) / unit - MARGIN;
      const v = (-dx * sin + dy * cos + box.height / 2) / unit - MARGIN;
      const which = Math.round((u - GLYPH_WIDTH / 2) / GLYPH_ADVANCE);
      const distance = strokeDistance(letters[which] ?? [], u - which * GLYPH_ADVANCE, v) * unit;
      const covered = Math.min(1, stroke / 2 - distance + 0.5);
      if (covered > 0) {
        blend(image, y * width + x, colour, covered);
      }
    }
  }
}

function strokeDistance(strokes: readonly Stroke[], x: number, y: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (const [x1, y1, x2, y2] of strokes) {
    const [ex, ey] = [x2 - x1, y2 - y1];
    const t = Math.max(0, Math.min(1, ((x - x1) * ex + (y - y1) * ey) / (ex * ex + ey * ey)));
    least = Math.min(least, Math.hypot(x - x1 - t * ex, y - y1 - t * ey));
  }
  return least;
}

function blend(image: ImageData8, pixel: number, colour: Colour, share: number): void {
  for (let c = 0; c < 3; c++) {
    const at = pixel * 3 + c;
    image.data[at] = Math.round((image.data[at] ?? 0) * (1 - share) + (colour[c] ?? 0) * share);
  }
}

function addNoise(image: ImageData8, generator: Generator): void {
  const strength = generator.uniform(2, 20);
  for (let i = 0; i < image.data.length; i++) {
    const value = (image.data[i] ?? 0) + (generator.uniformFloat() - 0.5) * strength;
    image.data[i] = Math.max(0, Math.min(255, Math.round(value)));
  }
}
