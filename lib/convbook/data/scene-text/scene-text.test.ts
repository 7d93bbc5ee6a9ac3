import { describe, expect, test } from "vitest";
import { quadIou, quadsOf, type RotatedBox } from "../../detection/index.ts";
import { glyph } from "./font.ts";
import { CHARACTERS, SceneTextDataset } from "./index.ts";

/** The place of an image's pixel in a box, from -1 to 1 along each of its sides. */
function within({ cx, cy, width, height, angle }: RotatedBox, x: number, y: number): [number, number] {
  const [dx, dy] = [x - cx, y - cy];
  return [
    (dx * Math.cos(angle) + dy * Math.sin(angle)) / (width / 2),
    (-dx * Math.sin(angle) + dy * Math.cos(angle)) / (height / 2),
  ];
}

describe("SceneTextDataset", () => {
  const options = { size: [96, 160], words: [2, 4], seed: 5 } as const;
  const data = new SceneTextDataset(40, options);
  const samples = Array.from({ length: 40 }, (_, i) => data.get(i));

  test("gives pictures with words of the font, each in its box", () => {
    let words = 0;
    for (const { image, boxes, texts } of samples) {
      expect(image.shape).toEqual([96, 160, 3]);
      expect(image.data.length).toBe(96 * 160 * 3);
      expect(texts.length).toBe(boxes.length);
      words += texts.length;
      for (const text of texts) {
        expect(text).toMatch(new RegExp(`^[${CHARACTERS}]{3,7}$`));
      }
    }
    expect(words).toBeGreaterThan(80);
  });

  test("boxes lie within the picture and apart from each other", () => {
    for (const { boxes } of samples) {
      const { corners } = quadsOf(boxes);
      for (let i = 0; i < corners.length; i += 2) {
        expect(corners[i]).toBeGreaterThanOrEqual(0);
        expect(corners[i]).toBeLessThanOrEqual(159);
        expect(corners[i + 1]).toBeGreaterThanOrEqual(0);
        expect(corners[i + 1]).toBeLessThanOrEqual(95);
      }
      for (const [i, a] of boxes.entries()) {
        for (const b of boxes.slice(i + 1)) {
          expect(quadIou(quadsOf([a]), quadsOf([b]))[0]).toBe(0);
        }
      }
    }
  });

  test("words are where the boxes say: more changes from pixel to pixel inside than around", () => {
    let inside = 0;
    let around = 0;
    let [insidePixels, aroundPixels] = [0, 0];
    for (const { image, boxes } of samples) {
      for (let y = 0; y < 96; y++) {
        for (let x = 1; x < 160; x++) {
          const at = (y * 160 + x) * 3;
          const change = Math.abs((image.data[at + 1] as number) - (image.data[at - 2] as number));
          const places = boxes.map((box) => within(box, x, y).map(Math.abs) as [number, number]);
          if (places.some(([u, v]) => u < 0.9 && v < 0.75)) {
            inside += change;
            insidePixels++;
          } else if (places.every(([u, v]) => u > 1.05 || v > 1.05)) {
            around += change;
            aroundPixels++;
          }
        }
      }
    }
    expect(inside / insidePixels).toBeGreaterThan(4 * (around / aroundPixels));
  });

  test("follows from seed and index alone", () => {
    const again = new SceneTextDataset(100, options);
    expect(again.get(7)).toEqual(samples[7]);
    const other = new SceneTextDataset(40, { ...options, seed: 6 });
    expect(other.get(7)).not.toEqual(samples[7]);
    expect(new Set(samples.map(({ texts }) => texts.join())).size).toBe(40);
  });

  test("leaves out words for which there is no room", () => {
    const crowded = new SceneTextDataset(3, { size: [16, 16], words: [5, 5], letterHeight: [30, 30] });
    expect(crowded.get(0).boxes).toEqual([]);
  });

  test.each<[string, () => unknown, string]>([
    ["length", () => new SceneTextDataset(-1), "A SceneTextDataset's length is a whole number of pictures; got -1."],
    [
      "size",
      () => new SceneTextDataset(1, { size: [8, 64] }),
      "A SceneTextDataset's size is two whole numbers of at least 16; got [8, 64].",
    ],
    [
      "words",
      () => new SceneTextDataset(1, { words: [3, 2] }),
      "A SceneTextDataset's words is whole numbers [least, most]; got [3, 2].",
    ],
    [
      "letters",
      () => new SceneTextDataset(1, { letters: [0, 2] }),
      "A SceneTextDataset's letters is whole numbers [least, most]; got [0, 2].",
    ],
    [
      "angle",
      () => new SceneTextDataset(1, { maxAngle: 100 }),
      "A SceneTextDataset's maxAngle is from 0 to 90 degrees; got 100.",
    ],
    ["index", () => new SceneTextDataset(1).get(1), "SceneTextDataset has no sample 1: indices go from 0 to 0."],
    ["character", () => glyph("ä"), 'got "ä".'],
  ])("names a wrong %s", (_, call, message) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});
