/** Saving and loading whatever training needs to go on, in our own format or in torch's. */
import { extname } from "node:path";
import { checkText } from "../../arguments/check.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { checkObject } from "../../arguments/options.ts";
import { CheckpointError } from "../error.ts";
import { readWholeFile } from "../read-file.ts";
import { parseSafetensors } from "../safetensors/read.ts";
import {
  checkSaveOptions,
  encodeSafetensors,
  type SaveSafetensorsOptions,
  saveSafetensors,
} from "../safetensors/write.ts";
import type { Sharing } from "../tensor-bytes.ts";
import { isLegacy } from "../torch/legacy.ts";
import { type ParseTorchOptions, parseTorch } from "../torch/load.ts";
import { encodeTorch, saveTorch } from "../torch/save.ts";
import { isZip } from "../torch/zip.ts";
import { type CheckpointValue, documentKey, joinDocument, splitDocument } from "./format.ts";

/** The formats that {@link saveCheckpoint} writes. */
export type CheckpointFormat = "safetensors" | "torch";

/** Extensions of files and the formats that they mean. */
const formatByExtension: Readonly<Record<string, CheckpointFormat>> = {
  ".safetensors": "safetensors",
  ".ckpt": "torch",
  ".pt": "torch",
  ".pth": "torch",
};

const formats: readonly CheckpointFormat[] = ["safetensors", "torch"];

/** How to save a checkpoint. */
export interface SaveCheckpointOptions {
  /** By default what the file's extension says: .safetensors, or .ckpt, .pt and .pth for torch. */
  readonly format?: CheckpointFormat;
  /** The top-level key of the weights, whose tensors keep their names in a safetensors file. */
  readonly weightsKey?: string;
  /** How float32 tensors are stored in a safetensors file: `float16` and `bfloat16` halve it and round. Torch's are float32. */
  readonly floatType?: SaveSafetensorsOptions["floatType"];
}

/** The format that a file's name asks for. */
export function checkpointFormatOf(path: string): CheckpointFormat {
  const extension = extname(path).toLowerCase();
  const format = Object.hasOwn(formatByExtension, extension) ? formatByExtension[extension] : undefined;
  if (format !== undefined) {
    return format;
  }
  const known = Object.keys(formatByExtension).join(", ");
  throw new TypeError(`A checkpoint's name ends with one of ${known}; got ${JSON.stringify(path)}.`);
}

function safetensorsOf(
  data: Readonly<Record<string, unknown>>,
  { weightsKey = "stateDict", floatType = "float32" }: SaveCheckpointOptions,
) {
  const { tensors, json } = splitDocument(data, weightsKey);
  // Programs that load weights for PyTorch ask for "format".
  return { tensors, options: { floatType, metadata: { format: "pt", [documentKey]: json } } };
}

/**
 * A checkpoint as bytes; see {@link saveCheckpoint}.
 *
 * @throws TypeError naming the place of a value that cannot be written
 */
export function encodeCheckpoint(
  data: Readonly<Record<string, unknown>>,
  options: SaveCheckpointOptions & { readonly format: CheckpointFormat },
): Uint8Array {
  if (options.format === "torch") {
    return encodeTorch(data);
  }
  const { tensors, options: rest } = safetensorsOf(data, options);
  return encodeSafetensors(tensors, rest);
}

/**
 * Saves nested data with tensors in it: null, booleans, numbers, bigints, strings, `Uint8Array`, arrays, Maps with keys of
 * text or numbers, plain objects, {@link TensorData}. The file is written beside its place, synced and renamed: whoever opens
 * it at any moment finds the old checkpoint or the new one, whole.
 *
 * @throws TypeError naming the place of a value that cannot be written, or the file system's error; nothing is left behind
 */
export async function saveCheckpoint(
  path: string,
  data: Readonly<Record<string, unknown>>,
  options: SaveCheckpointOptions = {},
): Promise<void> {
  checkText("saveCheckpoint", "path", path, "the path of a file");
  checkObject("saveCheckpoint", "data", data, "an object: values by name");
  checkSaveOptions("saveCheckpoint", options, ["format"]);
  const { format = checkpointFormatOf(path) } = options;
  if (!formats.includes(format)) {
    throw new OptionError("saveCheckpoint", "format", format, formats.join(" or "));
  }
  if (format === "torch") {
    return saveTorch(path, data);
  }
  const { tensors, options: rest } = safetensorsOf(data, options);
  await saveSafetensors(path, tensors, rest);
}

/** A checkpoint from a file. */
export interface LoadedCheckpoint {
  /** What kind of file it was: our own, a safetensors file of others, or torch's. */
  readonly format: "convbook" | "safetensors" | "torch";
  /**
   * Its top level. From our own format: as it was saved. From torch's: what the dict held, nested dicts as Maps. From other
   * safetensors files: `stateDict` and `metadata`.
   */
  readonly data: { readonly [key: string]: CheckpointValue };
}

/**
 * Reads a checkpoint from memory; the format is recognised by the bytes.
 *
 * @param sharing whether the tensors may keep the memory of `bytes` where they lie aligned in it, which saves a copy
 * @param limits for files of torch; see `parseTorch`
 * @throws CheckpointError naming the file, the place and the reason
 */
export function parseCheckpoint(
  bytes: Uint8Array,
  file = "(memory)",
  sharing: Sharing = "copy",
  limits: Pick<ParseTorchOptions, "maxContainers"> = {},
): LoadedCheckpoint {
  const data: { [key: string]: CheckpointValue } = Object.create(null);
  if (bytes.length === 0 || isZip(bytes) || isLegacy(bytes) || bytes[8] !== 0x7b) {
    const root = parseTorch(bytes, { ...limits, file, shareMemory: sharing === "share" });
    if (!(root instanceof Map)) {
      throw new CheckpointError(file, null, "incomplete", "the checkpoint is not a dict");
    }
    for (const [key, value] of root as Map<unknown, CheckpointValue>) {
      data[String(key)] = value;
    }
    return { format: "torch", data };
  }
  const safetensors = parseSafetensors(bytes, file, sharing);
  if (safetensors.metadata.has(documentKey)) {
    return { format: "convbook", data: joinDocument(safetensors, file) };
  }
  data.stateDict = safetensors.tensors;
  data.metadata = safetensors.metadata;
  return { format: "safetensors", data };
}

/**
 * Loads a checkpoint from a file; the format is recognised by its bytes, not by its name.
 *
 * @throws CheckpointError naming the file, the place and the reason
 */
export async function loadCheckpoint(
  path: string,
  limits: Pick<ParseTorchOptions, "maxContainers"> = {},
): Promise<LoadedCheckpoint> {
  return parseCheckpoint(await readWholeFile(path), path, "share", limits);
}
