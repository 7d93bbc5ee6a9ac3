export {
  type CheckpointFormat,
  checkpointFormatOf,
  encodeCheckpoint,
  type LoadedCheckpoint,
  loadCheckpoint,
  parseCheckpoint,
  type SaveCheckpointOptions,
  saveCheckpoint,
} from "./container/checkpoint.ts";
export type { CheckpointValue } from "./container/format.ts";
export { createModel, type FeaturesOnlyOptions, type PretrainedOptions } from "./create-model.ts";
export { CheckpointError, type CheckpointReason } from "./error.ts";
export { findWeights } from "./find-weights.ts";
export { type LoadedModel, type LoadFromCheckpointOptions, loadFromCheckpoint } from "./load-model.ts";
export { type LoadWeightsOptions, loadWeights, stateDictOf } from "./load-weights.ts";
export { PythonName } from "./pickle/values.ts";
export { type PlainObject, type PlainValue, toPlain } from "./plain.ts";
export { loadSafetensors, parseSafetensors, type Safetensors } from "./safetensors/read.ts";
export { encodeSafetensors, type SaveSafetensorsOptions, saveSafetensors } from "./safetensors/write.ts";
export { loadTorch, type ParseTorchOptions, parseTorch } from "./torch/load.ts";
export { encodeTorch, saveTorch } from "./torch/save.ts";
