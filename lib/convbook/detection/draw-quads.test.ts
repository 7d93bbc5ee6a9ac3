import { describe, expect, it } from "vitest";
import { drawQuads } from "./draw-quads.ts";
import { quadsOf } from "./quads.ts";

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
