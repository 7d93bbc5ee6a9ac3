/**
 * CIFAR-100: 60,000 colour images of 32 by 32 pixels in 100 classes, which belong to 20 superclasses.
 * A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", University of Toronto, 2009.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkText } from "../arguments/check.ts";
import { describeValue } from "../arguments/describe.ts";
import { found } from "../arguments/found.ts";
import { messageOf } from "../files/index.ts";
import { ArrayDataset } from "./array-dataset.ts";
import { only } from "./cifar10.ts";
import { CIFAR100_COARSE_CLASSES, CIFAR100_FINE_CLASSES } from "./cifar100-classes.ts";
import { decodedImages, type FetchOptions } from "./decode.ts";
import type { DecodedImages } from "./decoded-cache.ts";
import { DataError } from "./error.ts";
import { checkFetchOptions } from "./fetch-options.ts";
import { CIFAR_IMAGE_BYTES, readCifarRecords } from "./formats/cifar-binary.ts";
import { readTarGz } from "./formats/tar.ts";
import type { Transform } from "./transforms/transform.ts";

export interface Cifar100Options extends FetchOptions {
  /** The 50,000 training images, or the 10,000 test images. */
  readonly train?: boolean;
  /** Applied to an image each time it is had; ToTensor where it is left out. */
  readonly transform?: Transform | null;
  /** Which labels: the 100 classes ("fine") or the 20 superclasses ("coarse"). */
  readonly labels?: "fine" | "coarse";
  /** A folder with `train.bin` and `test.bin` in the binary format, of any number of records, in place of the whole set. */
  readonly folder?: string;
}

const SHAPE = [32, 32, 3] as const;
const RECORD_BYTES = 2 + CIFAR_IMAGE_BYTES;

/**
 * Loads CIFAR-100, fetching it (169 MB) the first time, or reads a folder of one's own in the same format.
 *
 * @throws {DownloadError} when it cannot be had
 * @throws {DataError} when a file is not what it should be
 */
export async function cifar100(options: Cifar100Options = {}): Promise<ArrayDataset> {
  checkFetchOptions("cifar100", options, ["labels", "folder"]);
  const { train = true, transform, labels: kind = "fine", folder, ...fetch } = options;
  if (kind !== "fine" && kind !== "coarse") {
    throw new RangeError(`cifar100's labels are "fine" or "coarse"; got ${describeValue(kind)}.`);
  }
  if (folder !== undefined) {
    checkText("cifar100", "folder", folder, "the path of a folder");
  }
  const part = train ? "train" : "test";
  const classes = kind === "fine" ? CIFAR100_FINE_CLASSES : CIFAR100_COARSE_CLASSES;
  const decoded = folder === undefined ? await whole(part, fetch) : await sample(join(folder, `${part}.bin`));
  return new ArrayDataset(decoded.images, SHAPE, found(decoded.labels[kind], kind), {
    name: `CIFAR-100 (${part}${folder === undefined ? "" : `, ${folder}`})`,
    classes,
    ...(transform === undefined ? {} : { transform }),
  });
}

function whole(part: "train" | "test", fetch: FetchOptions): Promise<DecodedImages> {
  const name = `cifar-100-binary/${part}.bin`;
  const count = part === "train" ? 50_000 : 10_000;
  const decode = async (paths: ReadonlyMap<string, string>): Promise<DecodedImages> => {
    const archive = only(paths);
    let decoded: DecodedImages | undefined;
    await readTarGz(archive, new Map([[name, count * RECORD_BYTES]]), (_, bytes) => {
      decoded = records(bytes, `${archive}: ${name}`);
    });
    if (decoded?.labels.fine?.length !== count) {
      throw new DataError("format", `${archive}: ${name} does not have ${count} records.`, { file: archive });
    }
    return decoded;
  };
  return decodedImages(part, [{ manifest: "cifar100", decode }], fetch);
}

async function sample(path: string): Promise<DecodedImages> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new DataError("format", `${path} cannot be read: ${messageOf(error)}`, { file: path, cause: error });
  }
  return records(bytes, path);
}

function records(bytes: Uint8Array, file: string): DecodedImages {
  const images = new Uint8Array(Math.floor(bytes.length / RECORD_BYTES) * CIFAR_IMAGE_BYTES);
  const [coarse, fine] = readCifarRecords(bytes, 2, images, file);
  return { shape: SHAPE, images, labels: { fine: found(fine, "fine"), coarse: found(coarse, "coarse") }, note: "" };
}
