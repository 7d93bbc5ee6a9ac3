import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { selectBackend } from "../backend/index.ts";
import * as node from "./index.ts";

interface Fixture {
  readonly file: string;
  readonly shape: readonly [height: number, width: number];
  readonly pixels: { readonly [channels: string]: readonly number[] };
}

/** Images by Pillow, with what it reads from them. */
const images: Readonly<Record<string, Fixture>> = JSON.parse(
  readFileSync(new URL("fixtures/images.json", import.meta.url), "utf8"),
);

const bytesOf = (name: string): Uint8Array => Buffer.from(images[name]?.file as string, "base64");

beforeAll(() => selectBackend());

/** The largest difference of two lists of numbers of one length. */
function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

describe("decodeImage gives Pillow's pixels", () => {
  test.each([
    ["grey.png", 1, [1, 3, 4]],
    ["bits.png", 1, [1, 3, 4]],
    ["grey-alpha.png", 2, [1, 3, 4]],
    ["rgb.png", 3, [1, 3, 4]],
    ["rgba.png", 4, [1, 3, 4]],
    ["palette.png", 3, [1, 3, 4]],
    ["palette-alpha.png", 4, [1, 3, 4]],
    ["grey.jpg", 1, [1, 3]],
    ["rgb.jpg", 3, [1, 3]],
    ["rgb.bmp", 3, [3]],
  ])("%s has %i channels", (name, own, others) => {
    const { shape, pixels } = images[name] as Fixture;
    for (const channels of [0, ...others]) {
      const before = tf.memory().numTensors;
      const image = node.decodeImage(bytesOf(name), channels);
      expect(tf.memory().numTensors).toBe(before + 1);
      const expected = channels === 0 ? own : channels;
      expect(image.shape).toEqual([...shape, expected]);
      expect(image.dtype).toBe("int32");
      expect([...image.dataSync()], `${channels} channels`).toEqual(pixels[expected]);
      image.dispose();
    }
  });

  test("each kind has a function of its own", () => {
    expect(node.decodePng(bytesOf("rgba.png")).shape).toEqual([4, 5, 4]);
    expect(node.decodeJpeg(bytesOf("grey.jpg")).shape).toEqual([16, 24, 1]);
    expect(node.decodeBmp(bytesOf("rgb.bmp")).shape).toEqual([4, 5, 3]);
  });

  test("what cannot be decoded is said", () => {
    const png = bytesOf("rgb.png");
    const gif = Buffer.from("GIF89a\0\0\0\0");
    expect(() => node.decodeImage(gif)).toThrow("The image is a GIF image, which is not read here; convert it to PNG.");
    expect(() => node.decodeGif()).toThrow("decodeGif: GIF images are not decoded here; convert them to PNG.");
    expect(() => node.decodeImage(Buffer.from("text"))).toThrow(
      "The image is neither a PNG, JPEG, GIF, BMP nor PPM image",
    );
    expect(() => node.decodePng(png.subarray(0, -30))).toThrow("The image is not a PNG image that can be read: it ");
    expect(() => node.decodePng(bytesOf("rgb.jpg"))).toThrow("it does not begin as one.");
    expect(() => node.decodeJpeg(png)).toThrow("The image is not a JPEG image that can be read: it does not begin");
    expect(() => node.decodeJpeg(bytesOf("rgb.jpg").subarray(0, -20))).toThrow("it is cut off.");
    expect(() => node.decodeImage("cat.png" as never)).toThrow(
      "decodeImage: the image is of type string, expected the bytes of its file as a Uint8Array.",
    );
    expect(() => node.decodePng(png, 2)).toThrow("decodePng: channels is 2, expected one of 0, 1, 3, 4.");
    expect(() => node.decodeJpeg(png, 4)).toThrow("decodeJpeg: channels is 4, expected one of 0, 1, 3.");
    expect(() => node.decodeBmp(png, 4)).toThrow("decodeBmp: channels is 4, expected one of 0, 3.");
    expect(() => node.decodeImage(png, 0, "float32")).toThrow('decodeImage: dtype is "float32", expected "int32".');
    expect(() => node.decodeJpeg(bytesOf("rgb.jpg"), 0, 2)).toThrow("decodeJpeg: ratio is 2, expected 1; ");
  });
});

test("require works, as tfjs-node's users write it, and decodes at once", () => {
  const program = `
    const tf = require("@tensorflow/tfjs");
    const node = require("convbook/node");
    const image = node.decodeImage(Buffer.from(process.argv[1], "base64"));
    console.log(JSON.stringify([image.shape, [...image.dataSync()]]), "ImageData" in globalThis);`;
  const { stdout, stderr } = spawnSync(process.execPath, ["-e", program, images["rgb.jpg"]?.file as string], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    encoding: "utf8",
  });
  const { pixels } = images["rgb.jpg"] as Fixture;
  expect(stdout.trim(), stderr).toBe(`${JSON.stringify([[16, 24, 3], pixels[3]])} false`);
});

describe("encodePng", () => {
  test.each([1, 2, 3, 4])("%i channels come back", async (channels) => {
    const values = images["rgba.png"]?.pixels[channels] as number[];
    const image = tf.tensor3d(values, [4, 5, channels], "int32");
    const again = node.decodePng(await node.encodePng(image));
    expect(again.shape).toEqual(image.shape);
    expect([...again.dataSync()]).toEqual(values);
  });

  test("floats are cut off, and values that no byte holds are refused", async () => {
    const floats = tf.tensor3d([0.5, 255.9], [1, 2, 1]);
    expect([...node.decodePng(await node.encodePng(floats)).dataSync()]).toEqual([0, 255]);
    for (const value of [-1, 256, Number.NaN]) {
      await expect(node.encodePng(tf.tensor3d([0, 0, 0, value], [2, 2, 1]))).rejects.toThrow(
        `encodePng: the image is ${value} at [1, 1, 0], expected values from 0 to 255.`,
      );
    }
    await expect(node.encodePng(tf.zeros([2, 2]) as never)).rejects.toThrow(
      "encodePng: the image's shape is [2, 2], expected [height, width, 1 or 2 or 3 or 4].",
    );
  });
});

describe("encodeJpeg", () => {
  const image = (name: string) => node.decodeImage(bytesOf(name));
  const decoded = (bytes: Uint8Array) => node.decodeJpeg(bytes).dataSync();

  test("grey and colours come back nearly", async () => {
    for (const name of ["grey.jpg", "rgb.jpg"]) {
      const original = image(name);
      const bytes = await node.encodeJpeg(original, "", 95);
      expect(node.decodeJpeg(bytes).shape).toEqual(original.shape);
      expect(apart(decoded(bytes), original.dataSync())).toBeLessThanOrEqual(8);
    }
  });

  test.each([
    [8, 8],
    [16, 24],
    [17, 33],
    [100, 37],
  ])("blocks at the border are whole: %i x %i", async (height, width) => {
    // Colours that change slowly: nothing is lost by halving their resolution.
    const original = tf.tidy(() => {
      const rows = tf.range(0, height).div(height).reshape([height, 1, 1]).mul([100, 60, -50]);
      const columns = tf.range(0, width).div(width).reshape([1, width, 1]).mul([40, -80, 90]);
      return tf.add(rows, columns).add(100).toInt() as tf.Tensor3D;
    });
    for (const [progressive, downsampling] of [
      [false, true],
      [false, false],
      [true, true],
    ]) {
      const bytes = await node.encodeJpeg(original, "", 95, progressive, false, downsampling);
      expect(apart(decoded(bytes), original.dataSync())).toBeLessThanOrEqual(20);
    }
  });

  test("its options do what they say", async () => {
    const original = image("rgb.jpg");
    const fine = await node.encodeJpeg(original, "rgb", 95);
    const coarse = await node.encodeJpeg(original, "rgb", 5);
    expect(coarse.length).toBeLessThan(fine.length);
    const frame = (bytes: Uint8Array) =>
      bytes.findIndex((byte, i) => byte === 0xff && [0xc0, 0xc2].includes(bytes[i + 1] ?? 0));
    // The frame's marker: baseline, or progressive. Then the sampling of the first colour.
    const marker = (bytes: Uint8Array) => bytes[frame(bytes) + 1];
    const sampling = (bytes: Uint8Array) => bytes[frame(bytes) + 11];
    expect([marker(fine), sampling(fine)]).toEqual([0xc0, 0x22]);
    const progressive = await node.encodeJpeg(original, "rgb", 95, true, false, false);
    expect([marker(progressive), sampling(progressive)]).toEqual([0xc2, 0x11]);
    expect([...fine.subarray(6, 18)]).toEqual([...Buffer.from("JFIF\0\x01\x01\x01"), 1, 44, 1, 44]);
    const metric = await node.encodeJpeg(original, "rgb", 95, false, false, true, "cm", 100, 50);
    expect([...metric.subarray(13, 18)]).toEqual([2, 0, 100, 0, 50]);
  });

  test("leaves nothing in the global scope", async () => {
    await node.encodeJpeg(image("grey.jpg"));
    expect("ImageData" in globalThis).toBe(false);
  });

  test("arguments that are none are refused by name", async () => {
    const colours = image("rgb.jpg");
    await expect(node.encodeJpeg(colours, "grayscale")).rejects.toThrow(
      "encodeJpeg: the image's shape is [16, 24, 3], expected [height, width, 1].",
    );
    await expect(node.encodeJpeg(colours, "cmyk" as never)).rejects.toThrow(
      'encodeJpeg: format is "cmyk", expected "", "grayscale" or "rgb".',
    );
    await expect(node.encodeJpeg(colours, "", 101)).rejects.toThrow("encodeJpeg: quality is 101, expected a number");
    await expect(node.encodeJpeg(colours, "", 95, false, false, true, "mm" as never)).rejects.toThrow(
      'encodeJpeg: densityUnit is "mm", expected "in" or "cm".',
    );
    await expect(node.encodeJpeg(colours, "", 95, false, false, true, "in", 0)).rejects.toThrow(
      "encodeJpeg: xDensity is 0, expected an integer from 1 to 65535.",
    );
  });
});

test("SavedModels: what is not there says what to do", async () => {
  await expect(node.loadSavedModel()).rejects.toThrow(
    "tensorflowjs_converter --input_format=tf_saved_model FOLDER OUTPUT",
  );
  await expect(node.getMetaGraphsFromSavedModel()).rejects.toThrow(
    "getMetaGraphsFromSavedModel: a SavedModel is run by",
  );
  expect(node.getNumOfSavedModels()).toBe(0);
});
