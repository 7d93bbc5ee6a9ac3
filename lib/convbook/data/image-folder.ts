/** Image files in folders named after their classes: `torchvision.datasets.ImageFolder`, the layout of ImageNet. */

import { join } from "node:path";
import { checkFunction, checkInteger, checkNames, checkText } from "../arguments/check.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { defaultGenerator } from "../random/index.ts";
import { checkIndex, type Dataset, type Shipment } from "./dataset.ts";
import { describedBy } from "./description.ts";
import { DataError } from "./error.ts";
import { IMAGE_EXTENSIONS, loadImageDecoders } from "./formats/image.ts";
import { filesOfClass, findClasses, refuseUnreadable } from "./image-files.ts";
import type { ImageData8, LabelledSample } from "./sample.ts";
import { type ImageSourceSpec, sampleOfFile } from "./sources/image-source.ts";
import { ToTensor } from "./transforms/tensor.ts";
import { checkTransform, type Transform } from "./transforms/transform.ts";

export interface ImageFolderOptions {
  /** Applied to an image each time it is had; ToTensor where it is left out, null for none. */
  readonly transform?: Transform | null;
  /** Endings of the files that count, in lower case; torchvision's where they are left out: .jpg .jpeg .png .ppm .bmp .pgm .tif .tiff .webp. */
  readonly extensions?: readonly string[];
  /** Says which files count, in place of `extensions`; is given each file's path. */
  readonly isValidFile?: (path: string) => boolean;
  /** Whether a class may have no images; otherwise that is an error. */
  readonly allowEmpty?: boolean;
  /** The most pixels of an image that is read, else `CONVBOOK_MAX_PIXELS`, else 178,956,970. */
  readonly maxPixels?: number;
}

/**
 * Images in `root/CLASS/…/NAME.png`, with torchvision's classes, numbers and order: classes have the numbers of their folders' names as
 * Python sorts them (by code points), images come class by class, folder by folder, by name. Symbolic links are followed wherever they
 * lead, as the folder's owner made them. JPEG, PNG, BMP and PPM/PGM are read; WebP and TIFF are found and refused by name.
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

  readonly #maxPixels: number | undefined;

  private constructor(
    found: Pick<ImageFolder, "root" | "classes" | "files" | "targets">,
    transform: Transform | null,
    maxPixels: number | undefined,
  ) {
    this.root = found.root;
    this.classes = found.classes;
    this.files = found.files;
    this.targets = found.targets;
    this.transform = transform;
    this.#maxPixels = maxPixels;
  }

  /**
   * Looks through the folders; the images are read when they are had.
   * @param root the folder of the classes' folders
   * @throws {DataError} naming the folder, when it cannot be read, has no folders, or one of them has no images; or naming a link at the top
   *   that leads nowhere, a link that leads back to where it lies, or a file of a kind that is not read
   * @throws {TypeError} when both `extensions` and `isValidFile` are given
   */
  static async open(root: string, options: ImageFolderOptions = {}): Promise<ImageFolder> {
    checkText("ImageFolder", "root", root, "the path of a folder");
    refuseUnknownOptions("ImageFolder", options, ["transform", "extensions", "isValidFile", "allowEmpty", "maxPixels"]);
    checkTransform("ImageFolder", options.transform);
    if (options.extensions !== undefined) {
      checkNames("ImageFolder", "extensions", options.extensions);
    }
    if (options.isValidFile !== undefined) {
      checkFunction("ImageFolder", "isValidFile", options.isValidFile);
    }
    if (options.maxPixels !== undefined) {
      checkInteger("ImageFolder", "maxPixels", options.maxPixels, 1);
    }
    const { transform = new ToTensor(), extensions, isValidFile, allowEmpty = false, maxPixels } = options;
    if (extensions !== undefined && isValidFile !== undefined) {
      throw new TypeError("ImageFolder takes extensions or isValidFile, not both.");
    }
    await loadImageDecoders();
    const endings = extensions ?? IMAGE_EXTENSIONS;
    const isValid = isValidFile
      ? (path: string) => isValidFile(join(root, path))
      : (path: string) => endings.some((ending) => path.toLowerCase().endsWith(ending));
    const classes = await findClasses(root);
    const files: string[] = [];
    const targets: number[] = [];
    const empty: string[] = [];
    for (const [label, folder] of classes.entries()) {
      const found = await filesOfClass(root, folder, isValid);
      if (found.length === 0) {
        empty.push(folder);
      }
      for (const file of found) {
        files.push(file);
        targets.push(label);
      }
    }
    if (empty.length > 0 && !allowEmpty) {
      const list = empty.slice(0, 10).join(", ") + (empty.length > 10 ? ` and ${empty.length - 10} more` : "");
      const kinds = isValidFile ? "" : ` (${endings.join(", ")})`;
      throw new DataError("format", `${root}: no images${kinds} in the classes' folders ${list}.`, { file: root });
    }
    await refuseUnreadable(root, files);
    return new ImageFolder({ root, classes, files, targets: Int32Array.from(targets) }, transform, maxPixels);
  }

  get length(): number {
    return this.files.length;
  }

  /** The sample at `index`, transformed; what is random in the transform draws from the default generator. */
  get(index: number): LabelledSample {
    const data = this.raw(index);
    return [this.transform === null ? data : this.transform.apply(data, defaultGenerator), this.targets[index] ?? 0];
  }

  /**
   * The image before any transform, [height, width, 3].
   * @throws {DataError} naming the file, when it cannot be read
   */
  raw(index: number): ImageData8 {
    checkIndex(`The image folder ${this.root}`, index, this.length);
    return sampleOfFile(this.#source(), index)[0];
  }

  /** The same images with another transform. */
  withTransform(transform: Transform | null): ImageFolder {
    return new ImageFolder(this, transform, this.#maxPixels);
  }

  shipment(): Shipment | undefined {
    const transform = this.transform === null ? null : describedBy(this.transform, "toSpec");
    if (transform === undefined) {
      return undefined;
    }
    const files = this.#source();
    return {
      source: transform === null ? files : { kind: "transformed", source: files, transform },
      indexOf: (index) => index,
    };
  }

  #source(): ImageSourceSpec {
    return {
      kind: "image-files",
      root: this.root,
      files: this.files,
      labels: this.targets,
      maxPixels: this.#maxPixels,
    };
  }
}
