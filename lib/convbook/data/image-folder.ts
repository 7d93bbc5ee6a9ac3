/** Image files in folders named after their classes: `torchvision.datasets.ImageFolder`, the layout of ImageNet. */
import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { resolveInside } from "../files/index.ts";
import { defaultGenerator } from "../random/index.ts";
import { checkIndex, type Dataset, type ImageData8, type LabelledSample, type Shipment } from "./dataset.ts";
import { DataError } from "./error.ts";
import { IMAGE_EXTENSIONS, loadImageDecoders } from "./formats/image.ts";
import { type ImageSourceSpec, sampleOfFile } from "./sources/image-source.ts";
import { ToTensor } from "./transforms/tensor.ts";
import type { Transform } from "./transforms/transform.ts";

export interface ImageFolderOptions {
  /** Applied to an image each time it is had; ToTensor where it is left out, null for none. */
  readonly transform?: Transform | null;
  /** Endings of the files that count, in lower case; .jpg, .jpeg and .png where they are left out. */
  readonly extensions?: readonly string[];
}

/**
 * Images in `root/CLASS/…/NAME.png`. Classes have the numbers of their folders' names in order; images come class by class, by name.
 *
 * @example
 * const data = await ImageFolder.open("pets", { transform: new Resize([64, 64]) });
 */
export class ImageFolder implements Dataset<LabelledSample> {
  readonly root: string;
  readonly classes: readonly string[];
  readonly transform: Transform | null;
  /** Paths below the root, with forward slashes. */
  readonly files: readonly string[];
  /** The class number of every file. */
  readonly targets: Int32Array;

  private constructor(
    root: string,
    classes: readonly string[],
    files: readonly string[],
    targets: Int32Array,
    transform: Transform | null,
  ) {
    this.root = root;
    this.classes = classes;
    this.files = files;
    this.targets = targets;
    this.transform = transform;
  }

  /**
   * Looks through the folders; the images are read when they are had.
   * @param root the folder of the classes' folders
   * @throws {DataError} naming the folder, when it cannot be read, has no folders, or one of them has no images or leads elsewhere
   */
  static async open(
    root: string,
    { transform = new ToTensor(), extensions = IMAGE_EXTENSIONS }: ImageFolderOptions = {},
  ): Promise<ImageFolder> {
    await loadImageDecoders();
    const folders = (await entries(root)).filter((entry) => entry.isDirectory()).map(({ name }) => name);
    if (folders.length === 0) {
      throw new DataError("format", `${root} has no folders; each class needs one with its images.`, { file: root });
    }
    const files: string[] = [];
    const targets: number[] = [];
    const empty: string[] = [];
    for (const [label, folder] of folders.entries()) {
      const found = await imagesBelow(root, folder, extensions);
      if (found.length === 0) empty.push(folder);
      for (const file of found) {
        files.push(file);
        targets.push(label);
      }
    }
    if (empty.length > 0) {
      const list = empty.slice(0, 10).join(", ") + (empty.length > 10 ? ` and ${empty.length - 10} more` : "");
      throw new DataError("format", `${root}: no images (${extensions.join(", ")}) in the classes' folders ${list}.`, {
        file: root,
      });
    }
    return new ImageFolder(root, folders, files, Int32Array.from(targets), transform);
  }

  get length(): number {
    return this.files.length;
  }

  /** The sample at `index`, transformed; what is random in the transform draws from the default generator. */
  get(index: number): LabelledSample {
    const data = this.raw(index);
    return [
      this.transform === null ? data : this.transform.apply(data, defaultGenerator),
      this.targets[index] as number,
    ];
  }

  /**
   * The image before any transform, [height, width, 3].
   * @throws {DataError} naming the file, when it cannot be read
   */
  raw(index: number): ImageData8 {
    checkIndex(`The image folder ${this.root}`, index, this.length);
    return sampleOfFile(this.#source(), index)[0] as ImageData8;
  }

  /** The same images with another transform. */
  withTransform(transform: Transform | null): ImageFolder {
    return new ImageFolder(this.root, this.classes, this.files, this.targets, transform);
  }

  shipment(): Shipment | undefined {
    const transform = this.transform === null ? null : this.transform.toSpec?.();
    if (transform === undefined) return undefined;
    const files = this.#source();
    return {
      source: transform === null ? files : { kind: "transformed", source: files, transform },
      indexOf: (index) => index,
    };
  }

  #source(): ImageSourceSpec {
    return { kind: "image-files", root: this.root, files: this.files, labels: this.targets };
  }
}

async function imagesBelow(root: string, folder: string, extensions: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  const folders: string[] = [];
  for (const entry of await entries(join(root, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isSymbolicLink()) await checkLink(root, path);
    if (entry.isDirectory()) folders.push(path);
    else if (extensions.includes(extname(entry.name).toLowerCase())) files.push(path);
  }
  for (const inner of folders) files.push(...(await imagesBelow(root, inner, extensions)));
  return files;
}

async function checkLink(root: string, path: string): Promise<void> {
  try {
    await resolveInside(root, path);
  } catch (error) {
    throw new DataError(
      "format",
      `${join(root, path)} is a link that cannot be followed: ${(error as Error).message}`,
      {
        file: join(root, path),
        cause: error,
      },
    );
  }
}

/** A folder's entries in the order of their names. */
async function entries(folder: string): Promise<Dirent[]> {
  try {
    const found = await readdir(folder, { withFileTypes: true });
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw new DataError("format", `The folder ${folder} cannot be read: ${(error as Error).message}`, {
      file: folder,
      cause: error,
    });
  }
}
