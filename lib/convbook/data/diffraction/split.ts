/** Parting patterns into those to train with and those to validate with, in memory or from file to files. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { checkGenerator, checkText, isNumber } from "../../arguments/check.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { checkObject, refuseUnknownOptions } from "../../arguments/options.ts";
import { unsafePathReason } from "../../files/index.ts";
import { type Generator, randperm } from "../../random/index.ts";
import { checkPatterns, loadPatterns, savePatterns } from "./dataset.ts";
import type { LabelledPatterns } from "./pattern.ts";

const owner = "createTrainAndValidation";

/** Patterns parted in two. */
export interface PatternSplit {
  readonly train: LabelledPatterns;
  readonly validation: LabelledPatterns;
}

/** Patterns parted in two, and the files where they are. */
export interface SavedPatternSplit extends PatternSplit {
  readonly trainPath: string;
  readonly validationPath: string;
}

export interface SplitOptions {
  /** What the parts are drawn from; default: the default generator. */
  readonly generator?: Generator;
}

/**
 * Divides patterns at random into those to train with and those to validate with.
 *
 * @param patterns what {@link generatePatterns} gave
 * @param validationSize part of them for validation, between 0 and 1
 * @throws {OptionError} naming the argument that is wrong; {RangeError} when the part is not between 0 and 1
 */
export function createTrainAndValidation(
  patterns: LabelledPatterns,
  validationSize: number,
  options?: SplitOptions,
): PatternSplit;
/**
 * As above, from a file to two files of torch: `TAG_Train.pt` and `TAG_Validation.pt`, each a dict of X float32 [patterns, points] and Y
 * int64 [patterns].
 *
 * @param path a file that {@link loadPatterns} reads
 * @param savePath the folder for both; it is made where it is not there
 * @param tag what their names begin with
 * @throws {OptionError} naming the argument that is wrong; {RangeError} when the part is not between 0 and 1; what reading and writing throw
 */
export function createTrainAndValidation(
  path: string,
  validationSize: number,
  savePath: string,
  tag: string,
  options?: SplitOptions,
): Promise<SavedPatternSplit>;
export function createTrainAndValidation(
  source: LabelledPatterns | string,
  validationSize: number,
  savePath?: string | SplitOptions,
  tag?: string,
  options?: SplitOptions,
): PatternSplit | Promise<SavedPatternSplit> {
  if (typeof source === "string") {
    return splitFile(source, validationSize, savePath, tag, options);
  }
  checkObject(owner, "patterns", source, "{ data, points, labels }, or the path of a file and then savePath and tag");
  checkPatterns(owner, source);
  if (typeof savePath === "string") {
    throw new OptionError(owner, "options", savePath, "an object with generator");
  }
  return split(source, validationSize, savePath);
}

function checkSize(validationSize: number): void {
  if (!isNumber(validationSize, Number.MIN_VALUE, 1 - Number.EPSILON / 2)) {
    throw new RangeError(`validationSize is a part between 0 and 1; got ${validationSize}.`);
  }
}

function checkSplitOptions(options: SplitOptions): void {
  refuseUnknownOptions(owner, options, ["generator"]);
  if (options.generator !== undefined) {
    checkGenerator(owner, options.generator);
  }
}

/** The two files of a tag, as the pipeline names them. @throws {OptionError} for a tag that is no part of a file's name */
export function patternFiles(folder: string, tag: string): { readonly train: string; readonly validation: string } {
  checkTag(owner, "tag", tag);
  return { train: join(folder, `${tag}_Train.pt`), validation: join(folder, `${tag}_Validation.pt`) };
}

/** @throws {OptionError} for what cannot be a file's or a folder's name, or its beginning */
export function checkTag(of: string, name: string, tag: string): void {
  checkText(of, name, tag);
  const reason = tag.includes("/") ? "it has a slash" : unsafePathReason(tag);
  if (reason !== null) {
    throw new OptionError(of, name, tag, `a name without folders (${reason})`);
  }
}

async function splitFile(
  path: string,
  validationSize: number,
  savePath: unknown,
  tag: unknown,
  options: SplitOptions = {},
): Promise<SavedPatternSplit> {
  checkText(owner, "path", path);
  checkSize(validationSize);
  const into = checkText(owner, "savePath", savePath);
  const files = patternFiles(into, checkText(owner, "tag", tag));
  checkSplitOptions(options);
  const parts = split(await loadPatterns(path), validationSize, options);
  await mkdir(into, { recursive: true });
  await savePatterns(files.train, parts.train);
  await savePatterns(files.validation, parts.validation);
  return { ...parts, trainPath: files.train, validationPath: files.validation };
}

function split({ data, points, labels }: LabelledPatterns, validationSize: number, options: SplitOptions = {}) {
  checkSplitOptions(options);
  checkSize(validationSize);
  const order = randperm(labels.length, options);
  const cut = labels.length - Math.round(labels.length * validationSize);
  const pick = (indices: Int32Array): LabelledPatterns => {
    const chosen = new Float32Array(indices.length * points);
    for (const [i, index] of indices.entries()) {
      chosen.set(data.subarray(index * points, (index + 1) * points), i * points);
    }
    return { data: chosen, points, labels: indices.map((index) => labels[index] ?? 0) };
  };
  return { train: pick(order.subarray(0, cut)), validation: pick(order.subarray(cut)) };
}
