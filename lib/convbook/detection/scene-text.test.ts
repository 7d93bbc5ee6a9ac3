import { describe, expect, it } from "vitest";
import { quadIou } from "./iou.ts";
import { quadsOf } from "./quads.ts";
import { drawQuads, SceneTextDataset } from "./scene-text.ts";
import { glyphHeight, glyphWidth, strokeAlphabet, strokesOf } from "./stroke-font.ts";

const dataset = new SceneTextDataset({
  length: 12,
  seed: 5,
  height: 120,
  width: 160,
  textHeight: [12, 24],
  letters: [2, 5],
});

describe("scene text", () => {
  it("is the same for the same seed and index, and another for others", () => {
    const again = new SceneTextDataset({
      length: 12,
      seed: 5,
      height: 120,
      width: 160,
      textHeight: [12, 24],
      letters: [2, 5],
    });
    expect(again.get(3)).toEqual(dataset.get(3));
    expect(dataset.get(4).image.data).not.toEqual(dataset.get(3).image.data);
    const other = new SceneTextDataset({ length: 12, seed: 6, height: 120, width: 160 });
    expect(other.get(3).image.data).not.toEqual(dataset.get(3).image.data);
  });

  it("lies in the image, apart from each other, and stands out", () => {
    let texts = 0;
    for (let i = 0; i < dataset.length; i++) {
      const { image, boxes, words } = dataset.get(i);
      expect(image.shape).toEqual([120, 160, 3]);
      expect(words).toHaveLength(boxes.length);
      const quads = quadsOf(boxes);
      for (let k = 0; k < quads.corners.length; k += 2) {
        expect(quads.corners[k]).toBeGreaterThanOrEqual(0);
        expect(quads.corners[k]).toBeLessThanOrEqual(159);
        expect(quads.corners[k + 1]).toBeLessThanOrEqual(119);
      }
      const overlaps = quadIou(quads, quads);
      for (const [a, box] of boxes.entries()) {
        expect(overlaps.subarray(a * boxes.length, (a + 1) * boxes.length).filter((iou) => iou > 0)).toHaveLength(1);
        expect(box.height).toBeGreaterThanOrEqual(12);
        expect(box.height).toBeLessThanOrEqual(24);
        // Ink and ground along the middle of the text differ by more than the noise.
        const values = Array.from({ length: Math.floor(box.width) }, (_, step) => {
          const along = step - box.width / 2;
          const x = Math.round(box.cx + along * Math.cos(box.angle));
          const y = Math.round(box.cy + along * Math.sin(box.angle));
          const at = 3 * (y * 160 + x);
          const [red, green, blue] = image.data.subarray(at, at + 3) as unknown as [number, number, number];
          return 0.299 * red + 0.587 * green + 0.114 * blue;
        });
        expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(40);
        texts++;
      }
    }
    expect(texts).toBeGreaterThan(15);
  });

  it("has no text where none fits", () => {
    const { boxes } = new SceneTextDataset({ length: 1, height: 10, width: 10 }).get(0);
    expect(boxes).toEqual([]);
  });

  it("names what makes no sense", () => {
    expect(() => dataset.get(12)).toThrow(RangeError);
    expect(() => new SceneTextDataset({ length: 1, texts: [3, 2] })).toThrow(
      "texts must go from at least 1 to at least that, got 3 to 2.",
    );
    expect(() => new SceneTextDataset({ length: 1, width: 1.5 })).toThrow(
      "width must be a whole number of at least 0, got 1.5.",
    );
  });
});

describe("the stroke font", () => {
  it("keeps all characters on their grid, each different", () => {
    const seen = new Set<string>();
    for (const character of strokeAlphabet) {
      const strokes = strokesOf(character);
      for (const [x0, y0, x1, y1] of strokes) {
        expect(Math.max(x0, x1)).toBeLessThanOrEqual(glyphWidth);
        expect(Math.max(y0, y1)).toBeLessThanOrEqual(glyphHeight);
        expect(x0 === x1 && y0 === y1).toBe(false);
      }
      seen.add(JSON.stringify(strokes));
    }
    expect(seen.size).toBe(36);
  });

  it("names a character that it has not", () => {
    expect(() => strokesOf("é")).toThrow('"é" cannot be written; the characters are 0123456789ABC');
    expect(() => strokesOf("constructor")).toThrow("cannot be written");
  });
});

describe("drawing boxes", () => {
  const image = { dtype: "uint8", shape: [20, 20, 3], data: new Uint8Array(1200) } as const;

  it("puts lines on a copy", () => {
    const quads = quadsOf([{ cx: 10, cy: 10, width: 10, height: 6, angle: 0 }]);
    const drawn = drawQuads(image, quads, { colour: [255, 0, 0], lineWidth: 1 });
    expect(image.data.every((value) => value === 0)).toBe(true);
    const red = (x: number, y: number) => drawn.data[3 * (20 * y + x)];
    expect([red(10, 7), red(5, 10), red(15, 10), red(10, 13)]).toEqual([255, 255, 255, 255]);
    expect([red(10, 10), red(2, 2)]).toEqual([0, 0]);
  });

  it("takes boxes that reach out of the image", () => {
    const quads = quadsOf([{ cx: 0, cy: 0, width: 100, height: 10, angle: 0.3 }]);
    expect(drawQuads(image, quads).data.some((value) => value > 0)).toBe(true);
  });

  it("wants three channels", () => {
    expect(() => drawQuads({ dtype: "uint8", shape: [2, 2], data: new Uint8Array(4) }, quadsOf([]))).toThrow(
      "Expected an image of shape [height, width, 3], got [2, 2].",
    );
  });
});
