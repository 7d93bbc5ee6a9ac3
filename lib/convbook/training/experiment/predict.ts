/** Classifying picture files with a trained module. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { checkInteger, checkNames, checkText } from "../../arguments/check.ts";
import { decodeImage, type ImageData8, loadImageDecoders, transforms } from "../../data/index.ts";
import { fromSpec } from "../../data/transforms/registry.ts";
import type { TransformSpec } from "../../data/transforms/transform.ts";
import { loadCheckpointFile } from "../checkpointing/checkpoint-file.ts";
import { ClassificationModule } from "../classification-module.ts";
import { ResumeError } from "../errors.ts";
import { requireConfig } from "./config.ts";
import { checkpointFolder } from "./experiment.ts";
import type { ExperimentConfig } from "./experiment-config.ts";

/** What a model sees in one file, most probable first. */
export interface FilePrediction {
  readonly file: string;
  readonly predictions: readonly { readonly class: string; readonly probability: number }[];
}

interface DataDescription {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly size: readonly [height: number, width: number, channels: number];
  readonly classes: readonly string[];
  /** What validation images go through; absent in older files. */
  readonly prepare?: readonly TransformSpec[];
}

/**
 * Classifies image files of the kinds that `decodeImage` reads, treated as the validation images were.
 *
 * @param checkpoint of `convbook train`, which notes classes, size and normalisation
 * @param top how many classes to give a file
 * @throws ResumeError when the checkpoint does not note them, DataError for what is not such a picture
 */
export async function predictImages(
  checkpoint: string,
  files: readonly string[],
  top: number,
): Promise<FilePrediction[]> {
  checkText("predictImages", "checkpoint", checkpoint, "the path of a checkpoint");
  checkNames("predictImages", "files", files);
  checkInteger("predictImages", "top", top, 1);
  const module = await ClassificationModule.loadFromCheckpoint(checkpoint);
  const data = module.hparams.data as unknown as DataDescription | undefined;
  if (data?.classes === undefined) {
    throw new ResumeError(checkpoint, "it does not note the classes that it was trained on.");
  }
  module.eval();
  const [height, width, channels] = data.size;
  await loadImageDecoders();
  const transform = new transforms.Compose([
    ...(data.prepare ?? []).map(fromSpec),
    // Of that size already where the preparation has made it so.
    new transforms.Resize([height, width]),
    new transforms.ToTensor(),
    new transforms.Normalize([...data.mean], [...data.std]),
  ]);
  const results: FilePrediction[] = [];
  for (const file of files) {
    const image = decodeImage(await readFile(file), file);
    const { data: pixels } = transform.apply(channels === 1 ? toGrey(image) : image) as { data: Float32Array };
    const probabilities = tf.tidy(() =>
      tf.softmax(module.forward(tf.tensor(pixels, [1, height, width, channels]))).dataSync<"float32">(),
    );
    const predictions = Array.from(probabilities, (probability, i) => ({
      class: data.classes[i] ?? String(i),
      probability,
    }))
      .sort((a, b) => b.probability - a.probability)
      .slice(0, top);
    results.push({ file, predictions });
  }
  module.dispose();
  return results;
}

/** Red, green and blue as one brightness, as Pillow's `convert("L")` has it (the weights of ITU-R 601, in 16 bits). */
function toGrey({ shape, data }: ImageData8): ImageData8 {
  const [height = 0, width = 0] = shape;
  const grey = Uint8Array.from({ length: height * width }, (_, i) => {
    const [red = 0, green = 0, blue = 0] = data.subarray(3 * i, 3 * i + 3);
    return (19_595 * red + 38_470 * green + 7_471 * blue + 0x8000) >> 16;
  });
  return { dtype: "uint8", shape: [height, width, 1], data: grey };
}

/**
 * The best checkpoint of an experiment's run, as its last one notes it.
 *
 * @throws ResumeError when there is none
 */
export async function bestCheckpoint(config: ExperimentConfig): Promise<string> {
  requireConfig("bestCheckpoint", config);
  const folder = checkpointFolder(config);
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.(safetensors|ckpt)$/.test(name));
  const last = names.find((name) => /^last\./.test(name));
  if (last !== undefined) {
    const { callbacks } = await loadCheckpointFile(join(folder, last));
    for (const state of Object.values(callbacks)) {
      const { bestModelPath } = state;
      if (
        typeof bestModelPath === "string" &&
        (await stat(bestModelPath).then(
          () => true,
          () => false,
        ))
      ) {
        return bestModelPath;
      }
    }
  }
  const [only] = names;
  if (only === undefined) {
    throw new ResumeError(folder, "there is no checkpoint; convbook train makes one.");
  }
  return join(folder, last ?? only);
}
