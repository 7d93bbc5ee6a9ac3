export { type Classifier, type EvaluateOptions, type Evaluation, evaluate, type ImageBatch } from "./evaluate.ts";
