/** CIFAR's binary format: records of one or two label bytes and three planes, red, green, blue, of 32 rows by 32 columns. */
import { DataError } from "../error.ts";

const SIDE = 32;
const PLANE = SIDE * SIDE;

/** Bytes of one image, in either layout. */
export const CIFAR_IMAGE_BYTES = 3 * PLANE;

/**
 * Reads records into images [32, 32, 3] (channels last).
 *
 * @param bytes a whole file of records
 * @param labelBytes labels that stand before each image: 1 in CIFAR-10, 2 (coarse, fine) in CIFAR-100
 * @param images where the images go, with room for them
 * @param file its name, for messages
 * @returns each kind of label, one number a record
 * @throws {DataError} naming the file, when it is empty or not a whole number of records
 */
export function readCifarRecords(
  bytes: Uint8Array,
  labelBytes: number,
  images: Uint8Array,
  file: string,
): Int32Array[] {
  const recordBytes = labelBytes + CIFAR_IMAGE_BYTES;
  const count = bytes.length / recordBytes;
  if (count === 0 || !Number.isInteger(count) || images.length < count * CIFAR_IMAGE_BYTES) {
    throw new DataError(
      "format",
      `${file} has ${bytes.length} bytes, which is not as many records of ${recordBytes} as expected.`,
      {
        file,
      },
    );
  }
  const labels = Array.from({ length: labelBytes }, () => new Int32Array(count));
  let to = 0;
  for (let record = 0; record < count; record++) {
    const start = record * recordBytes;
    for (const [i, kind] of labels.entries()) {
      kind[record] = bytes[start + i] ?? 0;
    }
    for (let p = start + labelBytes; p < start + labelBytes + PLANE; p++) {
      images[to++] = bytes[p] ?? 0;
      images[to++] = bytes[p + PLANE] ?? 0;
      images[to++] = bytes[p + 2 * PLANE] ?? 0;
    }
  }
  return labels;
}
