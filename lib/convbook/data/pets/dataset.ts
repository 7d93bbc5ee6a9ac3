/** Oxford-IIIT Pet: cats and dogs of 37 breeds, each with its outline; `torchvision.datasets.OxfordIIITPet`. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkInteger, checkText } from "../../arguments/check.ts";
import { found } from "../../arguments/found.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import type { DownloadOptions } from "../../download/index.ts";
import { expandHome, messageOf } from "../../files/index.ts";
import { nearestNames } from "../../nn/errors.ts";
import { defaultGenerator } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import { checkIndex, type Dataset, type Shipment } from "../dataset.ts";
import type { FetchOptions } from "../decode.ts";
import { describedBy } from "../description.ts";
import { DataError } from "../error.ts";
import { checkFetchOptions } from "../fetch-options.ts";
import { decodeImage, loadImageDecoders } from "../formats/image.ts";
import type { ImageFolderOptions } from "../image-folder.ts";
import type { ImageData8 } from "../sample.ts";
import { type ImageSourceSpec, sampleOfFile } from "../sources/image-source.ts";
import { ToTensor } from "../transforms/tensor.ts";
import { checkTransform, type Transform } from "../transforms/transform.ts";
import { type PetsList, type PetsSplit, readPetsList } from "./annotations.ts";
import { petsFolder } from "./prepare.ts";

/** The targets by their names in torchvision. */
export interface PetTargets {
  /** The number of the breed. */
  readonly category: number;
  /** 0 for a cat, 1 for a dog. */
  readonly "binary-category": number;
  /** Of each pixel [height, width, 1]: 1 the animal, 2 what is around it, 3 its outline. */
  readonly segmentation: ImageData8;
}

/** The name of a target. */
export type PetTarget = keyof PetTargets;

/** One target, or several in a list. */
export type PetTargetChoice = PetTarget | readonly PetTarget[];

/** What a data set gives beside the image. */
export type PetTargetOf<T extends PetTargetChoice> = T extends PetTarget
  ? PetTargets[T]
  : { readonly [K in keyof T]: T[K] extends PetTarget ? PetTargets[T[K]] : never };

/** An image and its target. */
export type PetSample<T extends PetTargetChoice> = readonly [image: TensorData, target: PetTargetOf<T>];

export interface OxfordIIITPetOptions<T extends PetTargetChoice = "category">
  extends Pick<ImageFolderOptions, "transform" | "maxPixels"> {
  /** The 3,680 images to train and validate on (default), or the 3,669 to test on. */
  readonly split?: PetsSplit;
  /** What each image comes with; its breed's number where it is left out. */
  readonly targetTypes?: T;
}

const targetNames: readonly PetTarget[] = ["category", "binary-category", "segmentation"];
const optionNames = ["split", "targetTypes", "transform", "maxPixels"];

/** The species, by their numbers. */
export const PET_SPECIES: readonly string[] = ["Cat", "Dog"];

/**
 * The images of a folder with `images` and `annotations`, or of one with `oxford-iiit-pet` in it, where torchvision puts them; with torchvision's
 * numbers, order and names. {@link oxfordIIITPet} fetches them. Worker threads read images with one number as target; outlines are read on the
 * main thread. A transform changes the image alone.
 *
 * @example
 * const data = await OxfordIIITPet.open("data", { split: "test", targetTypes: ["category", "segmentation"], transform: null });
 * const [image, [breed, outline]] = data.get(0);
 * data.classes[breed]; // "Egyptian Mau"
 */
export class OxfordIIITPet<T extends PetTargetChoice = "category"> implements Dataset<PetSample<T>> {
  /** The folder with `images` and `annotations`. */
  readonly root: string;
  readonly split: PetsSplit;
  readonly targetTypes: T;
  readonly transform: Transform | null;
  /** The breeds' names, by their numbers. */
  readonly classes: readonly string[];
  /** The species' names, by their numbers. */
  readonly binaryClasses: readonly string[] = PET_SPECIES;
  readonly #list: PetsList;
  readonly #maxPixels: number | undefined;

  private constructor(
    { root, split, targetTypes, transform }: Pick<OxfordIIITPet<T>, "root" | "split" | "targetTypes" | "transform">,
    list: PetsList,
    maxPixels: number | undefined,
  ) {
    this.root = root;
    this.split = split;
    this.targetTypes = targetTypes;
    this.transform = transform;
    this.classes = list.classes;
    this.#list = list;
    this.#maxPixels = maxPixels;
  }

  /**
   * Opens a folder; the images are read when they are had.
   *
   * @throws {DataError} naming the folder or file that is missing, or the line of a list that is not as described
   */
  static async open<const T extends PetTargetChoice = "category">(
    root: string,
    options: OxfordIIITPetOptions<T> = {},
  ): Promise<OxfordIIITPet<T>> {
    checkText("OxfordIIITPet", "root", root, "the path of a folder");
    refuseUnknownOptions("OxfordIIITPet", options, optionNames);
    const { split = "trainval", transform = new ToTensor(), maxPixels } = options;
    const targetTypes = checkChoices("OxfordIIITPet", options);
    const given = expandHome(root);
    const inner = join(given, "oxford-iiit-pet");
    const folder = existsSync(inner) ? inner : given;
    for (const part of ["images", "annotations"]) {
      if (!existsSync(join(folder, part))) {
        const message = `${folder} has no folder ${part}; oxfordIIITPet() fetches and unpacks what belongs there.`;
        throw new DataError("format", message, { file: folder });
      }
    }
    const list = await readPetsList(join(folder, "annotations"), split);
    await loadImageDecoders();
    return new OxfordIIITPet<T>({ root: folder, split, targetTypes: targetTypes as T, transform }, list, maxPixels);
  }

  get length(): number {
    return this.#list.ids.length;
  }

  /** The numbers of the breeds, of every image. */
  get targets(): Int32Array {
    return this.#list.breeds;
  }

  /** The numbers of the species, of every image. */
  get binaryTargets(): Int32Array {
    return this.#list.species;
  }

  /** The images' files below the root, with forward slashes. */
  get files(): readonly string[] {
    return this.#list.ids.map((id) => `images/${id}.jpg`);
  }

  /** The sample at `index`, its image transformed; what is random in the transform draws from the default generator. */
  get(index: number): PetSample<T> {
    const image = this.raw(index);
    const types: PetTargetChoice = this.targetTypes;
    const target =
      typeof types === "string" ? this.#target(types, index) : types.map((each) => this.#target(each, index));
    return [this.transform === null ? image : this.transform.apply(image, defaultGenerator), target as PetTargetOf<T>];
  }

  /**
   * The image before any transform, [height, width, 3].
   * @throws {DataError} naming the file, when it cannot be read
   */
  raw(index: number): ImageData8 {
    checkIndex(`OxfordIIITPet (${this.split})`, index, this.length);
    return sampleOfFile(this.#source(this.targets), index)[0];
  }

  /** The same images with another transform. */
  withTransform(transform: Transform | null): OxfordIIITPet<T> {
    checkTransform("OxfordIIITPet", transform);
    const { root, split, targetTypes } = this;
    return new OxfordIIITPet<T>({ root, split, targetTypes, transform }, this.#list, this.#maxPixels);
  }

  shipment(): Shipment | undefined {
    const types: PetTargetChoice = this.targetTypes;
    const labels = { category: this.targets, "binary-category": this.binaryTargets }[String(types)];
    const transform = this.transform === null ? null : describedBy(this.transform, "toSpec");
    if (typeof types !== "string" || labels === undefined || transform === undefined) {
      return undefined;
    }
    const files = this.#source(labels);
    return {
      source: transform === null ? files : { kind: "transformed", source: files, transform },
      indexOf: (index) => index,
    };
  }

  #source(labels: Int32Array): ImageSourceSpec {
    return { kind: "image-files", root: this.root, files: this.files, labels, maxPixels: this.#maxPixels };
  }

  #target(type: PetTarget, index: number): number | ImageData8 {
    if (type === "segmentation") {
      return this.#outline(found(this.#list.ids[index], `Image ${index}`));
    }
    return found((type === "category" ? this.targets : this.binaryTargets)[index], `Target ${index}`);
  }

  #outline(id: string): ImageData8 {
    const file = join(this.root, "annotations", "trimaps", `${id}.png`);
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(file);
    } catch (error) {
      throw new DataError("sample", `${file} cannot be read: ${messageOf(error)}`, { file, cause: error });
    }
    const { shape, data } = decodeImage(bytes, file, { maxPixels: this.#maxPixels });
    const [height = 0, width = 0] = shape;
    const values = new Uint8Array(height * width);
    for (const i of values.keys()) {
      const value = data[3 * i] ?? 0;
      if (value < 1 || value > 3 || data[3 * i + 1] !== value || data[3 * i + 2] !== value) {
        throw new DataError("format", `${file} is no outline: it has other numbers than 1, 2 and 3.`, { file });
      }
      values[i] = value;
    }
    return { dtype: "uint8", shape: [height, width, 1], data: values };
  }
}

export interface FetchedPetsOptions<T extends PetTargetChoice = "category">
  extends OxfordIIITPetOptions<T>,
    FetchOptions,
    Pick<DownloadOptions, "mirror"> {}

/**
 * Opens Oxford-IIIT Pet, fetching it (811 MB) and unpacking it into the cache the first time.
 *
 * @param options `mirror` names a folder or an address that is asked first, where both archives lie under `oxford-iiit-pet/`
 * @throws {DownloadError} when it cannot be had
 * @throws {DataError} when it is not what it should be
 */
export async function oxfordIIITPet<const T extends PetTargetChoice = "category">(
  options: FetchedPetsOptions<T> = {},
): Promise<OxfordIIITPet<T>> {
  const owner = "oxfordIIITPet";
  refuseUnknownOptions(owner, options, [...optionNames, "mirror", "onProgress", "signal", "cache", "offline"]);
  const { split, targetTypes, transform, maxPixels, mirror, ...fetch } = options;
  checkFetchOptions(owner, fetch);
  checkChoices(owner, options);
  if (mirror !== undefined && mirror !== null) {
    checkText(owner, "mirror", mirror, "a folder, an address or null");
  }
  const root = await petsFolder({ ...fetch, ...(mirror !== undefined && { mirror }) });
  return OxfordIIITPet.open<T>(root, {
    ...(split !== undefined && { split }),
    ...(targetTypes !== undefined && { targetTypes }),
    ...(transform !== undefined && { transform }),
    ...(maxPixels !== undefined && { maxPixels }),
  });
}

/** @returns the targets @throws {OptionError} naming the option that cannot be used */
function checkChoices(owner: string, options: OxfordIIITPetOptions<PetTargetChoice>): PetTargetChoice {
  const { split, targetTypes = "category", transform, maxPixels } = options;
  if (split !== undefined && split !== "trainval" && split !== "test") {
    throw new OptionError(owner, "split", split, '"trainval" or "test"');
  }
  const list: unknown = typeof targetTypes === "string" ? [targetTypes] : targetTypes;
  if (!Array.isArray(list) || list.length === 0) {
    throw new OptionError(owner, "targetTypes", targetTypes, `${targetNames.join(", ")} or a list of them`);
  }
  for (const name of list) {
    if (!targetNames.includes(name)) {
      const [nearest] = nearestNames(String(name), targetNames, 1);
      const hint = nearest === undefined ? "" : ` (did you mean "${nearest}"?)`;
      throw new OptionError(owner, "targetTypes", name, `${targetNames.join(", ")} or a list of them${hint}`);
    }
  }
  checkTransform(owner, transform);
  if (maxPixels !== undefined) {
    checkInteger(owner, "maxPixels", maxPixels, 1);
  }
  return targetTypes;
}
