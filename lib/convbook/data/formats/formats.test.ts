import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, gzipSync } from "node:zlib";
import { PNG } from "pngjs";
import { create } from "tar";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readDecoded, writeDecoded } from "../decoded-cache.ts";
import { DataError } from "../error.ts";
import { readCifarRecords } from "./cifar-binary.ts";
import { readIdx } from "./idx.ts";
import { decodePng } from "./png.ts";
import { readTarGz } from "./tar.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "convbook-formats-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe("IDX", () => {
  const file = (magic: number, sizes: number[], data: number[]): Uint8Array => {
    const bytes = Buffer.alloc(4 + 4 * sizes.length + data.length);
    bytes.writeUInt32BE(magic);
    for (const [i, size] of sizes.entries()) {
      bytes.writeUInt32BE(size, 4 + 4 * i);
    }
    bytes.set(data, 4 + 4 * sizes.length);
    return bytes;
  };
  test("is read, gzipped or not", () => {
    const bytes = file(0x0802, [2, 3], [1, 2, 3, 4, 5, 6]);
    for (const content of [bytes, gzipSync(bytes)]) {
      const { shape, data } = readIdx(content, "x");
      expect(shape).toEqual([2, 3]);
      expect([...data]).toEqual([1, 2, 3, 4, 5, 6]);
    }
  });
  test.each<[string, Uint8Array, string]>([
    ["empty", new Uint8Array(0), "a.idx is not an IDX file of bytes: it has 0 bytes."],
    ["floats", file(0x0d01, [1], [0, 0, 0, 0]), "it begins with 0x00000d01, not 0x000008 and a number of dimensions."],
    ["no dimensions", file(0x0800, [], []), "it begins with 0x00000800"],
    ["cut off in its header", file(0x0803, [2], []), "it ends within its header, after 8 bytes."],
    ["cut off", file(0x0801, [4], [1, 2, 3]), "its header tells of 4 bytes, but 3 follow."],
    ["lying", file(0x0803, [0xffffffff, 0xffffffff, 0xffffffff], []), "but 0 follow."],
    ["gzipped, cut off in its header", gzipSync(file(0x0803, [2], [])), "it ends within its header, after 8 bytes."],
    [
      "gzipped and lying",
      gzipSync(file(0x0802, [60_000, 30_000], [])),
      "tells of 60000 x 30000 bytes, which its 32 cannot",
    ],
    [
      "gzipped and too long",
      gzipSync(file(0x0801, [9], Array(20_000).fill(7))),
      "more follows than its header tells of.",
    ],
    ["gzipped and too short", gzipSync(file(0x0801, [9], [1])), "its header tells of 9 bytes, but 1 follow."],
    ["broken gzip", gzipSync(file(0x0801, [4], [1, 2, 3, 4])).subarray(0, 20), "its compression is broken"],
  ])("that is %s is refused", (_, bytes, message) => {
    expect(() => readIdx(bytes, "a.idx")).toThrow(DataError);
    expect(() => readIdx(bytes, "a.idx")).toThrow(message);
  });
});

describe("CIFAR's records", () => {
  test("become images with the channels last", () => {
    const bytes = new Uint8Array(2 * 3074);
    bytes.set([4, 77], 3074);
    bytes
      .fill(1, 3076, 3076 + 1024)
      .fill(2, 3076 + 1024, 3076 + 2048)
      .fill(3, 3076 + 2048);
    const images = new Uint8Array(2 * 3072);
    expect(readCifarRecords(bytes, 2, images, "x").map((kind) => [...kind])).toEqual([
      [0, 4],
      [0, 77],
    ]);
    expect([...images.subarray(3072, 3078)]).toEqual([1, 2, 3, 1, 2, 3]);
  });
  test.each([0, 3073, 3075])("of %i bytes are refused", (size) => {
    expect(() => readCifarRecords(new Uint8Array(size), 2, new Uint8Array(9999), "b.bin")).toThrow(
      `b.bin has ${size} bytes, which is not as many records of 3074 as expected.`,
    );
  });
});

describe("a .tar.gz", () => {
  const wanted = new Map([
    ["in/a.txt", 10],
    ["in/b.txt", 10],
  ]);
  async function archive(name: string, files: Record<string, string>): Promise<string> {
    const from = join(folder, `${name}-content`);
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(from, path, ".."), { recursive: true });
      await writeFile(join(from, path), content);
    }
    const file = join(folder, name);
    await create({ gzip: true, cwd: from, file }, Object.keys(files));
    return file;
  }
  async function read(file: string): Promise<Record<string, string>> {
    const got: Record<string, string> = {};
    await readTarGz(file, wanted, (name, bytes) => {
      got[name] = Buffer.from(bytes).toString();
    });
    return got;
  }

  test("gives the files that are asked for, and unpacks nothing", async () => {
    const file = await archive("good.tgz", { "in/a.txt": "one", "in/c.txt": "not asked for", "in/b.txt": "two" });
    const before = await readdir(folder, { recursive: true });
    expect(await read(file)).toEqual({ "in/a.txt": "one", "in/b.txt": "two" });
    expect(await readdir(folder, { recursive: true })).toEqual(before);
  });

  test("is refused when it lacks a file, or has one too large", async () => {
    await expect(read(await archive("lacks.tgz", { "in/a.txt": "one" }))).rejects.toThrow(
      /lacks\.tgz: it does not hold in\/b\.txt\.$/,
    );
    await expect(read(await archive("large.tgz", { "in/a.txt": "12345678901", "in/b.txt": "" }))).rejects.toThrow(
      /large\.tgz: in\/a\.txt has 11 bytes; at most 10 are expected\.$/,
    );
  });

  test("is refused when it has a file twice", async () => {
    await mkdir(join(folder, "twice", "in"), { recursive: true });
    await writeFile(join(folder, "twice/in/a.txt"), "a");
    const file = join(folder, "twice.tgz");
    await create({ gzip: true, cwd: join(folder, "twice"), file }, ["in/a.txt", "in/a.txt"]);
    await expect(read(file)).rejects.toThrow("the file in/a.txt is in it twice");
  });

  test("is refused when it is cut off anywhere, or is none", async () => {
    const whole = execFileSync("cat", [await archive("whole.tgz", { "in/a.txt": "one", "in/b.txt": "two" })]);
    const file = join(folder, "cut.tgz");
    for (let size = 0; size < whole.length; size += 7) {
      await writeFile(file, whole.subarray(0, size));
      await expect(read(file)).rejects.toThrow(DataError);
    }
    await writeFile(file, "This is no archive, it only has its name.");
    await expect(read(file)).rejects.toThrow(DataError);
  });
});

describe("PNG", () => {
  const image = (colorType: 0 | 2 | 4 | 6, bitDepth: 8 | 16): Buffer => {
    const png = new PNG({ width: 2, height: 1, inputColorType: 6, colorType, bitDepth });
    png.data = Buffer.from([10, 10, 10, 255, 200, 200, 200, 0]);
    return PNG.sync.write(png, { colorType, bitDepth });
  };
  test.each<[string, 0 | 2 | 4 | 6]>([
    ["grey", 0],
    ["RGB", 2],
    ["grey with alpha", 4],
    ["RGB with alpha", 6],
  ])("%s is read, transparency dropped", (_, colorType) => {
    const { shape, data } = decodePng(image(colorType, 8), "x.png");
    expect(shape).toEqual([1, 2, 3]);
    // The encoder mixes transparent pixels with white where the file has no alpha.
    expect([...data.subarray(0, 3)]).toEqual([10, 10, 10]);
    expect([...data.subarray(3)]).toEqual(colorType >= 4 ? [200, 200, 200] : [255, 255, 255]);
  });

  test("that is cut off anywhere, or none, is refused by name", () => {
    const whole = image(2, 8);
    for (let size = 0; size < whole.length - 12; size++) {
      expect(() => decodePng(whole.subarray(0, size), "cut.png")).toThrow(
        /^cut\.png is not a PNG image that can be read: /,
      );
    }
    expect(() => decodePng(Buffer.from("GIF89a......................"), "x.gif")).toThrow(DataError);
  });

  test("that tells of too many pixels is refused before memory is taken, at a limit that can be set", () => {
    const wide = png([1 << 20, 1 << 20]);
    expect(() => decodePng(wide, "bomb.png")).toThrow(
      "bomb.png is not a PNG image that can be read: it tells of 1099511627776 pixels; at most 178956970 are read (CONVBOOK_MAX_PIXELS sets how many).",
    );
    const two = image(2, 8);
    expect(() => decodePng(two, "two.png", { maxPixels: 1 })).toThrow("it tells of 2 pixels; at most 1 are read");
    expect(() => decodePng(two, "two.png", { maxPixels: 0 })).toThrow("maxPixels is 0; expected a number of pixels");
    vi.stubEnv("CONVBOOK_MAX_PIXELS", "1");
    expect(() => decodePng(two, "two.png")).toThrow("it tells of 2 pixels; at most 1 are read");
    expect(decodePng(two, "two.png", { maxPixels: 2 }).shape).toEqual([1, 2, 3]);
    vi.stubEnv("CONVBOOK_MAX_PIXELS", "many");
    expect(() => decodePng(two, "two.png")).toThrow('CONVBOOK_MAX_PIXELS is "many"; expected a number of pixels');
    vi.stubEnv("CONVBOOK_MAX_PIXELS", String(2 ** 40));
    expect(() => decodePng(wide, "bomb.png")).toThrow(
      /its data has \d+ bytes, which cannot hold the 1099512676352 of its/,
    );
    vi.unstubAllEnvs();
  });

  /** A PNG that tells of another size than it has, with a checksum that fits. */
  function png([width, height]: readonly [number, number]): Buffer {
    const bytes = Buffer.from(image(0, 8));
    bytes.writeUInt32BE(width, 16);
    bytes.writeUInt32BE(height, 20);
    bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
    return bytes;
  }
});

describe("the cache of decoded images", () => {
  const decoded = {
    shape: [1, 2, 3],
    images: Uint8Array.from({ length: 12 }, (_, i) => i),
    labels: { fine: Int32Array.of(1, 2), coarse: Int32Array.of(3, 4) },
    note: "a note",
  };
  test("gives back what was written, in shared memory", async () => {
    const path = join(folder, "decoded.bin");
    await writeDecoded(path, "source", decoded);
    const read = await readDecoded(path, "source");
    expect(read).toEqual(decoded);
    expect(read?.images.buffer).toBeInstanceOf(SharedArrayBuffer);
  });
  test("gives nothing where any byte of it has changed", async () => {
    const path = join(folder, "flipped.bin");
    await writeDecoded(path, "source", decoded);
    const bytes = readFileSync(path);
    const header = bytes.indexOf(10);
    for (const at of [...Array(header).keys(), ...Array.from({ length: bytes.length - 4096 }, (_, i) => 4096 + i)]) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] as number) ^ 1;
      writeFileSync(path, flipped);
      expect(await readDecoded(path, "source"), `byte ${at}`).toBeUndefined();
    }
    writeFileSync(path, bytes);
    expect(await readDecoded(path, "source")).toEqual(decoded);
  });
  test("gives nothing for another source, a cut file, other content or none", async () => {
    const path = join(folder, "other.bin");
    expect(await readDecoded(path, "source")).toBeUndefined();
    await writeDecoded(path, "source", decoded);
    expect(await readDecoded(path, "another")).toBeUndefined();
    const whole = execFileSync("cat", [path]);
    for (const size of [0, 10, 4096, 4100, whole.length - 1]) {
      await writeFile(path, whole.subarray(0, size));
      expect(await readDecoded(path, "source")).toBeUndefined();
    }
    await writeFile(path, whole.fill(0, 0, 10));
    expect(await readDecoded(path, "source")).toBeUndefined();
    expect(existsSync(path)).toBe(true);
  });
});
