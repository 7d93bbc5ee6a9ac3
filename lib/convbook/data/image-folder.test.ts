import "@tensorflow/tfjs-backend-cpu";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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

  test("what is no image", () => {
    expect(() => decodeImage(new Uint8Array(0), "e.png")).toThrow(
      "e.png is neither a PNG nor a JPEG image: it is empty.",
    );
    expect(() => decodeImage(Buffer.from("GIF89a"), "g.png")).toThrow(
      "g.png is neither a PNG nor a JPEG image: it begins with 47494638.",
    );
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
        `${other}: no images (.jpg, .jpeg, .png) in the classes' folders bee.`,
      );
      await symlink(join(images, "one.png"), join(other, "bee/link.png"));
      await expect(ImageFolder.open(other)).rejects.toThrow(
        /link\.png is a link that cannot be followed: .*leads out of the folder/,
      );
    } finally {
      await rm(other, { recursive: true });
    }
  });
});
