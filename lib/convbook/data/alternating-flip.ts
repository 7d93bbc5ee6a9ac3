/**
 * Mirroring without chance: half of the images, drawn once, are mirrored in the first epoch, the others in the second, and so on in turns. Every two
 * epochs show each image from both sides, where coins thrown anew show half of them twice from the same (K. Jordan 2024, arXiv:2404.00498, section 3.6).
 */
import { checkGenerator, checkInteger } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { defaultGenerator, type Generator } from "../random/index.ts";
import { checkDataset, type Dataset, type Shipment } from "./dataset.ts";
import { describedBy } from "./description.ts";
import type { LabelledSample } from "./sample.ts";
import { mirrored } from "./sources/mirrored.ts";

/**
 * A data set's samples [height, width, channels], mirrored left to right every other epoch. Put it around the data set with its transforms.
 *
 * @example
 * const flipped = new AlternatingFlip(images.withTransform(transform), { generator: new Generator(1) });
 * const loader = new DataLoader(flipped, { batchSize: 128, shuffle: true });
 * for (flipped.epoch = 0; flipped.epoch < 8; flipped.epoch++) {
 *   for await (const [images, labels] of loader) {
 *     // ...
 *   }
 * }
 */
export class AlternatingFlip implements Dataset<LabelledSample> {
  readonly dataset: Dataset<LabelledSample>;
  readonly #first: Uint8Array;
  #epoch = 0;

  /**
   * @param dataset gives images, of bytes or numbers
   * @param options what decides which images begin: the default generator where it is left out
   */
  constructor(dataset: Dataset<LabelledSample>, options: { readonly generator?: Generator } = {}) {
    refuseUnknownOptions("AlternatingFlip", options, ["generator"]);
    checkDataset("AlternatingFlip", dataset);
    const { generator = defaultGenerator } = options;
    checkGenerator("AlternatingFlip", generator);
    this.dataset = dataset;
    this.#first = Uint8Array.from({ length: dataset.length }, () => (generator.uniformFloat() < 0.5 ? 1 : 0));
  }

  get length(): number {
    return this.dataset.length;
  }

  /** Counts the epochs from 0; a loader that is under way goes on with the epoch in which it began. */
  get epoch(): number {
    return this.#epoch;
  }

  set epoch(epoch: number) {
    this.#epoch = checkInteger("AlternatingFlip", "epoch", epoch, 0);
  }

  /** Whether the image at `index` is mirrored in an epoch, the present one by default. */
  isMirrored(index: number, epoch: number = this.#epoch): boolean {
    if (!(index in this.#first)) {
      throw new OptionError("AlternatingFlip.isMirrored", "index", index, `a whole number below ${this.length}`);
    }
    return ((this.#first[index] ?? 0) + epoch) % 2 === 1;
  }

  get(index: number): LabelledSample | Promise<LabelledSample> {
    const isMirrored = this.isMirrored(index);
    const turned = (sample: LabelledSample) => (isMirrored ? mirrored(sample) : sample);
    const sample = this.dataset.get(index);
    return sample instanceof Promise ? sample.then(turned) : turned(sample);
  }

  shipment(): Shipment | undefined {
    const inner = describedBy(this.dataset, "shipment");
    if (inner === undefined) {
      return undefined;
    }
    const epoch = this.#epoch;
    // Whether it is mirrored goes along in the index, so that the other thread need not know of epochs.
    return {
      source: { kind: "mirrored", source: inner.source },
      indexOf: (index) => 2 * inner.indexOf(index) + (this.isMirrored(index, epoch) ? 1 : 0),
    };
  }
}
