/** CIFAR-10 as the recipe shows it. */
import * as tf from "@tensorflow/tfjs-core";
import { AlternatingFlip, type ArrayDataset, DataLoader, type Dataset, transforms } from "../../data/index.ts";
import type { ImageBatch } from "../../evaluation/index.ts";
import { Generator } from "../../random/index.ts";
import { mean, std } from "../tutorial5/published.ts";
import type { Recipe } from "./recipe.ts";

const normalize = () => new transforms.Normalize(mean, std);

/** Training images of one size, changed a little each time: moved at random, and mirrored. */
export interface TrainingImages {
  /** The batches of an epoch; the same for the same seed and epoch. */
  epoch(epoch: number): DataLoader;
}

/**
 * @param images bytes, [32, 32, 3]
 * @param size pixels a side, one more than the pictures are resized to
 * @param flipped which images are mirrored first
 */
export function trainingImages(images: ArrayDataset, recipe: Recipe, size: number, seed: number): TrainingImages {
  const { translate, batchSize, alternatingFlip } = recipe;
  const [before, behind] = [translate, translate + 1];
  const crop = { padding: [before, before, behind, behind], paddingMode: "reflect" } as const;
  const changes = [
    ...(size === 33 ? [] : [new transforms.Resize(size - 1)]),
    new transforms.RandomCrop(size, crop),
    ...(alternatingFlip ? [] : [new transforms.RandomHorizontalFlip()]),
    new transforms.ToTensor(),
    normalize(),
  ];
  const moved = images.withTransform(new transforms.Compose(changes));
  const flipped = alternatingFlip ? new AlternatingFlip(moved, { generator: new Generator(seed) }) : null;
  return {
    epoch(epoch) {
      if (flipped !== null) {
        flipped.epoch = epoch;
      }
      const dataset: Dataset = flipped ?? moved;
      // One generator an epoch, so that a training that was interrupted goes on as it would have.
      const generator = new Generator(1000 * seed + epoch);
      return new DataLoader(dataset, { batchSize, shuffle: true, dropLast: true, generator });
    },
  };
}

/** The images as they are, padded by their reflection to one pixel more. */
export function plainImages(images: ArrayDataset, size: number): ArrayDataset {
  const changes = [
    ...(size === 33 ? [] : [new transforms.Resize(size - 1)]),
    // As large as the padded image: nothing is drawn.
    new transforms.RandomCrop(size, { padding: [0, 0, 1, 1], paddingMode: "reflect" }),
    new transforms.ToTensor(),
    normalize(),
  ];
  return images.withTransform(new transforms.Compose(changes));
}

/** Batches of images as they are, in order. */
export function plainLoader(images: ArrayDataset, size: number, batchSize = 250): AsyncIterable<ImageBatch> {
  return new DataLoader(plainImages(images, size), { batchSize });
}

/** The first images in one tensor, [N, size, size, 3]. */
export async function firstImages(images: ArrayDataset, size: number, count: number): Promise<tf.Tensor4D> {
  const loader = new DataLoader(plainImages(images, size), { batchSize: Math.min(count, images.length) });
  for await (const [batch, labels] of loader) {
    labels.dispose();
    return batch;
  }
  return tf.zeros([0, size, size, 3]);
}
