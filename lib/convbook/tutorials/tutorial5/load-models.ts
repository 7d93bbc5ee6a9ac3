/**
 * The tutorial's four models with their trained weights: the tutorial's, ours, or none where neither can be had.
 */
import { checkFunction } from "../../arguments/check.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import { type LoadedModel, loadFromCheckpoint } from "../../checkpoints/index.ts";
import { DownloadError, type DownloadOptions, download, loadManifest } from "../../download/index.ts";
import type { DenseNet, GoogleNet } from "../../models/index.ts";
import { createModel, type ResNet } from "../../models/index.ts";
import { scalars } from "../../tensorboard/index.ts";
import { type AccuracyCurves, pretrainedFile } from "./pretrained.ts";
import { modelNames, type TutorialModelName } from "./published.ts";

/** The class of each model. */
export interface ModelClasses {
  GoogleNet: GoogleNet;
  ResNet: ResNet;
  ResNetPreAct: ResNet;
  DenseNet: DenseNet;
}

/** Whose weights a model has: the tutorial's PyTorch checkpoint's, our own Trainer's, or nobody's. */
export type WeightsSource = "tutorial" | "convbook" | "untrained";

/** A model of the tutorial, in eval mode. */
export interface TutorialModel<N extends TutorialModelName = TutorialModelName> {
  readonly name: N;
  readonly model: ModelClasses[N];
  /** Number of learnable values. */
  readonly parameters: number;
  readonly weights: WeightsSource;
  /** The epoch at which the weights were saved; undefined when untrained. */
  readonly epoch: number | undefined;
  /** How its training went, where that is known. */
  readonly curves: AccuracyCurves | undefined;
}

/** The four models by name. */
export type TutorialModels = { readonly [N in TutorialModelName]: TutorialModel<N> };

export interface LoadModelsOptions extends Pick<DownloadOptions, "mirror" | "offline" | "onProgress" | "signal"> {
  /**
   * `tutorial` (the default): the tutorial's checkpoints, ours for a model whose checkpoint cannot be had. `convbook`: ours,
   * without asking the network for anything.
   */
  readonly weights?: "tutorial" | "convbook";
  /** Takes a sentence for each thing that could not be had. Default: a line on the standard error stream. */
  readonly onMessage?: (message: string) => void;
}

/** What a source of weights gives for a model. */
type Trained = Pick<TutorialModel, "weights" | "epoch" | "curves"> & Pick<LoadedModel, "model">;

/** A file's place in the cache, downloaded if need be; undefined and a message where it cannot be had. */
async function fetchFile(path: string, say: (message: string) => void, options: DownloadOptions) {
  try {
    const { paths } = await download(loadManifest("uva-tutorial5"), { ...options, files: [path] });
    return paths.get(path);
  } catch (error) {
    // A stopped download or a full disk is the caller's business; a file that is out of reach is not the end.
    if (!(error instanceof DownloadError) || error.reason === "aborted" || error.reason === "space") {
      throw error;
    }
    say(error.message);
    return undefined;
  }
}

/** The tutorial's own curves: one value an epoch; the files count steps. */
function curvesOf(events: string): AccuracyCurves {
  const values = scalars(events);
  const valuesOf = (tag: string) => (values.get(tag) ?? []).map(({ value }) => value);
  return { train: valuesOf("train_acc"), validation: valuesOf("val_acc") };
}

async function fromTutorial(
  name: TutorialModelName,
  say: (message: string) => void,
  options: DownloadOptions,
): Promise<Trained | undefined> {
  const checkpoint = await fetchFile(`${name}.ckpt`, say, options);
  // Where not even the checkpoint is to be had, its curves are not worth another wait.
  if (checkpoint === undefined) {
    return undefined;
  }
  const events = await fetchFile(`tensorboards/${name}/events.out.tfevents.${name.toLowerCase()}`, say, options);
  const { model, epoch } = await loadFromCheckpoint(checkpoint);
  return { model, epoch, weights: "tutorial", curves: events === undefined ? undefined : curvesOf(events) };
}

async function fromConvbook(name: TutorialModelName): Promise<Trained | undefined> {
  const path = pretrainedFile(name);
  if (path === undefined) {
    return undefined;
  }
  const { model, epoch, extra } = await loadFromCheckpoint(path);
  return { model, epoch, weights: "convbook", curves: extra.curves as unknown as AccuracyCurves };
}

async function loadModel<N extends TutorialModelName>(
  name: N,
  { weights = "tutorial", onMessage = console.error, ...options }: LoadModelsOptions,
): Promise<TutorialModel<N>> {
  const trained =
    (weights === "tutorial" ? await fromTutorial(name, onMessage, options) : undefined) ?? (await fromConvbook(name));
  const found = trained ?? { model: createModel(name), weights: "untrained", epoch: undefined, curves: undefined };
  const model = found.model as ModelClasses[N];
  model.eval();
  const parameters = model.parameters().reduce((sum, { size }) => sum + size, 0);
  return { name, model, parameters, weights: found.weights, epoch: found.epoch, curves: found.curves };
}

/**
 * Loads the tutorial's models from their published PyTorch checkpoints, downloading what is not in the cache. A model whose
 * checkpoint cannot be had comes with our own weights, and untrained where there are none, after a message that says so.
 *
 * @throws CheckpointError for a file that is there but broken; DownloadError when the disk is full or the call was stopped
 */
export async function loadModels(options: LoadModelsOptions = {}): Promise<TutorialModels> {
  refuseUnknownOptions("loadModels", options, [
    ...["weights", "onMessage", "mirror", "offline", "onProgress", "signal"],
  ]);
  const { weights = "tutorial", onMessage = (message: string) => console.error(message) } = options;
  if (weights !== "tutorial" && weights !== "convbook") {
    throw new OptionError("loadModels", "weights", weights, '"tutorial" or "convbook"');
  }
  checkFunction("loadModels", "onMessage", onMessage);
  const models: Partial<Record<TutorialModelName, TutorialModel>> = {};
  for (const name of modelNames) {
    models[name] = await loadModel(name, { ...options, onMessage });
  }
  const namesWith = (source: WeightsSource) => modelNames.filter((name) => models[name]?.weights === source);
  const mirrorHint = "With the tutorial's files in a folder, set CONVBOOK_MIRROR to it and run this again.";
  const own = namesWith("convbook");
  const untrained = namesWith("untrained");
  if (own.length > 0 && weights === "tutorial") {
    onMessage(
      `Going on with weights that Convbook's own Trainer made for ${own.join(", ")}: accuracies differ from the published ones` +
        ` by a point or so.${untrained.length > 0 ? "" : ` ${mirrorHint}`}`,
    );
  }
  if (untrained.length > 0) {
    onMessage(
      `Going on without the trained weights of ${untrained.join(", ")}: expect accuracies near 10 %, which is guessing. ${mirrorHint}`,
    );
  }
  return models as TutorialModels;
}
