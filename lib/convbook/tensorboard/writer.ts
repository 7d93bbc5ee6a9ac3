/** Writing event files that TensorBoard reads. */
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type * as tf from "@tensorflow/tfjs-core";
import { checkNumber, checkText } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { timerMs } from "../arguments/timer.ts";
import { type ImageLike, type PixelScaling, prepareImages } from "../display/images.ts";
import { encodePng } from "../display/png.ts";
import { messageOf } from "../files/index.ts";
import type { AnyModule } from "../nn/module.ts";
import { maskedCrc32c } from "./crc32c.ts";
import {
  type EncodeContent,
  encodeGraph,
  encodeSummary,
  encodeVersion,
  experimentContent,
  histogramContent,
  imageContent,
  scalarContent,
  sessionEndContent,
  sessionStartContent,
  textContent,
} from "./encode.ts";
import { EventFileError } from "./errors.ts";
import type { HparamValue } from "./events.ts";
import { listModules, traceGraph } from "./graph.ts";
import { makeHistogram } from "./histogram.ts";
import { view } from "./protobuf.ts";

export interface SummaryWriterOptions {
  /** Added to the file's name. */
  readonly filenameSuffix?: string;
  /** Seconds after which waiting records are written. */
  readonly flushSecs?: number;
}

/** So many bytes of waiting records are written at once. */
const maxWaiting = 64 * 1024;
let filesMade = 0;

/**
 * Writes one event file into a folder, as `torch.utils.tensorboard.SummaryWriter` does.
 *
 * Records wait in memory and go out whole, many in one write, appended: whoever reads meanwhile sees whole records and at most the beginning of one
 * more, which readers tolerate. Close the writer, or what waits is written when the process exits.
 *
 * @example
 * using writer = new SummaryWriter("runs/resnet");
 * writer.addScalar("loss/train", 0.53, 100);
 */
export class SummaryWriter {
  readonly logDir: string;
  /** The event file's path. */
  readonly path: string;
  readonly #file: number;
  readonly #flushMs: number;
  readonly #options: SummaryWriterOptions;
  readonly #children = new Map<string, SummaryWriter>();
  /** The tags of the scalars so far. */
  readonly #scalars = new Set<string>();
  readonly #onExit = (): void => this.close();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #written = 0;
  #timer: NodeJS.Timeout | undefined;
  #failure: EventFileError | undefined;
  #closed = false;

  /**
   * @param logDir the run's folder; made where it does not exist
   * @throws EventFileError where the folder or the file cannot be made, OptionError for an option that is none
   */
  constructor(logDir: string, options: SummaryWriterOptions = {}) {
    checkText("SummaryWriter", "logDir", logDir, "the path of a folder");
    refuseUnknownOptions("SummaryWriter", options, ["filenameSuffix", "flushSecs"]);
    const { filenameSuffix = "", flushSecs = 2 } = options;
    if (typeof filenameSuffix !== "string") {
      throw new OptionError("SummaryWriter", "filenameSuffix", filenameSuffix, "a string");
    }
    checkNumber("SummaryWriter", "flushSecs", flushSecs, 0);
    this.logDir = logDir;
    this.#options = options;
    this.#flushMs = timerMs(flushSecs * 1000);
    const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, "0");
    const host = hostname().replace(/[^\w.-]/g, "_");
    this.path = join(logDir, `events.out.tfevents.${seconds}.${host}.${process.pid}.${filesMade++}${filenameSuffix}`);
    try {
      mkdirSync(logDir, { recursive: true });
      this.#file = openSync(this.path, "ax");
    } catch (error) {
      throw new EventFileError(this.path, 0, `cannot be made: ${messageOf(error)}`, { cause: error });
    }
    process.on("exit", this.#onExit);
    this.#add(encodeVersion(Date.now() / 1000));
    this.flush();
  }

  /** A number over steps. The name's part before a slash is its group in TensorBoard. */
  addScalar(tag: string, value: number, step: number, wallTime?: number): void {
    this.#summary(tag, scalarContent(value), step, wallTime);
    this.#scalars.add(tag);
  }

  /** Several numbers in one chart; each becomes a run of its own in a folder below, as in PyTorch's writer. */
  addScalars(mainTag: string, values: { readonly [tag: string]: number }, step: number, wallTime?: number): void {
    for (const [tag, value] of Object.entries(values)) {
      const folder = `${mainTag}_${tag}`.replace(/[\\/]/g, "_");
      let child = this.#children.get(folder);
      if (!child) {
        child = new SummaryWriter(join(this.logDir, folder), this.#options);
        this.#children.set(folder, child);
      }
      child.addScalar(mainTag, value, step, wallTime);
    }
  }

  /** The distribution of many numbers, in TensorBoard's buckets. */
  addHistogram(
    tag: string,
    values: ArrayLike<number> | { dataSync(): ArrayLike<number> },
    step: number,
    wallTime?: number,
  ): void {
    const numbers = "dataSync" in values ? values.dataSync() : values;
    this.#summary(tag, histogramContent(makeHistogram(numbers)), step, wallTime);
  }

  /** A picture [H, W], [H, W, C], or several [N, H, W, C]; floats from 0 to 1, bytes and int32 from 0 to 255. */
  addImage(
    tag: string,
    image: ImageLike,
    step: number,
    options: PixelScaling & { readonly wallTime?: number } = {},
  ): void {
    const { images } = prepareImages(image, options);
    images.forEach((pixels, index) => {
      const content = imageContent(pixels.height, pixels.width, pixels.channels, encodePng(pixels));
      this.#summary(images.length === 1 ? tag : `${tag}/${index}`, content, step, options.wallTime);
    });
  }

  /** Text, shown as Markdown. */
  addText(tag: string, text: string, step: number, wallTime?: number): void {
    this.#summary(`${tag}/text_summary`, textContent(text), step, wallTime);
  }

  /**
   * What a run was made with and what came out, for TensorBoard's table of hyper-parameters. A hyper-parameter that is no number, string or truth
   * value is written as its JSON.
   *
   * @param metrics what came out; the table shows a tag's last value, so one that has been written before is only named. A step that goes back to 0
   *   would hide the whole curve.
   * @param options when, and whether the run came to a good end (default true)
   */
  addHparams(
    hparams: { readonly [name: string]: unknown },
    metrics: { readonly [tag: string]: number } = {},
    { wallTime, success = true }: { readonly wallTime?: number; readonly success?: boolean } = {},
  ): void {
    const time = wallTime ?? Date.now() / 1000;
    const named = new Map(Object.entries(hparams).map(([name, value]) => [name, toHparam(value)] as const));
    this.#add(
      encodeSummary(time, 0, [
        { tag: "_hparams_/experiment", content: experimentContent(named, Object.keys(metrics)) },
      ]),
    );
    this.#add(
      encodeSummary(time, 0, [{ tag: "_hparams_/session_start_info", content: sessionStartContent(named, time) }]),
    );
    this.#add(
      encodeSummary(time, 0, [{ tag: "_hparams_/session_end_info", content: sessionEndContent(time, success) }]),
    );
    for (const [tag, value] of Object.entries(metrics)) {
      if (!this.#scalars.has(tag)) {
        this.addScalar(tag, value, 0, time);
      }
    }
  }

  /**
   * The model as a graph: its layers and the operations between them, in groups that are its modules, with edges along which outputs go.
   *
   * @param model left as it was
   * @param inputs what its forward pass takes, for example of shape [1, 32, 32, 3]; not disposed of. Without it there are no edges.
   */
  addGraph(model: AnyModule, inputs?: tf.Tensor | readonly tf.Tensor[], wallTime?: number): void {
    const list = inputs === undefined ? undefined : [inputs].flat();
    const nodes = list === undefined ? listModules(model) : traceGraph(model, list);
    this.#add(encodeGraph(wallTime ?? Date.now() / 1000, nodes));
  }

  /**
   * Writes what waits.
   *
   * @throws EventFileError where the disk refuses; also if it did so earlier, in the background
   */
  flush(): void {
    for (const child of this.#children.values()) {
      child.flush();
    }
    this.#write();
    if (this.#failure) {
      throw this.#failure;
    }
  }

  /** Writes what waits and closes the file. Closing again does nothing. */
  close(): void {
    if (this.#closed) {
      return;
    }
    for (const child of this.#children.values()) {
      child.close();
    }
    this.#write();
    this.#closed = true;
    process.off("exit", this.#onExit);
    closeSync(this.#file);
    if (this.#failure) {
      throw this.#failure;
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #summary(tag: string, content: EncodeContent, step: number, wallTime = Date.now() / 1000): void {
    if (!Number.isSafeInteger(step)) {
      throw new EventFileError(this.path, this.#written, `the step of "${tag}" is ${step}; expected an integer`);
    }
    this.#add(encodeSummary(wallTime, step, [{ tag, content }]));
  }

  #add(message: Uint8Array): void {
    if (this.#closed) {
      throw new EventFileError(this.path, this.#written, "the writer is closed");
    }
    if (this.#failure) {
      throw this.#failure;
    }
    const record = frame(message);
    this.#waiting.push(record);
    this.#waitingBytes += record.length;
    if (this.#waitingBytes >= maxWaiting) {
      this.flush();
    } else if (this.#timer === undefined) {
      // A failure here is told at the next call: an error thrown in a timer would end the process.
      this.#timer = setTimeout(() => this.#write(), this.#flushMs);
      this.#timer.unref();
    }
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0 || this.#failure) {
      return;
    }
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    try {
      for (let at = 0; at < bytes.length; ) {
        at += writeSync(this.#file, bytes, at);
      }
      this.#written += bytes.length;
    } catch (error) {
      this.#failure = new EventFileError(this.path, this.#written, `cannot be written: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}

/** A TFRecord: length, its checksum, data, its checksum. */
function frame(message: Uint8Array): Uint8Array {
  const out = new Uint8Array(message.length + 16);
  const numbers = view(out);
  numbers.setBigUint64(0, BigInt(message.length), true);
  numbers.setUint32(8, maskedCrc32c(out.subarray(0, 8)), true);
  out.set(message, 12);
  numbers.setUint32(12 + message.length, maskedCrc32c(message), true);
  return out;
}

function toHparam(value: unknown): HparamValue {
  if (value === null || value === undefined) {
    return "null";
  }
  if (typeof value === "number" || typeof value === "string" || typeof value === "boolean") {
    return value;
  }
  return JSON.stringify(value) ?? String(value);
}
