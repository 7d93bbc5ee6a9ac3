/** The JPEG encoder: mozjpeg compiled to WebAssembly, with libjpeg's tables of quantization. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { MozJPEGModule } from "@jsquash/jpeg/codec/enc/mozjpeg_enc.js";
import { compileWasm, instantiate, withoutImageData } from "../data/formats/jpeg.ts";

export interface JpegOptions {
  readonly quality: number;
  readonly grey: boolean;
  readonly progressive: boolean;
  /** Whether colours have half the resolution. */
  readonly subsample: boolean;
}

/** Encodes red, green, blue and alpha, which is passed over. */
export type EncodeJpeg = (rgba: Uint8Array, width: number, height: number, options: JpegOptions) => Uint8Array;

let loading: Promise<EncodeJpeg> | undefined;

/** Gets the encoder ready, once. */
export function loadJpegEncoder(): Promise<EncodeJpeg> {
  loading ??= load();
  return loading;
}

async function load(): Promise<EncodeJpeg> {
  const path = createRequire(import.meta.url).resolve("@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm");
  const compiled = await compileWasm(await readFile(path));
  const encoder = await withoutImageData(async () => {
    const { default: factory } = await import("@jsquash/jpeg/codec/enc/mozjpeg_enc.js");
    const instantiateWasm = (imports: object, done: (instance: object) => void) => {
      const instance = instantiate(compiled, imports);
      done(instance);
      return instance.exports;
    };
    return factory({ instantiateWasm } as object) as Promise<MozJPEGModule>;
  });
  return (rgba, width, height, { quality, grey, progressive, subsample }) =>
    new Uint8Array(
      encoder.encode(rgba as never, width, height, {
        quality,
        baseline: !progressive,
        arithmetic: false,
        progressive,
        // Always: with the tables of the standard mozjpeg's choice of coefficients breaks blocks at the right border.
        optimize_coding: true,
        smoothing: 0,
        color_space: grey ? 1 : 3,
        quant_table: 0,
        trellis_multipass: false,
        trellis_opt_zero: false,
        trellis_opt_table: false,
        trellis_loops: 1,
        auto_subsample: false,
        chroma_subsample: subsample ? 2 : 1,
        separate_chroma_quality: false,
        chroma_quality: quality,
      }),
    );
}
