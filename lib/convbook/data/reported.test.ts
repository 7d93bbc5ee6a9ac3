/** Pictures and folders where users of torchvision reported that it went wrong. Each title names the report; values are torchvision's own with Pillow. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Generator } from "../random/index.ts";
import { ImageFolder, transforms } from "./index.ts";

const address = (number: number) => `https://github.com/pytorch/vision/issues/${number}`;
const image = (height: number, width: number, channels: number, data?: readonly number[]) => ({
  dtype: "uint8" as const,
  shape: [height, width, channels],
  data: Uint8Array.from(data ?? Array.from({ length: height * width * channels }, (_, i) => i + 1)),
});

const folder = mkdtempSync(join(tmpdir(), "convbook-reported-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("ColorJitter", () => {
  const colours = image(3, 2, 3, [200, 30, 40, 10, 200, 90, 0, 0, 0, 255, 128, 0, 90, 90, 91, 12, 250, 250]);
  it.each([
    [-0.1, [200, 31, 142, 46, 200, 10, 0, 0, 0, 255, 0, 18, 90, 91, 91, 13, 250, 108]],
    [-0.5, [31, 200, 190, 200, 10, 117, 0, 0, 0, 0, 120, 255, 91, 91, 90, 250, 13, 13]],
    [0.3, [82, 200, 31, 46, 10, 200, 0, 0, 0, 0, 255, 72, 91, 90, 90, 197, 13, 250]],
  ])(`turns hues back as well as on, by %f (${address(8536)}, ${address(2563)})`, (hue, wanted) => {
    const turned = new transforms.ColorJitter({ hue: [hue, hue] }).apply(colours, new Generator(1));
    expect(Array.from(turned.data as Uint8Array)).toEqual(wanted);
  });
});

describe("RandomRotation", () => {
  const grey = (fill: number) => [fill, 3, 4, fill, 1, 6, 7, 12, 5, 10, 11, 16, fill, 13, 14, fill];
  it.each([0, 200])(
    `fills grey pictures and coloured ones alike, with %i (${address(1759)}, ${address(3309)})`,
    (fill) => {
      const rotation = new transforms.RandomRotation([30, 30], { fill });
      expect(Array.from(rotation.apply(image(4, 4, 1), new Generator(1)).data)).toEqual(grey(fill));
      const corner = Array.from(rotation.apply(image(4, 4, 3), new Generator(1)).data).slice(0, 6);
      expect(corner).toEqual([fill, fill, fill, 7, 8, 9]);
    },
  );
});

describe("RandomCrop", () => {
  const placesOf = (crop: transforms.RandomCrop, seeds: number) => {
    const places = new Set<string>();
    for (let seed = 0; seed < seeds; seed++) {
      const { data, shape } = crop.apply(image(1, 1, 1), new Generator(seed));
      const at = data.indexOf(1);
      places.add(`${Math.floor(at / (shape[1] as number))},${at % (shape[1] as number)}`);
    }
    return [...places].sort();
  };

  it(`shows all of a picture that is too small, anywhere (${address(576)})`, () => {
    const all = [0, 1, 2].flatMap((y) => [0, 1, 2].map((x) => `${y},${x}`));
    expect(placesOf(new transforms.RandomCrop(3, { padIfNeeded: true }), 100)).toEqual(all);
  });

  it("takes padding as left and right, above and below, or by side (https://github.com/pytorch/pytorch/issues/13704)", () => {
    // A picture of one pixel with two rows and four columns more: there is one place for the rectangle.
    expect(placesOf(new transforms.RandomCrop([3, 5], { padding: [2, 1] }), 20)).toEqual(["1,2"]);
    expect(placesOf(new transforms.RandomCrop([3, 5], { padding: [1, 2, 3, 0] }), 20)).toEqual(["2,1"]);
  });
});

describe("Resize", () => {
  it("gives the height and width that it was told, also where one of them is the smaller side's (https://github.com/pytorch/vision/pull/2518)", () => {
    const size = (given: transforms.Size, height: number, width: number) =>
      new transforms.Resize(given).apply(image(height, width, 1)).shape.slice(0, 2);
    expect(size([2, 5], 2, 3)).toEqual([2, 5]);
    expect(size([3, 2], 3, 2)).toEqual([3, 2]);
    expect(size([2, 2], 2, 9)).toEqual([2, 2]);
    expect(size(2, 2, 3)).toEqual([2, 3]);
    expect(size(5, 11, 7)).toEqual([7, 5]);
  });
});

describe("ImageFolder", () => {
  const write = (...names: string[]) => {
    const root = mkdtempSync(join(folder, "root-"));
    for (const name of names) {
      mkdirSync(join(root, name, ".."), { recursive: true });
      writeFileSync(join(root, name), "");
    }
    return root;
  };

  it(`finds names in capitals (${address(446)})`, async () => {
    const found = await ImageFolder.open(write("cat/a.JPEG", "cat/b.Png", "dog/c.jpg"));
    expect([found.length, found.classes]).toEqual([3, ["cat", "dog"]]);
  });

  it(`names a class without pictures, and a folder without any (${address(8297)}, ${address(72)})`, async () => {
    const root = write("cat/a.png");
    mkdirSync(join(root, "empty"));
    await expect(ImageFolder.open(root)).rejects.toThrow("empty");
    const flat = write("a.png");
    await expect(ImageFolder.open(flat)).rejects.toThrow(flat);
  });
});
