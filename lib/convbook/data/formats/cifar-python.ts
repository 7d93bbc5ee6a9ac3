/**
 * CIFAR's batches as Python 2 pickled them: a dict with `data`, uint8 [N, 3072] in planes, and lists of labels. Read as data: nothing in
 * them is executed.
 */
import { ByteReader } from "../../checkpoints/byte-reader.ts";
import { unpickle } from "../../checkpoints/pickle/unpickle.ts";
import { PickleRefusal, type PickleVocabulary } from "../../checkpoints/pickle/values.ts";
import { DataError } from "../error.ts";
import { CIFAR_IMAGE_BYTES } from "./cifar-binary.ts";

/** NumPy's arrays are known without being named. */
const vocabulary: PickleVocabulary = {
  oldStrings: "latin1",
  allows: () => false,
  call: () => undefined,
  persistent: () => {
    throw new PickleRefusal("forbidden", "a batch of CIFAR refers to nothing outside of it");
  },
};

/** A batch: images [32, 32, 3] one after the other, and each kind of labels that was asked for. */
export interface CifarBatch {
  readonly images: Uint8Array;
  readonly labels: Readonly<Record<string, Int32Array>>;
}

/**
 * Reads a batch.
 *
 * @param bytes a whole file
 * @param labels each kind of labels, with its name in the file and its number of classes: `{ label: ["labels", 10] }`
 * @param file its name, for messages
 * @throws {CheckpointError} for what is no pickle of data
 * @throws {DataError} naming the file and what in it is not as it should be
 */
export function readCifarPickle(
  bytes: Uint8Array,
  labels: Readonly<Record<string, readonly [key: string, classes: number]>>,
  file: string,
): CifarBatch {
  const fail = (message: string): never => {
    throw new DataError("format", `${file}: ${message}.`, { file });
  };
  const batch = unpickle(new ByteReader(bytes, file), vocabulary);
  if (!(batch instanceof Map)) {
    return fail("it holds no dict");
  }
  const {
    dtype,
    shape = [],
    data,
  } = Object(batch.get("data")) as { dtype?: string; shape?: readonly number[]; data?: unknown };
  const [count = 0, width] = shape;
  if (dtype !== "uint8" || shape.length !== 2 || width !== CIFAR_IMAGE_BYTES || !(data instanceof Uint8Array)) {
    return fail(`its data is ${dtype ?? "no array"} [${shape.join(", ")}], not uint8 [N, ${CIFAR_IMAGE_BYTES}]`);
  }
  const read = Object.entries(labels).map(([kind, [key, classes]]): [string, Int32Array] => {
    const list: unknown = batch.get(key);
    if (!Array.isArray(list) || list.length !== count) {
      return fail(`its ${key} are not a list of ${count} numbers`);
    }
    const wrong = list.findIndex((value) => !Number.isInteger(value) || value < 0 || value >= classes);
    if (wrong !== -1) {
      fail(`${key}[${wrong}] is ${String(list[wrong]).slice(0, 40)}, not a class from 0 to ${classes - 1}`);
    }
    return [kind, Int32Array.from(list as number[])];
  });
  return { images: channelsLast(data, count), labels: Object.fromEntries(read) };
}

function channelsLast(planes: Uint8Array, count: number): Uint8Array {
  const images = new Uint8Array(count * CIFAR_IMAGE_BYTES);
  const plane = CIFAR_IMAGE_BYTES / 3;
  let to = 0;
  for (let start = 0; start < images.length; start += CIFAR_IMAGE_BYTES) {
    for (let p = start; p < start + plane; p++) {
      images[to++] = planes[p] ?? 0;
      images[to++] = planes[p + plane] ?? 0;
      images[to++] = planes[p + 2 * plane] ?? 0;
    }
  }
  return images;
}
