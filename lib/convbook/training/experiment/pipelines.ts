/** The transforms that a configuration names. */
import { transforms } from "../../data/index.ts";
import type { BatchTransform } from "../../data/transforms/batch-transform.ts";
import { batchTransformFromSpec, fromSpec } from "../../data/transforms/registry.ts";
import type { Transform, TransformSpec } from "../../data/transforms/transform.ts";
import { messageOf } from "../../files/index.ts";
import type { ExperimentConfig } from "./experiment-config.ts";
import { ConfigError, isPlain } from "./settings.ts";

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

/**
 * How training batches are mixed, as options of a DataLoader.
 *
 * @param numClasses the data set's, for mixes that do not say it
 * @throws {ConfigError} where the setting cannot be used
 */
export function mixing(
  { mix }: ExperimentConfig["data"],
  numClasses: number,
  file: string,
): { readonly batchTransform?: BatchTransform } {
  if (mix === undefined) {
    return {};
  }
  try {
    return { batchTransform: batchTransformFromSpec(counted(mix, numClasses)) };
  } catch (error) {
    throw new ConfigError(file, "data.mix", `cannot be used: ${messageOf(error)}`);
  }
}

/** The mix with a number of classes, or those that it chooses from. */
function counted({ name, args }: TransformSpec, numClasses: number): TransformSpec {
  const [first = {}, ...rest] = args.map((each) => each ?? {});
  if (Array.isArray(first)) {
    return { name, args: [first.map((spec: TransformSpec) => counted(spec, numClasses)), ...rest] };
  }
  return { name, args: [isPlain(first) ? { numClasses, ...first } : first, ...rest] };
}
