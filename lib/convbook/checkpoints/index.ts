export { CheckpointError, type CheckpointReason } from "./error.ts";
export { type LoadedModel, type LoadFromCheckpointOptions, loadFromCheckpoint, stateDictOf } from "./load-model.ts";
export { PythonName } from "./pickle/values.ts";
export { type PlainObject, type PlainValue, toPlain } from "./plain.ts";
export { loadTorch, type ParseTorchOptions, parseTorch } from "./torch/load.ts";
