/**
 * What UvA Deep Learning Tutorial 5 (P. Lippe) publishes: its models, its normalisation, its table.
 *
 * Source: https://uvadlc-notebooks.readthedocs.io/en/latest/tutorial_notebooks/tutorial5/Inception_ResNet_DenseNet.html;
 * PyTorch reproduces the accuracies from the published checkpoints on 5,000 validation and 10,000 test images.
 */

/** The names under which the tutorial keeps its models, in its order. */
export const modelNames = ["GoogleNet", "ResNet", "ResNetPreAct", "DenseNet"] as const;

export type TutorialModelName = (typeof modelNames)[number];

/** Mean of the training images of CIFAR-10 for red, green and blue, pixels from 0 to 1. */
export const mean = [0.49139968, 0.48215841, 0.44653091] as const;
/** Standard deviation of the same. */
export const std = [0.24703223, 0.24348513, 0.26158784] as const;

/** Accuracies as fractions of all 5,000 validation and 10,000 test images, and learnable numbers. */
export const publishedTable: {
  readonly [name in TutorialModelName]: { readonly val: number; readonly test: number; readonly parameters: number };
} = {
  GoogleNet: { val: 0.904, test: 0.897, parameters: 260_650 },
  ResNet: { val: 0.9184, test: 0.9106, parameters: 272_378 },
  ResNetPreAct: { val: 0.918, test: 0.9107, parameters: 272_250 },
  DenseNet: { val: 0.9072, test: 0.9023, parameters: 239_146 },
};
