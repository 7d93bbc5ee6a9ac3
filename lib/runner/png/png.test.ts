/** PNG files as they should not be. What Pillow 9.4 makes of whole ones is in convbook's tests of images. */
import { createHash } from "node:crypto";
import { crc32, deflateSync } from "node:zlib";
import { PNG } from "pngjs";
import { describe, expect, test } from "vitest";
import { decodePng, PngError } from "./index.ts";

type Chunk = readonly [name: string, content: Uint8Array];

function file(chunks: readonly Chunk[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from("89504e470d0a1a0a", "hex")];
  for (const [name, content] of chunks) {
    const body = Buffer.concat([Buffer.from(name, "latin1"), content]);
    const numbers = Buffer.alloc(8);
    numbers.writeUInt32BE(content.length);
    numbers.writeUInt32BE(crc32(body), 4);
    parts.push(numbers.subarray(0, 4), body, numbers.subarray(4));
  }
  return Buffer.concat(parts);
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth?: number;
  readonly colorType?: number;
  readonly interlace?: number;
}

function header({ width, height, depth = 8, colorType = 0, interlace = 0 }: Header): Chunk {
  const content = Buffer.alloc(13);
  content.writeUInt32BE(width);
  content.writeUInt32BE(height, 4);
  content.set([depth, colorType, 0, 0, interlace], 8);
  return ["IHDR", content];
}

const end: Chunk = ["IEND", Buffer.alloc(0)];
const png = (of: Header, data: Uint8Array, ...before: Chunk[]): Buffer =>
  file([header(of), ...before, ["IDAT", data], end]);

/** Three rows of four grey pixels, each row after its filter's byte. */
const rows = Buffer.from([0, 1, 2, 3, 4, 1, 5, 1, 1, 1, 2, 1, 1, 1, 1]);
const small = { width: 4, height: 3 };
const grey = [1, 2, 3, 4, 5, 6, 7, 8, 6, 7, 8, 9];
const greyOf = (bytes: Uint8Array): number[] => {
  const { width, height, data } = decodePng(bytes, { channels: 3 });
  return Array.from({ length: width * height }, (_, i) => data[3 * i] as number);
};

describe("image data that is too short", () => {
  test("is refused, whatever memory held before", () => {
    // Memory that is given back full of a pattern: a decoder that takes what it finds shows it.
    for (let i = 0; i < 64; i++) {
      Buffer.allocUnsafeSlow(1 << 20).fill(0xa5);
    }
    for (let missing = 1; missing <= rows.length; missing++) {
      const left = rows.length - missing;
      const short = png(small, deflateSync(rows.subarray(0, left)));
      expect(() => decodePng(short)).toThrow(`its data ends after ${left} of 15 bytes`);
    }
  });

  test("is refused when it is interlaced, too", () => {
    // Adam7 of 4 x 3: one pixel, one, a row of two, two rows of two, a row of four, with a filter's byte each.
    const whole = Buffer.from([0, 1, 0, 3, 0, 6, 8, 0, 2, 4, 0, 7, 9, 0, 5, 6, 7, 8]);
    const interlaced = { ...small, interlace: 1 };
    expect(() => decodePng(png(interlaced, deflateSync(whole)))).not.toThrow();
    for (let size = 0; size < whole.length; size++) {
      expect(() => decodePng(png(interlaced, deflateSync(whole.subarray(0, size))))).toThrow(
        `its data ends after ${size} of 18 bytes`,
      );
    }
  });

  test("is refused by what it could hold at most, before memory is taken", () => {
    const before = process.memoryUsage().arrayBuffers;
    let peak = 0;
    const checkSize = () => {
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    };
    for (const interlace of [0, 1]) {
      const bomb = png({ width: 16_384, height: 16_384, interlace }, deflateSync(Buffer.alloc(0)));
      expect(bomb).toHaveLength(65);
      expect(() => decodePng(bomb)).toThrow("it tells of 268435456 pixels; at most 178956970 are read");
      expect(() => decodePng(bomb, { checkSize })).toThrow(
        /^its data has 8 bytes, which cannot hold the 2684\d{5} of its pixels$/,
      );
    }
    checkSize();
    expect(peak).toBeLessThan(1 << 20);
  });

  test("is not refused where it is as dense as deflate can be", () => {
    const dense = deflateSync(Buffer.alloc(1001 * 4000), { level: 9 });
    expect((1001 * 4000) / dense.length).toBeGreaterThan(1000);
    expect(decodePng(png({ width: 1000, height: 4000 }, dense)).data).toHaveLength(4_000_000 * 4);
  });
});

// https://github.com/pngjs/pngjs/issues/298
describe("bytes that belong to nothing are passed over", () => {
  const packed = deflateSync(rows);
  const junk = Buffer.from("This belongs to nothing.");
  test.each<[string, Uint8Array]>([
    ["behind the stream, in its chunk", png(small, Buffer.concat([packed, junk]))],
    ["behind the stream, zeros", png(small, Buffer.concat([packed, Buffer.alloc(300)]))],
    ["behind the stream, in a chunk of their own", file([header(small), ["IDAT", packed], ["IDAT", junk], end])],
    ["between the data and the end", Buffer.concat([file([header(small), ["IDAT", packed]]), junk, file([end])])],
    ["after the end", Buffer.concat([png(small, packed), junk])],
    ["after the end, as few as are no chunk", Buffer.concat([png(small, packed), Buffer.from([10])])],
    ["after the end, another image", Buffer.concat([png(small, packed), png(small, packed)])],
    ["instead of an end", Buffer.concat([file([header(small), ["IDAT", packed]]), junk])],
    ["pixels more than there is room for", png(small, deflateSync(Buffer.concat([rows, Buffer.alloc(1)])))],
    ["very many pixels more", png(small, deflateSync(Buffer.concat([rows, Buffer.alloc(5_000_000)])))],
    [
      "very many pixels more, interlaced",
      png({ width: 1, height: 1, interlace: 1 }, deflateSync(Buffer.alloc(5_000_000))),
    ],
    ["many pixels more that do not deflate", png(small, deflateSync(Buffer.concat([rows, noise(300_000)])))],
  ])("%s", (_, bytes) => {
    const pixels = greyOf(bytes);
    expect(pixels).toEqual(pixels.length === 1 ? [0] : grey);
  });

  test("and data in many chunks, some empty, is put together", () => {
    const pieces = Array.from(packed, (byte): Chunk => ["IDAT", Buffer.from([byte])]);
    expect(greyOf(file([header(small), ["IDAT", Buffer.alloc(0)], ...pieces, end]))).toEqual(grey);
  });

  /** Bytes that deflate finds nothing in, the same each time. */
  function noise(length: number): Buffer {
    return Buffer.concat(Array.from({ length: length / 20 }, (_, i) => createHash("sha1").update(String(i)).digest()));
  }
});

describe("what is wrong is said", () => {
  const data = deflateSync(rows);
  const wrongAdler = Buffer.from(data);
  wrongAdler[wrongAdler.length - 1] = (wrongAdler.at(-1) as number) ^ 1;
  const changed = (at: number): Buffer => {
    const bytes = png(small, data);
    bytes[at] = (bytes[at] as number) ^ 1;
    return bytes;
  };
  test.each<[string, Uint8Array]>([
    ["it does not begin as one", Buffer.from("GIF89a")],
    ["it ends before its header", Buffer.from("89504e470d0a1a0a", "hex")],
    ["its first chunk is IDAT, not IHDR", file([["IDAT", data]])],
    ["its first chunk is CgBI, not IHDR", file([["CgBI", Buffer.alloc(4)], header(small)])],
    ["the checksum of its chunk IHDR is wrong", changed(19)],
    ["the checksum of its chunk IDAT is wrong", changed(45)],
    ["its data is broken (incorrect data check)", png(small, wrongAdler)],
    ["its data is broken (incorrect header check)", png(small, Buffer.from("no zlib stream"))],
    ["it has no image data", file([header(small), end])],
    ["there is no chunk at byte 33", Buffer.concat([file([header(small)]), Buffer.from("not a chunk at all")])],
    ["it has a chunk ABCD, which is not known", png(small, data, ["ABCD", Buffer.alloc(1)])],
    ["it has no pixels", png({ width: 0, height: 3 }, data)],
    ["it has 3 bits of colour type 0, which do not go together", png({ ...small, depth: 3 }, data)],
    ["it has 16 bits of colour type 3, which do not go together", png({ ...small, depth: 16, colorType: 3 }, data)],
    ["its interlace method is 2, which is not known", png({ ...small, interlace: 2 }, data)],
    ["it has no palette", png({ ...small, colorType: 3 }, data)],
    ["its palette has 4 bytes", png({ ...small, colorType: 3 }, data, ["PLTE", Buffer.alloc(4)])],
    ["a row has the filter 5, which is not known", png({ width: 1, height: 1 }, deflateSync(Buffer.from([5, 1])))],
  ])("%s", (message, bytes) => {
    expect(() => decodePng(bytes)).toThrow(PngError);
    expect(() => decodePng(bytes)).toThrow(message);
  });
});

describe("transparency", () => {
  test("of one colour counts where all of its bits agree", () => {
    const sixteen = Buffer.from([0, 1, 2, 1, 3]);
    const of = { width: 2, height: 1, depth: 16 };
    expect([...decodePng(png(of, deflateSync(sixteen), ["tRNS", Buffer.from([1, 3])])).data]).toEqual([
      1, 1, 1, 255, 1, 1, 1, 0,
    ]);
  });
  test("of a palette's entries is theirs, and opaque where none is told", () => {
    const chunks: Chunk[] = [
      ["PLTE", Buffer.from([10, 20, 30, 40, 50, 60])],
      ["tRNS", Buffer.from([7])],
    ];
    const of = { width: 3, height: 1, depth: 2, colorType: 3 };
    // The index 2 is not in the palette: grey of that value, as Pillow has it.
    const bytes = png(of, deflateSync(Buffer.from([0, 0b00_01_10_00])), ...chunks);
    expect([...decodePng(bytes).data]).toEqual([10, 20, 30, 7, 40, 50, 60, 255, 2, 2, 2, 255]);
    expect([...decodePng(bytes, { channels: 3 }).data]).toEqual([10, 20, 30, 40, 50, 60, 2, 2, 2]);
  });
  test("as another implementation reads it", () => {
    const width = 23;
    const source = new PNG({ width, height: 9 });
    for (let i = 0; i < source.data.length; i++) {
      source.data[i] = (i * 37 + (i >> 4)) & 255;
    }
    for (const colorType of [0, 2, 4, 6] as const) {
      for (const filterType of [0, 1, 2, 3, 4] as const) {
        const bytes = PNG.sync.write(source, { colorType, filterType });
        expect(Buffer.from(decodePng(bytes).data).equals(PNG.sync.read(bytes).data)).toBe(true);
      }
    }
  });
});
