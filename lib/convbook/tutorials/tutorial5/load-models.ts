/**
 * The tutorial's four models with their trained weights, or without where those cannot be had.
 */
import { loadFromCheckpoint } from "../../checkpoints/index.ts";
import { DownloadError, type DownloadOptions, download, loadManifest } from "../../download/index.ts";
import type { DenseNet, GoogleNet } from "../../models/index.ts";
import { createModel, type ResNet } from "../../models/index.ts";
import { modelNames, type TutorialModelName } from "./published.ts";

/** The class of each model. */
export interface ModelClasses {
  GoogleNet: GoogleNet;
  ResNet: ResNet;
  ResNetPreAct: ResNet;
  DenseNet: DenseNet;
}

/** A model of the tutorial, in eval mode. */
export interface TutorialModel<N extends TutorialModelName = TutorialModelName> {
  readonly name: N;
  readonly model: ModelClasses[N];
  /** Number of learnable values. */
  readonly parameters: number;
  /** Whether the weights are the tutorial's; without its file a model is untrained. */
  readonly pretrained: boolean;
  /** The epoch at which the weights were saved; undefined when untrained. */
  readonly epoch: number | undefined;
  /** Path of the TensorBoard event file of its training, where it can be had. */
  readonly events: string | undefined;
}

/** The four models by name. */
export type TutorialModels = { readonly [N in TutorialModelName]: TutorialModel<N> };

export interface LoadModelsOptions extends Pick<DownloadOptions, "mirror" | "offline" | "onProgress" | "signal"> {
  /** Takes a sentence for each thing that could not be had. Default: a line on the standard error stream. */
  readonly onMessage?: (message: string) => void;
}

const eventsPath = (name: TutorialModelName) => `tensorboards/${name}/events.out.tfevents.${name.toLowerCase()}`;

/** A file's place in the cache, downloaded if need be; undefined and a message where it cannot be had. */
async function fetchFile(path: string, say: (message: string) => void, options: DownloadOptions) {
  try {
    const { paths } = await download(loadManifest("uva-tutorial5"), { ...options, files: [path] });
    return paths.get(path);
  } catch (error) {
    // A stopped download or a full disk is the caller's business; a file that is out of reach is not the end.
    if (!(error instanceof DownloadError) || error.reason === "aborted" || error.reason === "space") throw error;
    say(error.message);
    return undefined;
  }
}

async function loadModel<N extends TutorialModelName>(
  name: N,
  say: (message: string) => void,
  options: DownloadOptions,
): Promise<TutorialModel<N>> {
  const checkpoint = await fetchFile(`${name}.ckpt`, say, options);
  // Where not even the checkpoint is to be had, its curves are not worth another wait.
  const events = checkpoint === undefined ? undefined : await fetchFile(eventsPath(name), say, options);
  const loaded = checkpoint === undefined ? undefined : await loadFromCheckpoint(checkpoint);
  const model = (loaded?.model ?? createModel(name)) as ModelClasses[N];
  model.eval();
  const parameters = model.parameters().reduce((sum, { size }) => sum + size, 0);
  return { name, model, parameters, pretrained: loaded !== undefined, epoch: loaded?.epoch, events };
}

/**
 * Loads the tutorial's models from their published PyTorch checkpoints, downloading what is not in the cache.
 * A model whose checkpoint cannot be had comes untrained, after a message that says so.
 *
 * @throws CheckpointError for a file that is there but broken; DownloadError when the disk is full or the call was stopped
 */
export async function loadModels({
  onMessage = (message) => console.error(message),
  ...options
}: LoadModelsOptions = {}): Promise<TutorialModels> {
  const models: Partial<Record<TutorialModelName, TutorialModel>> = {};
  for (const name of modelNames) models[name] = await loadModel(name, onMessage, options);
  const untrained = modelNames.filter((name) => models[name]?.pretrained === false);
  if (untrained.length > 0) {
    onMessage(
      `Going on without the trained weights of ${untrained.join(", ")}: expect accuracies near 10 %, which is guessing. ` +
        "With the files in a folder, set CONVBOOK_MIRROR to it and run this again.",
    );
  }
  return models as TutorialModels;
}
