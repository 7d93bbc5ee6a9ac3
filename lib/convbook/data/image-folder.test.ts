import "@tensorflow/tfjs-backend-cpu";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import tree from "./fixtures/image-folder.json" with { type: "json" };
import { DataError, DataLoader, decodeImage, ImageFolder, loadImageDecoders } from "./index.ts";
import { CenterCrop, Compose, Resize, ToTensor } from "./transforms/index.ts";

const images = fileURLToPath(new URL("fixtures/images", import.meta.url));
const { evaluation, ...files } = JSON.parse(readFileSync(`${images}.json`, "utf8")) as Record<
  string,
  { shape: number[]; sha256: string; data?: string }
>;
const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const read = (name: string): Uint8Array => readFileSync(join(images, name));

beforeAll(loadImageDecoders);

describe("images are decoded as Pillow does", () => {
  test.each(Object.entries(files))("%s", (name, expected) => {
    const { shape, data } = decodeImage(read(name), name);
    expect(shape).toEqual(expected.shape);
    if (expected.data === undefined) {
      expect(hash(data)).toBe(expected.sha256);
      return;
    }
    // Another decoder's arithmetic for CMYK: one step apart at most.
    const want = Buffer.from(expected.data, "base64");
    expect(
      data.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (want[i] as number))), 0),
    ).toBeLessThan(2);
  });

  test("and resized and cropped as torchvision's evaluation does", () => {
    const image = new Compose([new Resize(32), new CenterCrop(28)]).apply(decodeImage(read("baseline.jpg"), "x"));
    expect(image.shape).toEqual(evaluation?.shape);
    expect(hash(image.data as Uint8Array)).toBe(evaluation?.sha256);
  });

  test("leaving no ImageData behind", () => {
    decodeImage(read("baseline.jpg"), "x");
    expect("ImageData" in globalThis).toBe(false);
  });
});

describe("images that are broken are named", () => {
  test.each(["baseline.jpg", "progressive.jpg", "cmyk.jpg", "grey.jpg"])("%s, cut off anywhere", (name) => {
    const whole = read(name);
    for (let size = 0; size < whole.length - 2; size += 13) {
      expect(() => decodeImage(whole.subarray(0, size), "cut.jpg")).toThrow(
        /^cut\.jpg is (not a JPEG image that can be read|neither)/,
      );
    }
    expect(() => decodeImage(whole.subarray(0, whole.length - 2), "cut.jpg")).toThrow("it is cut off.");
  });

  test("a JPEG with bytes changed is decoded or refused, and the next is decoded right", () => {
    const whole = read("baseline.jpg");
    for (let at = 2; at < whole.length; at += 29) {
      const broken = Uint8Array.from(whole);
      broken[at] = (broken[at] as number) ^ 0x5a;
      try {
        decodeImage(broken, "broken.jpg");
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
        expect((error as Error).message).toMatch(/^broken\.jpg/);
      }
      expect(hash(decodeImage(whole, "x").data)).toBe(files["baseline.jpg"]?.sha256);
    }
  });

  test("and leave the decoder fit for the next image, however many there were", () => {
    // A file that libjpeg gives up in the middle leaves memory and stack taken; after some eighty nothing more could be decoded.
    const whole = read("full-chroma.jpg");
    const broken = Uint8Array.from(whole);
    broken.set([0xff, 0x31], whole.length - 40);
    for (let i = 0; i < 150; i++) {
      expect(() => decodeImage(broken, "x.jpg")).toThrow("Unsupported marker type 0x31");
    }
    expect(hash(decodeImage(whole, "x.jpg").data)).toBe(files["full-chroma.jpg"]?.sha256);
  });

  test("what is no image", () => {
    expect(() => decodeImage(new Uint8Array(0), "e.png")).toThrow(
      "e.png is neither a PNG, JPEG, GIF, BMP nor PPM image: it is empty.",
    );
    expect(() => decodeImage(Buffer.from("RIFX"), "r.png")).toThrow(
      "r.png is neither a PNG, JPEG, GIF, BMP nor PPM image: it begins with 52494658.",
    );
  });

  test.each([
    ["a WebP image", "RIFF\x10\0\0\0WEBPVP8 "],
    ["a TIFF image", "II*\0\x08\0\0\0"],
    ["a TIFF image", "MM\0*\0\0\0\x08"],
  ])("%s is refused by name", (kind, start) => {
    expect(() => decodeImage(Buffer.from(start, "latin1"), "x.png")).toThrow(
      `x.png is ${kind}, which is not read here; convert it to PNG.`,
    );
  });

  test("a GIF, cut off anywhere, and codes that stand for nothing", () => {
    const whole = read("interlaced.gif");
    for (let size = 6; size < whole.length - 2; size += 7) {
      expect(() => decodeImage(whole.subarray(0, size), "cut.gif")).toThrow(
        /^cut\.gif is not a GIF image that can be read: it is cut off after \d+ bytes\.$/,
      );
    }
    const header = [...Buffer.from("GIF89a"), 4, 0, 4, 0, 0, 0, 0];
    const picture = (...packed: number[]) =>
      Uint8Array.from([...header, 0x2c, 0, 0, 0, 0, 4, 0, 4, 0, 0, 2, packed.length, ...packed, 0, 0x3b]);
    for (const [bytes, message] of [
      [picture(), "it has 0 of 16 pixels"],
      [picture(0b00_101_100), "it has 0 of 16 pixels"],
      [picture(0b00_111_100), "code 7 stands for nothing"],
      [Uint8Array.from([...header, 0x3b]), "there is no picture in it"],
      [Uint8Array.from([...Buffer.from("GIF88a"), ...header.slice(6)]), "it is of no version that is known"],
    ] as const) {
      expect(() => decodeImage(bytes, "x.gif")).toThrow(`x.gif is not a GIF image that can be read: ${message}.`);
    }
    const large = Uint8Array.from([
      ...header.slice(0, 6),
      0xff,
      0xff,
      0xff,
      0xff,
      0,
      0,
      0,
      0x2c,
      0,
      0,
      0,
      0,
      1,
      0,
      1,
      0,
      0,
      2,
      0,
    ]);
    expect(() => decodeImage(large, "x.gif")).toThrow("it tells of 4294836225 pixels; at most 178956970 are read");
  });

  // Pillow 9.4 reads what is read here, to the same pixels.
  test("a JPEG with an Adobe marker that is cut off, and one with bytes that no marker begins", () => {
    const whole = Buffer.from(read("baseline.jpg"));
    const withBytes = (...bytes: number[]) =>
      Buffer.concat([whole.subarray(0, 2), Buffer.from(bytes), whole.subarray(2)]);
    const adobe = [...Buffer.from("Adobe"), 0, 100];
    const { data } = decodeImage(whole, "x.jpg");
    for (const bytes of [withBytes(0xff, 0xee, 0, 2), withBytes(0xff, 0xee, 0, 9, ...adobe)]) {
      expect(Buffer.from(decodeImage(bytes, "x.jpg").data).equals(Buffer.from(data))).toBe(true);
    }
    const message = (what: string) => `x.jpg is not a JPEG image that can be read: ${what}`;
    expect(() => decodeImage(withBytes(0, 0x11, 0x22), "x.jpg")).toThrow(message("there is no marker at byte 2."));
    expect(() => decodeImage(Buffer.concat([Buffer.from([0, 1]), whole]), "x.jpg")).toThrow(
      /^x\.jpg is neither a PNG, JPEG,/,
    );
  });

  test("a JPEG that is coded in another way", () => {
    const whole = Uint8Array.from(read("baseline.jpg"));
    const frame = Buffer.from(whole).indexOf(Buffer.from([0xff, 0xc0]));
    const changed = (place: number, ...values: number[]): Uint8Array => {
      const bytes = Uint8Array.from(whole);
      bytes.set(values, frame + place);
      return bytes;
    };
    for (const [bytes, message] of [
      [changed(1, 0xc9), "Sorry, arithmetic coding is not implemented"],
      [changed(1, 0xc3), "Unsupported JPEG process: SOF type 0xc3"],
      [changed(4, 12), "it has 12 bits a colour; only 8 are read"],
      [changed(5, 0, 0), "it has no pixels"],
      [changed(5, 0xff, 0xff, 0xff, 0xff), "it tells of 4294836225 pixels; at most 178956970 are read"],
      [changed(5, 0x30, 0, 0x30, 0), `its ${whole.length} bytes cannot hold its 12288 x 12288 pixels`],
    ] as const) {
      expect(() => decodeImage(bytes, "x.jpg")).toThrow(`x.jpg is not a JPEG image that can be read: ${message}`);
    }
    expect(() => decodeImage(whole, "x.jpg", { maxPixels: 1000 })).toThrow("it tells of 1665 pixels; at most 1000");
  });

  test.each(["rgb.bmp", "rgba.bmp", "palette.bmp", "bilevel.bmp", "rgb.ppm", "grey.pgm", "bilevel.pbm", "text.ppm"])(
    "%s, cut off anywhere",
    (name) => {
      const whole = read(name);
      const last = name === "text.ppm" ? whole.length - 4 : whole.length;
      for (let size = 0; size < last; size += size < 100 ? 1 : 13) {
        expect(() => decodeImage(whole.subarray(0, size), "cut")).toThrow(/^cut is (not a (BMP|PPM) image|neither)/);
      }
    },
  );

  test("a BMP or PPM that is compressed, too large or lies", () => {
    const bmp = (change: (view: DataView) => void): Uint8Array => {
      const bytes = Uint8Array.from(read("palette.bmp"));
      change(new DataView(bytes.buffer));
      return bytes;
    };
    const text = (content: string): Uint8Array => Buffer.from(content);
    for (const [bytes, message] of [
      [bmp((view) => view.setUint32(30, 1, true)), "it is compressed by RLE8, which is not read here"],
      [bmp((view) => view.setUint16(28, 5, true)), "it has 5 bits a pixel"],
      [bmp((view) => view.setInt32(18, -3, true)), "its width is -3"],
      [bmp((view) => view.setInt32(18, 16_000, true)), /it has \d+ of 592000 bytes of pixels/],
      [bmp((view) => view.setInt32(18, 2 ** 30, true)), "it tells of 39728447488 pixels; at most 178956970 are read"],
      [bmp((view) => view.setUint32(46, 2, true)), "of 2"],
      [text("P5 2 1 15\n\x03\x70"), "it has the value 112, more than its largest, 15"],
      [text("P6 9999 9999 255\n"), "it has 0 of 299940003 bytes of pixels"],
      [text("P6 99999 99999 255\n"), "it tells of 9999800001 pixels"],
      [text("P5 2 1 70000\n"), "its largest value is 70000, which is not from 1 to 65535"],
      [text("P2 two 1 255\n"), "its width is no number"],
    ] as const) {
      expect(() => decodeImage(bytes, "x")).toThrow(DataError);
      expect(() => decodeImage(bytes, "x")).toThrow(message);
    }
  });
});

describe("ImageFolder", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "convbook-images-"));
    for (const path of ["dog/b.jpg", "dog/deep/a.png", "cat/z.png", "cat/A.PNG", "ant/1.jpeg"]) {
      await mkdir(join(folder, path, ".."), { recursive: true });
      await copyFile(join(images, path.toLowerCase().endsWith("png") ? "rgba.png" : "cmyk.jpg"), join(folder, path));
    }
    await writeFile(join(folder, "dog/notes.txt"), "no image");
    await writeFile(join(folder, "readme.md"), "no class");
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("finds classes and images in order", async () => {
    const data = await ImageFolder.open(folder);
    expect(data.classes).toEqual(["ant", "cat", "dog"]);
    expect(data.files).toEqual(["ant/1.jpeg", "cat/A.PNG", "cat/z.png", "dog/b.jpg", "dog/deep/a.png"]);
    expect([...data.targets]).toEqual([0, 1, 1, 2, 2]);
    expect(data.raw(1).shape).toEqual([37, 45, 3]);
    const [image, label] = data.get(4);
    expect([image.dtype, label]).toEqual(["float32", 2]);
    expect(() => data.get(5)).toThrow(`The image folder ${folder} has no sample 5: indices go from 0 to 4.`);
  });

  test.each([0, 2])("gives batches with %i workers", async (numWorkers) => {
    await tf.setBackend("cpu");
    const data = await ImageFolder.open(folder, { transform: new Compose([new Resize([8, 9]), new ToTensor()]) });
    const labels: number[] = [];
    for await (const [x, y] of new DataLoader(data, { batchSize: 2, numWorkers })) {
      expect(x.shape.slice(1)).toEqual([8, 9, 3]);
      labels.push(...y.dataSync());
      tf.dispose([x, y]);
    }
    expect(labels).toEqual([0, 1, 1, 2, 2]);
  });

  test("names a broken image and its index, from a worker too", async () => {
    const broken = join(folder, "dog/b.jpg");
    const whole = readFileSync(broken);
    await writeFile(broken, whole.subarray(0, 300));
    try {
      const data = (await ImageFolder.open(folder)).withTransform(new Compose([new Resize([8, 9]), new ToTensor()]));
      for (const numWorkers of [0, 1]) {
        const epoch = new DataLoader(data, { batchSize: 5, numWorkers })[Symbol.asyncIterator]();
        const failure = await epoch.next().then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(failure).toMatchObject({ name: "DataError", code: "format", index: 3, file: broken });
        expect((failure as Error).message).toContain(
          `Sample 3 could not be made: ${broken} is not a JPEG image that can be read: `,
        );
      }
    } finally {
      await writeFile(broken, whole);
    }
  });

  test("names folders that do not serve", async () => {
    const other = await mkdtemp(join(tmpdir(), "convbook-empty-"));
    try {
      await expect(ImageFolder.open(join(other, "none"))).rejects.toThrow(/^The folder .*none cannot be read: ENOENT/);
      await expect(ImageFolder.open(other)).rejects.toThrow(
        `${other} has no folders; each class needs one with its images.`,
      );
      await mkdir(join(other, "bee"));
      await mkdir(join(other, "fly"));
      await copyFile(join(images, "one.png"), join(other, "fly/one.png"));
      await expect(ImageFolder.open(other)).rejects.toThrow(
        `${other}: no images (.jpg, .jpeg, .png, .ppm, .bmp, .pgm, .tif, .tiff, .webp) in the classes' folders bee.`,
      );
      const empty = await ImageFolder.open(other, { allowEmpty: true });
      expect([empty.classes, [...empty.targets]]).toEqual([["bee", "fly"], [1]]);
      await symlink("..", join(other, "bee/up"));
      await expect(ImageFolder.open(other)).rejects.toThrow(/bee\/up\/bee leads back to .*bee, in which it lies\.$/);
      await rm(join(other, "bee/up"));
      for (const [name, start, kind] of [
        ["a.tif", "II*\0", "a TIFF image"],
        ["b.WEBP", "RIFF\0\0\0\0WEBP", "a WebP image"],
      ] as const) {
        await writeFile(join(other, "bee", name), start);
        await expect(ImageFolder.open(other)).rejects.toThrow(
          `${join(other, "bee", name)} is ${kind}, which is not read here; convert it to PNG.`,
        );
        await rm(join(other, "bee", name));
      }
      await copyFile(join(images, "one.png"), join(other, "bee/named.tif"));
      expect((await ImageFolder.open(other)).raw(0).shape).toEqual([1, 1, 3]);
      await symlink("nowhere", join(other, "cow"));
      await expect(ImageFolder.open(other)).rejects.toThrow(
        `${join(other, "cow")} is a link that leads nowhere; a class may be missing.`,
      );
    } finally {
      await rm(other, { recursive: true });
    }
  });

  // https://github.com/pytorch/vision/issues/1580
  test("finds what torchvision finds: through links, of its kinds, in Python's order", async () => {
    const top = await mkdtemp(join(tmpdir(), "convbook-tree-"));
    try {
      for (const [path, target] of tree.tree as [string, string][]) {
        await mkdir(join(top, path, ".."), { recursive: true });
        if (target === "") {
          await copyFile(join(images, "one.png"), join(top, path));
        } else {
          await symlink(target, join(top, path));
        }
      }
      const data = await ImageFolder.open(join(top, "root"));
      expect(data.classes).toEqual(tree.classes);
      expect(data.files).toEqual(tree.files);
      expect([...data.targets]).toEqual(tree.targets);
      for (const linked of ["cat/1.png", "dog/linked.png", "dog/z/a.png"]) {
        expect(data.raw(data.files.indexOf(linked)).shape).toEqual([1, 1, 3]);
      }
      // Found, as torchvision does, and named when it is to be read.
      expect(() => data.raw(data.files.indexOf("dog/gone.jpg"))).toThrow(/dog\/gone\.jpg cannot be read: ENOENT/);
      const chosen = await ImageFolder.open(join(top, "root"), {
        isValidFile: (path) => path.startsWith(join(top, "root")) && /\/1\.png$/.test(path),
        allowEmpty: true,
      });
      expect(chosen.files).toEqual(tree.files.filter((file) => file.endsWith("/1.png")));
      await expect(ImageFolder.open(top, { extensions: [".png"], isValidFile: () => true })).rejects.toThrow(
        "ImageFolder takes extensions or isValidFile, not both.",
      );
    } finally {
      await rm(top, { recursive: true });
    }
  });

  test("reads no image of more pixels than it is told, in a worker neither", async () => {
    const data = await ImageFolder.open(folder, { maxPixels: 1664, transform: new ToTensor() });
    expect(() => data.raw(0)).toThrow("it tells of 1665 pixels; at most 1664 are read");
    const epoch = new DataLoader(data, { batchSize: 1, numWorkers: 1 })[Symbol.asyncIterator]();
    await expect(epoch.next()).rejects.toThrow("it tells of 1665 pixels; at most 1664 are read");
  });
});
