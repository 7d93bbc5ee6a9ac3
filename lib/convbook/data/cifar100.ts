/**
 * CIFAR-100: 60,000 colour images of 32 by 32 pixels in 100 classes, which belong to 20 superclasses.
 * A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", University of Toronto, 2009.
 */
import { checkText } from "../arguments/check.ts";
import { describeValue } from "../arguments/describe.ts";
import { found } from "../arguments/found.ts";
import { ArrayDataset } from "./array-dataset.ts";
import {
  binaryVersion,
  type CifarLabels,
  type CifarVersion,
  pythonVersion,
  readCifarArchive,
  readCifarFolder,
} from "./cifar-folder.ts";
import { only } from "./cifar10.ts";
import { CIFAR100_COARSE_CLASSES, CIFAR100_FINE_CLASSES } from "./cifar100-classes.ts";
import { decodedImages, type FetchOptions } from "./decode.ts";
import type { DecodedImages } from "./decoded-cache.ts";
import { DataError } from "./error.ts";
import { checkFetchOptions } from "./fetch-options.ts";
import type { Transform } from "./transforms/transform.ts";

export interface Cifar100Options extends FetchOptions {
  /** The 50,000 training images, or the 10,000 test images. */
  readonly train?: boolean;
  /** Applied to an image each time it is had; ToTensor where it is left out. */
  readonly transform?: Transform | null;
  /** Which labels: the 100 classes ("fine") or the 20 superclasses ("coarse"). */
  readonly labels?: "fine" | "coarse";
  /**
   * A folder of one's own with the authors' python version (`cifar-100-python.tar.gz`, or its `train` and `test`) or binary one (`train.bin` and
   * `test.bin`), of any number of images, in place of the whole set.
   */
  readonly folder?: string;
}

/** In the order of the binary version's bytes. */
const LABELS: CifarLabels = { coarse: ["coarse_labels", 20], fine: ["fine_labels", 100] };
const SHAPE = [32, 32, 3] as const;

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
  const decoded = folder === undefined ? await whole(part, fetch) : await readCifarFolder(folder, versions(part));
  return new ArrayDataset(decoded.images, SHAPE, found(decoded.labels[kind], kind), {
    name: `CIFAR-100 (${part}${folder === undefined ? "" : `, ${folder}`})`,
    classes,
    ...(transform === undefined ? {} : { transform }),
  });
}

function versions(part: "train" | "test"): readonly [python: CifarVersion, binary: CifarVersion] {
  return [pythonVersion("cifar-100", [part], LABELS), binaryVersion("cifar-100", [part], LABELS)];
}

function whole(part: "train" | "test", fetch: FetchOptions): Promise<DecodedImages> {
  const count = part === "train" ? 50_000 : 10_000;
  const decodeAs = (version: CifarVersion) => async (paths: ReadonlyMap<string, string>) => {
    const archive = only(paths);
    const decoded = await readCifarArchive(archive, version);
    if (decoded.labels.fine?.length !== count) {
      const name = `${version.folder}/${version.files.join(", ")}`;
      throw new DataError("format", `${archive}: ${name} does not have ${count} images.`, { file: archive });
    }
    return decoded;
  };
  const [python, binary] = versions(part);
  return decodedImages(
    part,
    [
      { manifest: "cifar100", decode: decodeAs(binary) },
      { manifest: "cifar100-python", decode: decodeAs(python) },
    ],
    fetch,
  );
}
