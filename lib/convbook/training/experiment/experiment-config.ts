/** What a configuration says of an experiment, once it was checked. */
import type { DiffractionCategory } from "../../data/diffraction/index.ts";
import type { TransformSpec } from "../../data/transforms/transform.ts";
import type { HyperParameters } from "../core/json.ts";

/** Data sets that lie in a folder of one's own, with their own validation images. */
export const inFolders = ["imageFolder", "imagenet", "diffraction"] as const;

/**
 * The data sets that a configuration can name; `imageFolder` is a folder of one's own, laid out as ImageNet is, `imagenet` one with ImageNet's
 * archives or what they were unpacked to, `oxfordIIITPet` cats and dogs, fetched or in a folder, `diffraction` a folder with the files that `diffraction.createTrainAndValidation` writes.
 */
export const datasetNames = [
  ...(["cifar10", "cifar100", "mnist", "fashionMnist", "imagenette", "oxfordIIITPet"] as const),
  ...inFolders,
] as const;
export type DatasetName = (typeof datasetNames)[number];

/** Names among {@link datasetNames} whose data lies in `data.folder`. */
export const ownFolderNames: readonly DatasetName[] = inFolders;

/** Names among {@link datasetNames} that have validation images of their own, and of which none are held out. */
export const ownValidationNames: readonly DatasetName[] = ["imagenette", ...inFolders];

/** An experiment: what to train, on what, how. */
export interface ExperimentConfig {
  /** Seed of initialisation, shuffling and augmentation; default 42. */
  readonly seed: number;
  /** The folder of the run: logs, checkpoints, a copy of the configuration. A `~` at its beginning is the home folder. */
  readonly output: string;
  /** Trainings that belong together: a folder in `output`, and of `diffraction` what the files' names begin with. */
  readonly tag: string | undefined;
  /** One of several trainings: a folder in the tag's, or in `output`. */
  readonly experiment: string | undefined;
  readonly model: {
    readonly name: string;
    readonly hparams: HyperParameters;
    /** Files that register models and blocks of one's own, as absolute paths once they are loaded. */
    readonly plugins: readonly string[];
  };
  readonly data: {
    readonly name: DatasetName;
    /**
     * Of `imageFolder`: the folder with `train/CLASS/…` and `val/CLASS/…`; of `imagenet`: with its archives, or with `train`, `val` and `meta.bin`
     * that are made of them; of `diffraction`: with `TAG_Train.pt`, `TAG_Validation.pt` and, where
     * there is one, `TAG_Test.pt`; of `oxfordIIITPet`, where it is not to be fetched: with `images` and `annotations`. Seen from the working directory.
     */
    readonly folder: string | undefined;
    /** Means and deviations of the channels, of 255; of the training images where they are left out, of images in files ImageNet's. */
    readonly mean: readonly number[] | undefined;
    readonly std: readonly number[] | undefined;
    readonly batchSize: number;
    /** Training images held out for validation; 0 validates on nothing. A folder has its own and holds out none. */
    readonly validation: number;
    /** Seed of the split into training and validation images. */
    readonly splitSeed: number;
    /** Threads that prepare batches. */
    readonly numWorkers: number;
    readonly dropLast: boolean;
    /** Transforms of training images, before they become tensors and are normalised. */
    readonly augment: readonly TransformSpec[];
    /** Transforms of normalised training images, for example RandomErasing. */
    readonly augmentTensor: readonly TransformSpec[];
    /** Transforms of validation and test images, before they become tensors, for example Resize and CenterCrop. */
    readonly prepare: readonly TransformSpec[];
    /** MixUp or CutMix over whole batches, or a RandomMix of several; those that do not say `numClasses` get the data set's. */
    readonly mix: TransformSpec | undefined;
    /** Of `diffraction`: what is added to each pattern, as a part of its strongest peak; default 0. */
    readonly background?: number;
    /** Of `diffraction`: what the labels are. */
    readonly cat?: DiffractionCategory;
  };
  readonly optimizer: HyperParameters & { readonly name: string };
  readonly scheduler:
    | (HyperParameters & {
        readonly name: string;
        readonly interval?: "epoch" | "step";
        /** What ReduceLROnPlateau watches; default `val_loss`. */
        readonly monitor?: string;
      })
    | null;
  readonly labelSmoothing: number;
  /** Options of the Trainer. */
  readonly trainer: HyperParameters;
  /** Options of ModelCheckpoint. */
  readonly checkpoint: HyperParameters;
  /** Options of EarlyStopping, where there is to be any. */
  readonly earlyStopping: HyperParameters | undefined;
  /** Options of EMAWeightAveraging, where the weights are to be averaged. */
  readonly ema?: HyperParameters;
  /** Options of DeviceStatsMonitor, where it is to look. */
  readonly deviceStats?: HyperParameters;
}
