/**
 * JPEG files as images of bytes: mozjpeg compiled to WebAssembly, whose numbers are libjpeg-turbo's and so Pillow's; images of four
 * colours (CMYK), which it refuses, by jpeg-js.
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { MozJPEGModule } from "@jsquash/jpeg/codec/dec/mozjpeg_dec.js";
import jpegJs from "jpeg-js";
import { DataError } from "../error.ts";
import type { ImageData8 } from "../sample.ts";
import { type DecodeOptions, type Fail, sizeCheck } from "./limits.ts";

/** Makes a decoder, at once. */
type MakeDecoder = () => MozJPEGModule;

let loading: Promise<MakeDecoder> | undefined;
let makeDecoder: MakeDecoder | undefined;
/** The decoder that is used; undefined when a broken file has left its memory in disorder. */
let decoder: MozJPEGModule | undefined;
/** What the decoder complained of last. */
let complaint = "";

/** What is used of WebAssembly, which Node's types do not describe. */
const { WebAssembly: wasm } = globalThis as unknown as {
  WebAssembly: {
    compile(bytes: Uint8Array): Promise<object>;
    Module: new (bytes: Uint8Array) => object;
    Instance: new (module: object, imports: object) => { readonly exports: object };
  };
};

/** Gets the decoder ready; {@link decodeJpeg} needs it. */
export async function loadJpegDecoder(): Promise<void> {
  loading ??= load();
  makeDecoder = await loading;
}

/** Compiles WebAssembly, as `WebAssembly.compile`. */
export const compileWasm = wasm.compile;

/** Makes an instance of compiled WebAssembly, at once. */
export function instantiate(compiled: object, imports: object): { readonly exports: object } {
  return new wasm.Instance(compiled, imports);
}

/** What the package's module gives: it makes a decoder when it is called. */
type Factory = (module: object) => Promise<object>;

const decoderFile = (): string => createRequire(import.meta.url).resolve("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm");

async function load(): Promise<MakeDecoder> {
  const compiled = await compileWasm(await readFile(decoderFile()));
  const { default: factory } = await withoutImageData(() => import("@jsquash/jpeg/codec/dec/mozjpeg_dec.js"));
  return decoderMaker(compiled, factory as Factory);
}

/**
 * Gets the decoder ready at once, for who cannot wait; the event loop stands still meanwhile.
 *
 * @param factory what `@jsquash/jpeg/codec/dec/mozjpeg_dec.js` exports, imported by the caller
 */
export function loadJpegDecoderNow(factory: Factory): void {
  makeDecoder ??= decoderMaker(new wasm.Module(readFileSync(decoderFile())), factory);
}

function decoderMaker(compiled: object, factory: Factory): MakeDecoder {
  return () => {
    const module = {
      printErr: (text: string) => {
        complaint = text;
      },
      instantiateWasm: (imports: object, done: (instance: object) => void) => {
        const instance = instantiate(compiled, imports);
        done(instance);
        return instance.exports;
      },
    };
    // With its code compiled it is ready when the call returns; the promise tells nothing more.
    withImageData(() => factory(module).catch(() => {}));
    return module as object as MozJPEGModule;
  };
}

/**
 * Decodes a JPEG, baseline or progressive, grey, colour or CMYK. Its orientation tag is not looked at, as in torchvision. What libjpeg reads
 * with a warning (bytes that belong to nothing between segments, scans that end too early, lost restart markers) is read as it reads it, grey
 * where there is no data; CMYK is read where it is whole and has Adobe's marker. Arithmetic coding, 12 bits and lossless files are refused.
 *
 * @param bytes the whole file
 * @param file its name, for messages
 * @returns uint8 [height, width, 3]
 * @throws {DataError} naming the file, when it is broken or cut off
 */
export function decodeJpeg(bytes: Uint8Array, file: string, options: DecodeOptions = {}): ImageData8 {
  const fail: Fail = (message, cause) => {
    throw new DataError("format", `${file} is not a JPEG image that can be read: ${message}.`, { file, cause });
  };
  const { width, height, components, problem, most } = readFrame(bytes);
  if (problem !== undefined) {
    return fail(problem);
  }
  sizeCheck(fail, options)(width, height);
  if (width * height > most) {
    fail(`its ${bytes.length} bytes cannot hold its ${width} x ${height} pixels`);
  }
  let rgba: Uint8Array | Uint8ClampedArray;
  try {
    rgba = components === 4 ? decodeCmyk(bytes) : decodeColour(bytes);
  } catch (error) {
    return fail(error instanceof Error ? error.message.replace(/\.$/, "") : "its data is broken", error);
  }
  const data = new Uint8Array(width * height * 3);
  if (rgba.length !== width * height * 4) {
    fail(`its data has ${rgba.length / 4} pixels, not ${width * height}`);
  }
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    data[to] = rgba[from] ?? 0;
    data[to + 1] = rgba[from + 1] ?? 0;
    data[to + 2] = rgba[from + 2] ?? 0;
  }
  return { dtype: "uint8", shape: [height, width, 3], data };
}

function decodeColour(bytes: Uint8Array): Uint8ClampedArray {
  if (makeDecoder === undefined) {
    throw new Error("the JPEG decoder was not loaded");
  }
  decoder ??= makeDecoder();
  const ready = decoder;
  // A failure leaves the decoder in the middle of its work: what comes next gets another one.
  decoder = undefined;
  complaint = "";
  try {
    const result = withImageData(() => ready.decode(bytes as never, false));
    if (result) {
      decoder = ready;
      return result.data;
    }
  } catch (error) {
    throw new Error(complaint || "its data is broken", { cause: error });
  }
  throw new Error(complaint || "its data is broken");
}

function decodeCmyk(bytes: Uint8Array): Uint8Array {
  return jpegJs.decode(bytes, {
    useTArray: true,
    tolerantDecoding: false,
    maxMemoryUsageInMB: 4096,
    maxResolutionInMP: 300,
  }).data;
}

/** How many colours a JPEG has: 1 grey, 3, or 4 (CMYK); 0 where it cannot be told. */
export function jpegComponents(bytes: Uint8Array): number {
  return readFrame(bytes).components;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  /** The most pixels that the bytes behind the header can hold. */
  readonly most: number;
  readonly problem?: string;
}

/**
 * Walks over the markers to the frame header, and looks whether the file has an end. As libjpeg does, it passes over bytes that belong to
 * nothing, and takes a segment's length of 0 or 1 for 2, its own two bytes.
 */
function readFrame(bytes: Uint8Array): Frame {
  const nothing = { width: 0, height: 0, components: 0, most: 0 };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint16(0) !== 0xffd8) {
    return { ...nothing, problem: "it does not begin as one" };
  }
  if (bytes[2] !== 0xff) {
    return { ...nothing, problem: "there is no marker at byte 2" };
  }
  let position = 2;
  while (position + 4 <= bytes.length) {
    const marker = bytes[position + 1] ?? 0;
    if (bytes[position] !== 0xff || marker === 0xff || marker === 0) {
      position++;
      continue;
    }
    if (marker === 0xd9 || marker === 0xda) {
      break;
    }
    // Markers that stand alone.
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      position += 2;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame && position + 10 <= bytes.length) {
      const precision = bytes[position + 4] ?? 0;
      const components = bytes[position + 9] ?? 0;
      const frame = {
        height: view.getUint16(position + 5),
        width: view.getUint16(position + 7),
        components,
        most: mostPixels(bytes.subarray(position + 10), components),
      };
      if (precision !== 8) {
        return { ...frame, problem: `it has ${precision} bits a colour; only 8 are read` };
      }
      return hasEnd(bytes, position) ? frame : { ...frame, problem: "it is cut off" };
    }
    position += 2 + Math.max(2, view.getUint16(position + 2));
  }
  return { ...nothing, problem: "it ends before its image" };
}

/**
 * The most pixels that data can hold: each block of 64 takes a bit at least, in the component that has the most blocks. Of each component three
 * bytes tell, the second of how many blocks it has across and down in a unit.
 */
function mostPixels(bytes: Uint8Array, components: number): number {
  const sampling = Array.from({ length: components }, (_, i) => bytes[3 * i + 1] ?? 0x11);
  const across = Math.max(1, ...sampling.map((each) => each >> 4));
  const down = Math.max(1, ...sampling.map((each) => each & 15));
  const densest = Math.max(1, ...sampling.map((each) => (each >> 4) * (each & 15)));
  return (bytes.length * 8 * 64 * across * down) / densest;
}

/** Whether the end-of-image marker stands somewhere after a place. */
function hasEnd(bytes: Uint8Array, from: number): boolean {
  for (let i = bytes.length - 2; i > from; i--) {
    if (bytes[i] === 0xff && bytes[i + 1] === 0xd9) {
      return true;
    }
  }
  return false;
}

/** The decoder's results are ImageData, which Node does not have: it is there only while the decoder looks for it. */
function withImageData<T>(run: () => T): T {
  if (Object.hasOwn(globalThis, "ImageData")) {
    return run();
  }
  Object.assign(globalThis, { ImageData: Pixels });
  try {
    return run();
  } finally {
    Reflect.deleteProperty(globalThis, "ImageData");
  }
}

class Pixels {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  constructor(data: Uint8ClampedArray, width: number, height: number) {
    this.data = data;
    this.width = width;
    this.height = height;
  }
}

/** The decoder, and the encoder, define ImageData for the whole process when they are made: undone. */
export async function withoutImageData<T>(run: () => Promise<T>): Promise<T> {
  const had = Object.hasOwn(globalThis, "ImageData");
  try {
    return await run();
  } finally {
    if (!had) {
      Reflect.deleteProperty(globalThis, "ImageData");
    }
  }
}
