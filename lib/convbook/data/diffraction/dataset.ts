/** Powder patterns as a data set for classifiers. */

import { checkInteger, checkList, checkText, isNumber } from "../../arguments/check.ts";
import { describeValue } from "../../arguments/describe.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { checkObject, refuseUnknownOptions } from "../../arguments/options.ts";
import {
  checkpointFormatOf,
  loadSafetensors,
  loadTorch,
  saveSafetensors,
  saveTorch,
  stateDictOf,
} from "../../checkpoints/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import { ArrayDataset } from "../array-dataset.ts";
import { checkIndex, type Dataset, type Shipment } from "../dataset.ts";
import { DataError } from "../error.ts";
import type { FloatData, LabelledSample } from "../sample.ts";
import { BRAVAIS_LATTICES, bravaisLatticeOfSpaceGroup } from "./bravais.ts";
import type { LabelledPatterns } from "./pattern.ts";

/** What labels say: a Bravais lattice (0 to 13), or a space group (1 to 230). */
export type DiffractionCategory = "Bravais Lattice" | "Space Group";

export interface DiffractionDatasetOptions {
  /** 14 for Bravais lattices; for space groups 230, or 14 to map each to its lattice. */
  readonly numClasses: number;
  /** Uniform background that is added to each pattern, as a part of its strongest peak. */
  readonly background?: number;
  /** All patterns, one after the other. */
  readonly data: Float32Array;
  /** Numbers in a pattern; they follow from the others, and where they are given must fit. */
  readonly points?: number;
  /** One label a pattern, as the category says. */
  readonly labels: ArrayLike<number>;
  readonly cat?: DiffractionCategory;
}

/** Samples are float32 [points, 1], a sequence of one channel, with class numbers. */
export class DiffractionDataset implements Dataset<LabelledSample> {
  readonly numClasses: number;
  readonly background: number;
  readonly cat: DiffractionCategory;
  readonly classes: readonly string[];
  /** Numbers in a pattern. */
  readonly points: number;
  readonly #patterns: ArrayDataset;

  /** @throws {RangeError} when the sizes do not fit together, a label is none of the category's, or a number is not finite */
  constructor(options: DiffractionDatasetOptions) {
    const owner = "DiffractionDataset";
    refuseUnknownOptions(owner, options, ["numClasses", "background", "data", "points", "labels", "cat"]);
    const { numClasses, background = 0, data, labels, cat = "Bravais Lattice" } = options;
    if (!(data instanceof Float32Array)) {
      throw new OptionError(owner, "data", data, "a Float32Array, all patterns one after the other");
    }
    checkList(owner, "labels", labels, "a list of whole numbers");
    if (cat !== "Bravais Lattice" && cat !== "Space Group") {
      throw new RangeError(
        `A DiffractionDataset's cat is "Bravais Lattice" or "Space Group"; got ${describeValue(cat)}.`,
      );
    }
    const lattices = BRAVAIS_LATTICES.length;
    const possible = cat === "Space Group" ? [lattices, 230] : [lattices];
    if (!possible.includes(numClasses)) {
      throw new RangeError(`With cat "${cat}" numClasses is ${possible.join(" or ")}; got ${numClasses}.`);
    }
    if (!isNumber(background, 0, Number.MAX_VALUE)) {
      throw new RangeError(`A DiffractionDataset's background is a finite number >= 0; got ${background}.`);
    }
    if (labels.length === 0 || data.length % labels.length !== 0) {
      throw new RangeError(`${labels.length} labels do not fit ${data.length} numbers of patterns.`);
    }
    const { points = data.length / labels.length } = options;
    if (points !== data.length / labels.length) {
      const fits = data.length / labels.length;
      throw new OptionError(
        owner,
        "points",
        points,
        `${fits}, the ${data.length} numbers over the ${labels.length} labels`,
      );
    }
    const wrong = data.findIndex((value) => !Number.isFinite(value));
    this.points = points;
    if (wrong >= 0) {
      throw new RangeError(`Pattern ${Math.floor(wrong / this.points)} has the value ${data[wrong]}.`);
    }
    const groups = Array.from({ length: 230 }, (_, i) => `space group ${i + 1}`);
    this.numClasses = numClasses;
    this.background = background;
    this.cat = cat;
    this.classes = numClasses === 230 ? groups : BRAVAIS_LATTICES.map(({ symbol }) => symbol);
    const targets = Int32Array.from(labels, (label, i) => {
      checkInteger(owner, `labels[${i}]`, label, 0);
      if (cat === "Bravais Lattice") {
        return label;
      }
      const lattice = bravaisLatticeOfSpaceGroup(label);
      return numClasses === 230 ? label - 1 : lattice;
    });
    this.#patterns = new ArrayDataset(
      background === 0 ? data : raised(data, this.points, background),
      [this.points, 1],
      targets,
      {
        name: "DiffractionDataset",
        classes: this.classes,
      },
    );
  }

  get length(): number {
    return this.#patterns.length;
  }

  /** The class number of every pattern. */
  get targets(): Int32Array {
    return this.#patterns.targets;
  }

  get(index: number): LabelledSample<FloatData> {
    checkIndex("DiffractionDataset", index, this.length);
    return this.#patterns.get(index) as LabelledSample<FloatData>;
  }

  shipment(): Shipment | undefined {
    return this.#patterns.shipment();
  }
}

/** Every pattern with a background, scaled so that its strongest number stays what it was. */
function raised(data: Float32Array, points: number, background: number): Float32Array {
  const result = new Float32Array(data.length);
  for (let start = 0; start < data.length; start += points) {
    const pattern = data.subarray(start, start + points);
    const strongest = pattern.reduce((a, b) => Math.max(a, b), 0) || 1;
    for (let i = 0; i < points; i++) {
      result[start + i] = ((pattern[i] ?? 0) + background * strongest) / (1 + background);
    }
  }
  return result;
}

/** @throws {OptionError} naming the part of the patterns that is none */
export function checkPatterns(owner: string, { data, points, labels }: LabelledPatterns): void {
  if (!(data instanceof Float32Array)) {
    throw new OptionError(owner, "patterns.data", data, "a Float32Array, all patterns one after the other");
  }
  checkInteger(owner, "patterns.points", points, 1);
  if (!(labels instanceof Int32Array) || labels.length * points !== data.length) {
    throw new OptionError(owner, "patterns.labels", labels, `an Int32Array of ${data.length / points} labels`);
  }
}

/**
 * Writes patterns X [patterns, points] and labels Y [patterns]: to a safetensors file, or to torch's format, with the labels as
 * int64, as PyTorch's losses take them.
 * @param path ends with .safetensors, .pt or .pth
 * @throws {OptionError} naming the argument that is wrong; {TypeError} for another ending, or the file system's error
 */
export async function savePatterns(path: string, patterns: LabelledPatterns): Promise<void> {
  checkText("savePatterns", "path", path);
  checkObject("savePatterns", "patterns", patterns, "{ data, points, labels }");
  checkPatterns("savePatterns", patterns);
  const { data, points, labels } = patterns;
  const isTorch = checkpointFormatOf(path) === "torch";
  const y: TensorData = isTorch
    ? { dtype: "int64", shape: [labels.length], data: BigInt64Array.from(labels, BigInt) }
    : { dtype: "int32", shape: [labels.length], data: labels };
  const tensors = new Map<string, TensorData>([
    ["X", { dtype: "float32", shape: [labels.length, points], data }],
    ["Y", y],
  ]);
  await (isTorch ? saveTorch(path, tensors) : saveSafetensors(path, tensors));
}

/**
 * Reads what {@link savePatterns} wrote, or a torch file {"X": float32 [patterns, points], "Y": integers [patterns]}.
 * @param path ends with .safetensors, .pt or .pth
 * @throws {CheckpointError} when it is neither
 * @throws {DataError} when X and Y are not there or do not fit together
 */
export async function loadPatterns(path: string): Promise<LabelledPatterns> {
  checkText("loadPatterns", "path", path);
  const torch = checkpointFormatOf(path) === "torch";
  const tensors = torch ? stateDictOf(await loadTorch(path), path) : (await loadSafetensors(path)).tensors;
  const x = tensors.get("X");
  const y = tensors.get("Y");
  const whole = ["int64", "int32", "int16", "int8", "uint8"];
  if (
    x?.dtype !== "float32" ||
    x.shape.length !== 2 ||
    y?.shape.length !== 1 ||
    !whole.includes(y.dtype) ||
    y.shape[0] !== x.shape[0]
  ) {
    const have = [...tensors].map(([name, { dtype, shape }]) => `${name} ${dtype} [${shape.join(", ")}]`).join(", ");
    throw new DataError(
      "format",
      `${path} needs X float32 [patterns, points] and Y [patterns] of integers; it has ${have || "nothing"}.`,
      {
        file: path,
      },
    );
  }
  return {
    data: x.data,
    points: x.shape[1] ?? 0,
    labels: Int32Array.from<number | bigint>(y.data, Number),
  };
}
