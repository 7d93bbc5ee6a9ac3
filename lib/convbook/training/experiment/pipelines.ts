/** The transforms that a configuration names. */
import { transforms } from "../../data/index.ts";
import { fromSpec } from "../../data/transforms/registry.ts";
import type { Transform } from "../../data/transforms/transform.ts";
import { messageOf } from "../../files/index.ts";
import { ConfigError, type ExperimentConfig } from "./config.ts";

/** What becomes of an image in training and in evaluation. */
export function pipelines(data: ExperimentConfig["data"], toTensor: readonly Transform[], file: string) {
  const build = (key: "augment" | "augmentTensor" | "prepare"): Transform[] => {
    try {
      return data[key].map(fromSpec);
    } catch (error) {
      throw new ConfigError(file, `data.${key}`, `cannot be used: ${messageOf(error)}`);
    }
  };
  return {
    training: new transforms.Compose([...build("augment"), ...toTensor, ...build("augmentTensor")]),
    evaluation: new transforms.Compose([...build("prepare"), ...toTensor]),
  };
}
