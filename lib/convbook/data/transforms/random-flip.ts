/** Mirroring at random, drawn as torchvision draws. */
import { checkGenerator } from "../../arguments/check.ts";
import { defaultGenerator, type Generator } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import type { ImageData8 } from "../sample.ts";
import { flipHorizontally, flipVertically } from "./geometry.ts";
import { asImage, parseProbability, type Transform, type TransformSpec } from "./transform.ts";

/** Mirrors left to right with probability p: `torchvision.transforms.RandomHorizontalFlip`. */
export class RandomHorizontalFlip implements Transform {
  readonly p: number;

  /** @throws {RangeError} when p is not within [0, 1] */
  constructor(p = 0.5) {
    this.p = parseProbability("RandomHorizontalFlip", p);
  }

  apply(data: TensorData, generator: Generator = defaultGenerator): ImageData8 {
    checkGenerator("RandomHorizontalFlip", generator);
    const image = asImage("RandomHorizontalFlip", data);
    return generator.uniformFloat() < this.p ? flipHorizontally(image) : image;
  }

  toSpec(): TransformSpec {
    return { name: "RandomHorizontalFlip", args: [this.p] };
  }
}

/** Mirrors top to bottom with probability p: `torchvision.transforms.RandomVerticalFlip`. */
export class RandomVerticalFlip implements Transform {
  readonly p: number;

  /** @throws {RangeError} when p is not within [0, 1] */
  constructor(p = 0.5) {
    this.p = parseProbability("RandomVerticalFlip", p);
  }

  apply(data: TensorData, generator: Generator = defaultGenerator): ImageData8 {
    checkGenerator("RandomVerticalFlip", generator);
    const image = asImage("RandomVerticalFlip", data);
    return generator.uniformFloat() < this.p ? flipVertically(image) : image;
  }

  toSpec(): TransformSpec {
    return { name: "RandomVerticalFlip", args: [this.p] };
  }
}
