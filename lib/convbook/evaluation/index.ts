export { type Classifier, type EvaluateOptions, type Evaluation, evaluate, type ImageBatch } from "./evaluate.ts";
export { MultiCrop, type MultiCropOptions, type View, views } from "./multi-crop.ts";
