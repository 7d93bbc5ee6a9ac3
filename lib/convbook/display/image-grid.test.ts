import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { displaySymbol, encodePng, imageGrid } from "./index.ts";

/** A decoder written from the PNG standard, knowing the filters that the encoder may use, and no other. */
function decodePng(png: Uint8Array): { width: number; height: number; channels: number; data: number[] } {
  const bytes = Buffer.from(png);
  expect(bytes.subarray(0, 8).toString("hex")).toBe("89504e470d0a1a0a");
  const parts: Record<string, Buffer> = {};
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    parts[bytes.toString("latin1", at + 4, at + 8)] = bytes.subarray(at + 8, at + 8 + length);
    at += length + 12;
  }
  const header = parts.IHDR as Buffer;
  const width = header.readUInt32BE(0);
  const height = header.readUInt32BE(4);
  const channels = { 0: 1, 2: 3, 4: 2, 6: 4 }[header[9] as 0 | 2 | 4 | 6];
  const raw = inflateSync(parts.IDAT as Buffer);
  const stride = width * channels;
  const data: number[] = [];
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    for (let i = 0; i < stride; i++) {
      const value = raw[y * (stride + 1) + 1 + i] as number;
      const before =
        filter === 1
          ? i >= channels
            ? data[y * stride + i - channels]
            : 0
          : filter === 2
            ? y > 0
              ? data[(y - 1) * stride + i]
              : 0
            : Number.NaN;
      data.push((value + (before as number)) & 255);
    }
  }
  return { width, height, channels, data };
}

describe("PNG", () => {
  it.each([1, 2, 3, 4] as const)("with %i channels comes back", (channels) => {
    const data = Uint8Array.from({ length: 7 * 5 * channels }, (_, i) => (i * 37 + (i >> 3)) & 255);
    expect(decodePng(encodePng({ width: 7, height: 5, channels, data }))).toEqual({
      width: 7,
      height: 5,
      channels,
      data: [...data],
    });
  });
  it("refuses a wrong size", () => {
    expect(() => encodePng({ width: 2, height: 2, channels: 3, data: new Uint8Array(4) })).toThrow(
      "encodePng: data has 4 bytes; expected 2 x 2 x 3 = 12",
    );
    expect(() => encodePng({ width: 0, height: 2, channels: 3, data: new Uint8Array(0) })).toThrow(
      "encodePng: width is 0; expected a whole number of pixels above 0",
    );
  });
});

describe("image grid", () => {
  const red = { shape: [1, 1, 3], data: Uint8Array.of(255, 0, 0) };
  const grey = { shape: [1, 1], data: Float32Array.of(0.5) };

  it("enlarges to crisp squares, leaves gaps transparent and mixes grey with colour", () => {
    const { width, height, channels, data } = decodePng(imageGrid([red, grey], { scale: 2, padding: 1 }).toPng());
    expect([width, height, channels]).toEqual([5, 2, 4]);
    const row = [255, 0, 0, 255, 255, 0, 0, 255, 0, 0, 0, 0, 128, 128, 128, 255, 128, 128, 128, 255];
    expect(data).toEqual([...row, ...row]);
  });

  it("breaks into rows and paints the ground", () => {
    const { width, height, channels, data } = decodePng(
      imageGrid([red, red, red], { scale: 1, padding: 1, columns: 2, background: [1, 2, 3] }).toPng(),
    );
    expect([width, height, channels]).toEqual([3, 3, 4]);
    expect(data.slice(4, 8)).toEqual([1, 2, 3, 255]);
    expect(data.slice(-4)).toEqual([1, 2, 3, 255]);
  });

  it("enlarges pictures of different sizes alike, each in the middle of the largest one's cell", () => {
    // 3 x 2 pixels and one pixel, twice as large; the cell is 6 x 4, the small one's 2 x 2 have 2 columns and 1 row around them.
    const large = { shape: [2, 3], data: new Float32Array(6).fill(1) };
    const { width, height, channels, data } = decodePng(imageGrid([large, grey], { scale: 2, padding: 0 }).toPng());
    expect([width, height, channels]).toEqual([12, 4, 2]);
    const white = [255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255];
    const [clear, half] = [new Array(12).fill(0), [0, 0, 0, 0, 128, 255, 128, 255, 0, 0, 0, 0]];
    expect(data).toEqual([...white, ...clear, ...white, ...half, ...white, ...half, ...white, ...clear]);
  });

  it("undoes a normalisation, or stretches", () => {
    const normalized = { shape: [1, 2, 3], data: Float32Array.of(-1, 0, 1, 0, 0, 0) };
    const options = { mean: [0.5, 0.5, 0.2], std: [0.5, 0.5, 0.4], scale: 1, padding: 0 };
    expect(decodePng(imageGrid(normalized, options).toPng()).data).toEqual([0, 128, 153, 128, 128, 51]);
    const stretched = imageGrid(
      { shape: [1, 3, 1], data: Float32Array.of(-4, 0, 4) },
      { normalize: true, scale: 1, padding: 0 },
    );
    expect(decodePng(stretched.toPng()).data).toEqual([0, 128, 255]);
  });

  it("says when values were cut off", () => {
    expect(imageGrid({ shape: [1, 2], data: Float32Array.of(-2, 0.5) }).alt).toBe(
      "1 image (50 % of the values are outside of 0 to 1 and were cut off; pass mean and std, or normalize)",
    );
  });

  it("writes captions as text and in the alternative text, escaped", () => {
    const grid = imageGrid([red, red], {
      titles: [
        { text: "<cat> 93 %", correct: true },
        { text: "dog", correct: false },
      ],
      title: "A & B",
    });
    const bundle = grid[displaySymbol]();
    expect(Object.keys(bundle)).toEqual(["image/png", "text/plain"]);
    expect(bundle["text/plain"]).toBe("A & B: 2 images: ✓ <cat> 93 %, ✗ dog");
    const svg = grid.toSvg();
    expect(svg).toContain("✓\u00a0&#60;cat&#62;");
    expect(svg).toContain("A &#38; B</text>");
    expect(svg).not.toContain("<cat>");
    expect(Object.keys(imageGrid(red)[displaySymbol]())).toEqual(["image/png", "text/plain"]);
  });

  it("refuses what are no pictures", () => {
    expect(() => imageGrid([])).toThrow("imageGrid: there are no images");
    expect(() => imageGrid([red], { titles: ["a", "b"] })).toThrow("imageGrid: 2 titles for 1 images");
    expect(() => imageGrid({ shape: [3, 32, 32], data: new Float32Array(3072) })).toThrow(
      "images[0] has shape [3, 32, 32]; expected [H, W], [H, W, C] or [N, H, W, C] with C of 1, 3 or 4 (PyTorch's order [C, H, W]? transpose it)",
    );
    expect(() => imageGrid({ shape: [2, 2], data: [1] })).toThrow("images[0] has 1 values for shape [2, 2]");
    expect(() => imageGrid(red, { scale: 1.5 })).toThrow(
      "imageGrid: scale is 1.5; expected a whole number of at least 1",
    );
    expect(() => imageGrid(red, { mean: [0.5] })).toThrow("imageGrid: mean has 1 numbers for 3 channels");
    expect(() => imageGrid(red, { std: Number.NaN })).toThrow(
      "imageGrid: std is NaN; expected a number, or one a channel",
    );
    expect(() => imageGrid(red, { colums: 2 } as never)).toThrow(
      'imageGrid has no option "colums". Did you mean "columns"? Options: columns, titles, scale,',
    );
    expect(() => imageGrid(red, { background: [300, 0, 0] })).toThrow(
      "imageGrid: background is a list; expected [R, G, B] from 0 to 255",
    );
  });
});
