import type { ProgramWindow } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { at } from "../arguments/at.ts";
import { refuseMore } from "../arguments/options.ts";
import type { Pool } from "./compile/graph.ts";
import { OptionError, refuseUnknownOptions } from "./errors.ts";
import { adaptiveAvgPool2d, avgPool2d, maxPool2d, type Windows2d } from "./functional/pool.ts";
import { Module } from "./module.ts";
import { shapeLike } from "./ranks.ts";
import {
  checkChannelsLast,
  checkInteger,
  pair,
  type Shape,
  type Size2d,
  shapeOf,
  type Window,
  windowedShape,
} from "./shapes.ts";

/** Options of pools; the stride is the kernel's size when left out. */
export interface PoolOptions<Size> {
  readonly stride?: Size;
  readonly padding?: Size;
  /** Whether the last window may reach beyond the padded edge, false by default. */
  readonly ceilMode?: boolean;
}

/** Options of average pools. */
export interface AvgPoolOptions<Size> extends PoolOptions<Size> {
  /** Whether the padding's zeros count in the mean, true by default as in PyTorch. */
  readonly countIncludePad?: boolean;
}

/** The largest window that programs know. */
const mostTaps = 255;

function windows(owner: string, kernelSize: Size2d, options: PoolOptions<Size2d>): Windows2d {
  const kernel = pair(owner, "kernelSize", kernelSize, 1);
  const stride = pair(owner, "stride", options.stride === undefined ? kernelSize : options.stride, 1);
  const padding = pair(owner, "padding", options.padding === undefined ? 0 : options.padding, 0);
  const along = (i: 0 | 1): Window => {
    const pad = padding[i];
    const size = kernel[i];
    if (pad > size / 2) {
      throw new OptionError(owner, "padding", pad, `at most half of the kernel's ${size}`);
    }
    return {
      kernel: size,
      stride: stride[i],
      padding: [pad, pad],
      dilation: 1,
      ceil: options.ceilMode ?? false,
    };
  };
  return [along(0), along(1)];
}

function printed(windows: readonly Window[]): string {
  const show = (values: readonly number[]) =>
    values.every((n) => n === values[0]) ? `${values[0]}` : `[${values.join(", ")}]`;
  const parts = [`kernelSize=${show(windows.map((w) => w.kernel))}`, `stride=${show(windows.map((w) => w.stride))}`];
  if (windows.some((w) => w.padding[0] > 0)) {
    parts.push(`padding=${show(windows.map((w) => w.padding[0]))}`);
  }
  if (windows.some((w) => w.ceil)) {
    parts.push("ceilMode=true");
  }
  return parts.join(", ");
}

const poolOptions = ["stride", "padding", "ceilMode"];
const avgPoolOptions = [...poolOptions, "countIncludePad"];
const twoArguments = "no more than kernelSize and options";

/** A pool over windows of an image batch, [N, H, W, C] -> [N, H', W', C]. */
abstract class Pool2d extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  protected readonly windows: Windows2d;

  constructor(kernelSize: Size2d, options: PoolOptions<Size2d> = {}, ...more: readonly never[]) {
    super();
    refuseUnknownOptions(this.typeName, options, this.optionNames);
    refuseMore(this.typeName, more, twoArguments);
    this.windows = windows(this.typeName, kernelSize, options);
  }

  /** Names of the options that there are. */
  protected get optionNames(): readonly string[] {
    return poolOptions;
  }

  /** Shape of the output; throws a `ShapeError` where the input does not fit. */
  outputShape(input: Shape): number[] {
    checkChannelsLast(this, input, "N, H, W, C");
    return windowedShape(this, input, this.windows, at(input, 3));
  }

  /** How programs know the windows: not beyond the padding. */
  protected get programWindow(): ProgramWindow | null {
    const [rows, columns] = this.windows;
    if (rows.ceil === true || columns.ceil === true || rows.kernel * columns.kernel > mostTaps) {
      return null;
    }
    return {
      filter: [rows.kernel, columns.kernel],
      strides: [rows.stride, columns.stride],
      pad: [rows.padding[0], columns.padding[0]],
    };
  }

  protected override extraRepr(): string {
    return printed(this.windows);
  }
}

/** A pool over windows of a sequence batch, [N, L, C] -> [N, L', C]. */
abstract class Pool1d extends Module<[x: tf.Tensor3D], tf.Tensor3D> {
  protected readonly windows: Windows2d;

  constructor(kernelSize: number, options: PoolOptions<number> = {}, ...more: readonly never[]) {
    super();
    refuseUnknownOptions(this.typeName, options, this.optionNames);
    refuseMore(this.typeName, more, twoArguments);
    checkInteger(this.typeName, "kernelSize", kernelSize, 1);
    const { stride = kernelSize, padding = 0, ceilMode = false } = options;
    this.windows = windows(this.typeName, [1, kernelSize], { stride: [1, stride], padding: [0, padding], ceilMode });
  }

  /** Names of the options that there are. */
  protected get optionNames(): readonly string[] {
    return poolOptions;
  }

  /** Shape of the output; throws a `ShapeError` where the input does not fit. */
  outputShape(input: Shape): number[] {
    checkChannelsLast(this, input, "N, L, C");
    return windowedShape(this, input, [this.windows[1]], at(input, 2));
  }

  protected asImages(x: tf.Tensor3D, pool: (images: tf.Tensor4D) => tf.Tensor4D): tf.Tensor3D {
    const shape = shapeLike(this.outputShape(shapeOf(this, x)), x);
    return tf.tidy(() => tf.reshape(pool(tf.expandDims(x, 1)), shape));
  }

  protected override extraRepr(): string {
    return printed([this.windows[1]]);
  }
}

/** Largest value of each window; padding never wins. */
export class MaxPool2d extends Pool2d {
  forward(x: tf.Tensor4D): tf.Tensor4D {
    this.outputShape(shapeOf(this, x));
    return maxPool2d(x, this.windows);
  }

  /** What the compiler knows of it. */
  operation(x: tf.Tensor): Pool {
    const run = (images: tf.Tensor4D) => maxPool2d(images, this.windows);
    return { kind: "pool", type: "maxPool", shape: this.outputShape(x.shape), window: this.programWindow, run };
  }
}

/** Largest value of each window; padding never wins. */
export class MaxPool1d extends Pool1d {
  forward(x: tf.Tensor3D): tf.Tensor3D {
    return this.asImages(x, (images) => maxPool2d(images, this.windows));
  }
}

/** Mean of each window. */
export class AvgPool2d extends Pool2d {
  readonly #countIncludePad: boolean;

  constructor(kernelSize: Size2d, options: AvgPoolOptions<Size2d> = {}, ...more: readonly never[]) {
    super(kernelSize, options, ...more);
    this.#countIncludePad = options.countIncludePad ?? true;
  }

  protected override get optionNames(): readonly string[] {
    return avgPoolOptions;
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    this.outputShape(shapeOf(this, x));
    return avgPool2d(x, this.windows, this.#countIncludePad);
  }

  /** What the compiler knows of it; programs know no padding of averages. */
  operation(x: tf.Tensor): Pool {
    const run = (images: tf.Tensor4D) => avgPool2d(images, this.windows, this.#countIncludePad);
    const window = this.programWindow?.pad.every((n) => n === 0) === true ? this.programWindow : null;
    return { kind: "pool", type: "avgPool", shape: this.outputShape(x.shape), window, run };
  }
}

/** Mean of each window. */
export class AvgPool1d extends Pool1d {
  readonly #countIncludePad: boolean;

  constructor(kernelSize: number, options: AvgPoolOptions<number> = {}, ...more: readonly never[]) {
    super(kernelSize, options, ...more);
    this.#countIncludePad = options.countIncludePad ?? true;
  }

  protected override get optionNames(): readonly string[] {
    return avgPoolOptions;
  }

  forward(x: tf.Tensor3D): tf.Tensor3D {
    return this.asImages(x, (images) => avgPool2d(images, this.windows, this.#countIncludePad));
  }
}

/** Means of a grid of cells, [N, H, W, C] -> [N, size, size, C], whatever the input's size. */
export class AdaptiveAvgPool2d extends Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly #size: readonly [number, number];

  /** @param outputSize number of cells, one number or [height, width] */
  constructor(outputSize: Size2d, ...more: readonly never[]) {
    super();
    refuseMore(this.typeName, more, "one, [height, width] for two sizes");
    this.#size = pair(this.typeName, "outputSize", outputSize, 1);
  }

  /** Shape of the output; throws a `ShapeError` where the input does not fit. */
  outputShape(input: Shape): number[] {
    checkChannelsLast(this, input, "N, H, W, C");
    return [at(input, 0), ...this.#size, at(input, 3)];
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    this.outputShape(shapeOf(this, x));
    return adaptiveAvgPool2d(x, this.#size);
  }

  /** What the compiler knows of it; programs know a single cell. */
  operation(x: tf.Tensor): Pool {
    const shape = this.outputShape(x.shape);
    const [height, width] = [at(x.shape, 1), at(x.shape, 2)];
    const [rows, columns] = this.#size;
    const isKnown = rows === 1 && columns === 1 && height * width <= mostTaps;
    const window: ProgramWindow = { filter: [height, width], strides: [1, 1], pad: [0, 0] };
    const run = (images: tf.Tensor4D) => adaptiveAvgPool2d(images, this.#size);
    return { kind: "pool", type: "avgPool", shape, window: isKnown ? window : null, run };
  }

  protected override extraRepr(): string {
    return this.#size.join(", ");
  }
}

/** Means of a row of cells, [N, L, C] -> [N, size, C], whatever the input's length. */
export class AdaptiveAvgPool1d extends Module<[x: tf.Tensor3D], tf.Tensor3D> {
  readonly #size: number;

  /** @param outputSize number of cells */
  constructor(outputSize: number) {
    super();
    this.#size = checkInteger(this.typeName, "outputSize", outputSize, 1);
  }

  /** Shape of the output; throws a `ShapeError` where the input does not fit. */
  outputShape(input: Shape): [number, number, number] {
    checkChannelsLast(this, input, "N, L, C");
    return [at(input, 0), this.#size, at(input, 2)];
  }

  forward(x: tf.Tensor3D): tf.Tensor3D {
    const shape = this.outputShape(shapeOf(this, x));
    return tf.tidy(() => tf.reshape(adaptiveAvgPool2d(tf.expandDims(x, 1), [1, this.#size]), shape));
  }

  protected override extraRepr(): string {
    return `${this.#size}`;
  }
}
