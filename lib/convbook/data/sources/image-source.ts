/** Samples that are image files in folders. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { found } from "../../arguments/found.ts";
import { messageOf } from "../../files/index.ts";
import { DataError } from "../error.ts";
import { decodeImage } from "../formats/image.ts";
import type { ImageData8, LabelledSample } from "../sample.ts";

export interface ImageSourceSpec {
  readonly kind: "image-files";
  readonly root: string;
  /** Paths below the root. */
  readonly files: readonly string[];
  readonly labels: Int32Array;
  /** The most pixels of an image that is read; where it is left out, see `decodeImage`. */
  readonly maxPixels?: number | undefined;
}

/** Reads and decodes one file. */
export function sampleOfFile(
  { root, files, labels, maxPixels }: ImageSourceSpec,
  index: number,
): LabelledSample<ImageData8> {
  const file = join(root, found(files[index], `File ${index}`));
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new DataError("sample", `${file} cannot be read: ${messageOf(error)}`, { file, cause: error });
  }
  return [decodeImage(bytes, file, { maxPixels }), labels[index] ?? 0];
}
