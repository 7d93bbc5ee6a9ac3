/**
 * UvA Deep Learning Tutorial 5: Inception, ResNet and DenseNet on CIFAR-10.
 *
 * @module
 */
export { imagesWithin } from "./budget.ts";
export { confusion, trainingCurves } from "./figures.ts";
export {
  type LoadModelsOptions,
  loadModels,
  type TutorialModel,
  type TutorialModels,
  type WeightsSource,
} from "./load-models.ts";
export { createLoaders, type EvaluationLoaders, type ImageCounts, splitImageCount } from "./loaders.ts";
export { type AccuracyCurves, pretrainedFile } from "./pretrained.ts";
export { mean, modelNames, publishedTable, std, type TutorialModelName } from "./published.ts";
export {
  compareWithPublished,
  evaluateModels,
  resultsTable,
  type SizedLoader,
  type TableRow,
  type TutorialResult,
  tableRows,
} from "./results.ts";
