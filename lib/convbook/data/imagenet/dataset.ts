/** ImageNet 2012 as torchvision has it: `torchvision.datasets.ImageNet`. */
import { join } from "node:path";
import { checkInteger, checkText } from "../../arguments/check.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import { expandHome } from "../../files/index.ts";
import type { Dataset, Shipment } from "../dataset.ts";
import { DataError } from "../error.ts";
import { ImageFolder, type ImageFolderOptions } from "../image-folder.ts";
import type { LabelledSample } from "../sample.ts";
import { checkTransform, type Transform } from "../transforms/transform.ts";
import type { ImageNetMeta } from "./devkit.ts";
import { type ImageNetSplit, type PrepareImageNetOptions, prepareImageNet } from "./prepare.ts";

export interface ImageNetOptions
  extends Pick<ImageFolderOptions, "transform" | "maxPixels">,
    Omit<PrepareImageNetOptions, "splits"> {
  /** The training images (default), or those to validate on. */
  readonly split?: ImageNetSplit;
}

/**
 * The images of a folder that {@link prepareImageNet} has unpacked or will unpack, with torchvision's order, numbers and names.
 *
 * @example
 * const data = await ImageNet.open("imagenet", { split: "val", transform: new Compose([new Resize(256), new CenterCrop(224)]) });
 * data.classes[0]; // ["tench", "Tinca tinca"]
 */
export class ImageNet implements Dataset<LabelledSample> {
  readonly split: ImageNetSplit;
  /** The images as a folder of classes. */
  readonly images: ImageFolder;
  /** The classes' numbers in WordNet, by the classes' numbers here. */
  readonly wnids: readonly string[];
  /** Each class's names, by its number. */
  readonly classes: readonly (readonly string[])[];

  private constructor(split: ImageNetSplit, images: ImageFolder, classes: readonly (readonly string[])[]) {
    this.split = split;
    this.images = images;
    this.wnids = images.classes;
    this.classes = classes;
  }

  /**
   * Opens the folder, unpacking its archives where they are not.
   *
   * @throws {DataError} what {@link prepareImageNet} throws, or naming a folder that is no class of the development kit
   */
  static async open(root: string, options: ImageNetOptions = {}): Promise<ImageNet> {
    checkText("ImageNet", "root", root, "the path of a folder");
    refuseUnknownOptions("ImageNet", options, ["split", "transform", "maxPixels", "verify", "onImage", "signal"]);
    const { split = "train", transform, maxPixels, ...preparing } = options;
    if (split !== "train" && split !== "val") {
      throw new OptionError("ImageNet", "split", split, '"train" or "val"');
    }
    checkTransform("ImageNet", transform);
    if (maxPixels !== undefined) {
      checkInteger("ImageNet", "maxPixels", maxPixels, 1);
    }
    const meta = await prepareImageNet(root, { ...preparing, splits: [split] });
    const images = await ImageFolder.open(join(expandHome(root), split), {
      ...(transform !== undefined && { transform }),
      ...(maxPixels !== undefined && { maxPixels }),
    });
    return new ImageNet(split, images, classNames(images, meta));
  }

  /** The class's number by one of its names, or undefined. */
  classIndex(name: string): number | undefined {
    const index = this.classes.findIndex((names) => names.includes(name));
    return index === -1 ? undefined : index;
  }

  get length(): number {
    return this.images.length;
  }

  get(index: number): LabelledSample {
    return this.images.get(index);
  }

  /** The same images with another transform. */
  withTransform(transform: Transform | null): ImageNet {
    return new ImageNet(this.split, this.images.withTransform(transform), this.classes);
  }

  shipment(): Shipment | undefined {
    return this.images.shipment();
  }
}

/** The names of a folder's classes. */
export function classNames({ root, classes }: ImageFolder, meta: ImageNetMeta): (readonly string[])[] {
  return classes.map((wnid) => {
    const names = meta.classes.get(wnid);
    if (names === undefined) {
      const file = join(root, wnid);
      throw new DataError("format", `${file} is the folder of no class in the development kit.`, { file });
    }
    return names;
  });
}
