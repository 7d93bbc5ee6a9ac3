/** CIFAR in a folder of one's own, in its python version or its binary one, unpacked or not, of any number of images. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expandHome, messageOf } from "../files/index.ts";
import type { DecodedImages } from "./decoded-cache.ts";
import { DataError } from "./error.ts";
import { CIFAR_IMAGE_BYTES, readCifarRecords } from "./formats/cifar-binary.ts";
import { readCifarPickle } from "./formats/cifar-python.ts";
import { readTarGz } from "./formats/tar.ts";

/** One of the versions that the authors publish. */
export interface CifarVersion {
  /** The folder in its archive. */
  readonly folder: string;
  readonly archive: string;
  /** The files of the training images, or of the test images, in order. */
  readonly files: readonly string[];
  readonly read: (
    bytes: Uint8Array,
    file: string,
  ) => { readonly images: Uint8Array; readonly labels: Readonly<Record<string, Int32Array>> };
}

/** Kinds of labels, in the order of the binary version's bytes, with their names in the python version and their numbers of classes. */
export type CifarLabels = Readonly<Record<string, readonly [key: string, classes: number]>>;

/** A batch has 30 MB, the training images of CIFAR-100 150 MB. */
const MAX_FILE_BYTES = 512 << 20;

/** The python version: each file a pickled dict. */
export function pythonVersion(
  set: "cifar-10" | "cifar-100",
  files: readonly string[],
  labels: CifarLabels,
): CifarVersion {
  return {
    folder: set === "cifar-10" ? "cifar-10-batches-py" : "cifar-100-python",
    archive: `${set}-python.tar.gz`,
    files,
    read: (bytes, file) => readCifarPickle(bytes, labels, file),
  };
}

/** The binary version: each file a row of records. */
export function binaryVersion(
  set: "cifar-10" | "cifar-100",
  files: readonly string[],
  labels: CifarLabels,
): CifarVersion {
  const kinds = Object.keys(labels);
  return {
    folder: set === "cifar-10" ? "cifar-10-batches-bin" : "cifar-100-binary",
    archive: `${set}-binary.tar.gz`,
    files: files.map((name) => `${name}.bin`),
    read: (bytes, file) => {
      const images = new Uint8Array(Math.floor(bytes.length / (kinds.length + CIFAR_IMAGE_BYTES)) * CIFAR_IMAGE_BYTES);
      const read = readCifarRecords(bytes, kinds.length, images, file);
      for (const [i, [key, classes]] of Object.values(labels).entries()) {
        const wrong = read[i]?.findIndex((value) => value >= classes) ?? -1;
        if (wrong !== -1) {
          throw new DataError(
            "format",
            `${file}: ${key}[${wrong}] is ${read[i]?.[wrong]}, not a class from 0 to ${classes - 1}.`,
            {
              file,
            },
          );
        }
      }
      return { images, labels: Object.fromEntries(kinds.map((kind, i) => [kind, read[i] ?? new Int32Array(0)])) };
    },
  };
}

/**
 * Reads the first version that a folder holds: its files, those in the folder of its archive, or the archive itself.
 *
 * @throws {DataError} naming the file that is not as it should be, or all that was looked for
 */
export async function readCifarFolder(folder: string, versions: readonly CifarVersion[]): Promise<DecodedImages> {
  const root = expandHome(folder);
  for (const version of versions) {
    const [first = ""] = version.files;
    const place = [root, join(root, version.folder)].find((each) => existsSync(join(each, first)));
    if (place !== undefined) {
      return joined(version, await Promise.all(version.files.map((name) => readOwn(join(place, name)))));
    }
    const archive = join(root, version.archive);
    if (existsSync(archive)) {
      return readCifarArchive(archive, version);
    }
  }
  const looked = versions.flatMap(({ files: [first], folder: inner, archive }) => [
    `${first}`,
    `${inner}/${first}`,
    archive,
  ]);
  throw new DataError("format", `${root} holds none of ${looked.join(", ")}.`, { file: root });
}

/** Reads a version out of its archive. */
export async function readCifarArchive(archive: string, version: CifarVersion): Promise<DecodedImages> {
  const names = version.files.map((name) => `${version.folder}/${name}`);
  const found = new Map<string, Uint8Array>();
  await readTarGz(archive, new Map(names.map((name) => [name, MAX_FILE_BYTES])), (name, bytes) =>
    found.set(name, bytes),
  );
  return joined(
    version,
    names.map((name) => [`${archive}: ${name}`, found.get(name) ?? new Uint8Array(0)]),
  );
}

type Named = readonly [file: string, bytes: Uint8Array];

async function readOwn(path: string): Promise<Named> {
  try {
    return [path, await readFile(path)];
  } catch (error) {
    throw new DataError("format", `${path} cannot be read: ${messageOf(error)}`, { file: path, cause: error });
  }
}

function joined(version: CifarVersion, files: readonly Named[]): DecodedImages {
  const parts = files.map(([file, bytes]) => version.read(bytes, file));
  const images = Buffer.concat(parts.map((part) => part.images));
  const [first] = parts;
  const labels = Object.keys(first?.labels ?? {}).map((kind): [string, Int32Array] => [
    kind,
    Int32Array.from(parts.flatMap((part) => [...(part.labels[kind] ?? [])])),
  ]);
  return { shape: [32, 32, 3], images, labels: Object.fromEntries(labels), note: "" };
}
