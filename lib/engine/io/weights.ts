/** The weights of a model in a folder: files that its manifest names, each group cut into as many as somebody liked. */
import { open, realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import type { io } from "@tensorflow/tfjs-core";
import { ModelFileError } from "./error.ts";

const elementBytes: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  complex64: 8,
  uint8: 1,
  uint16: 2,
  float16: 2,
};

/** A manifest's group whose files have been found. */
interface Group {
  readonly weights: readonly io.WeightsManifestEntry[];
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
}

/**
 * Reads the weights that a manifest tells of.
 *
 * @param modelFile the file that has the manifest; paths in it are relative to its folder, and do not lead out of it
 * @param manifest as it was parsed: anything
 * @returns what tfjs expects of a handler: the weights' descriptions, and their bytes one after the other
 * @throws ModelFileError where the manifest is none, a file is missing or lies elsewhere, or files are shorter or longer than their weights
 */
export async function readWeights(
  modelFile: string,
  manifest: unknown,
): Promise<[io.WeightsManifestEntry[], ArrayBuffer]> {
  const groups: Group[] = [];
  for (const group of checkManifest(modelFile, manifest)) {
    const files = [];
    for (const path of group.paths) {
      files.push(await findFile(modelFile, path));
    }
    const strings = group.weights.some(({ dtype, quantization }) => dtype === "string" && quantization === undefined);
    // How long strings are stands in the files; everything else is known before a byte is read.
    if (!strings) {
      checkLength(modelFile, files, total(files), group.weights, weightBytes(modelFile, group.weights, undefined));
    }
    groups.push({ weights: group.weights, files });
  }
  const data = new Uint8Array(total(groups.flatMap(({ files }) => files)));
  let offset = 0;
  for (const { weights, files } of groups) {
    const start = offset;
    for (const { path, bytes } of files) {
      await readInto(path, data.subarray(offset, offset + bytes));
      offset += bytes;
    }
    const bytes = data.subarray(start, offset);
    checkLength(modelFile, files, bytes.length, weights, weightBytes(modelFile, weights, bytes));
  }
  return [groups.flatMap(({ weights }) => weights), data.buffer];
}

function total(files: Group["files"]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

function checkManifest(modelFile: string, manifest: unknown): io.WeightsManifestConfig {
  const fail = (what: string): never => {
    throw new ModelFileError(modelFile, `${modelFile} cannot be read: ${what}.`);
  };
  if (!Array.isArray(manifest)) {
    return fail(`its "weightsManifest" is ${kindOf(manifest)}, expected a list of groups`);
  }
  for (const [index, group] of manifest.entries()) {
    const { paths, weights } = (group ?? {}) as { paths?: unknown; weights?: unknown };
    if (!Array.isArray(paths) || !paths.every((path) => typeof path === "string")) {
      fail(`"paths" of group ${index} of its "weightsManifest" is ${kindOf(paths)}, expected a list of file names`);
    }
    if (!Array.isArray(weights)) {
      fail(`"weights" of group ${index} of its "weightsManifest" is ${kindOf(weights)}, expected a list`);
    }
    for (const weight of weights as unknown[]) {
      const { name, shape } = (weight ?? {}) as { name?: unknown; shape?: unknown };
      if (typeof name !== "string") {
        fail(`a weight's "name" is ${kindOf(name)}, expected a string`);
      }
      if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
        fail(`the shape of its weight ${JSON.stringify(name)} is ${JSON.stringify(shape)}, expected a list of sizes`);
      }
    }
  }
  return manifest as io.WeightsManifestConfig;
}

function kindOf(value: unknown): string {
  if (value === undefined) {
    return "missing";
  }
  if (value === null) {
    return "null";
  }
  return Array.isArray(value) ? "a list of something else" : `a value of type ${typeof value}`;
}

async function findFile(modelFile: string, name: string): Promise<Group["files"][number]> {
  const folder = dirname(modelFile);
  const path = join(folder, name);
  const fail = (what: string, cause?: unknown): never => {
    throw new ModelFileError(path, `${modelFile} names the weights file ${JSON.stringify(name)}, ${what}.`, { cause });
  };
  if (name === "" || name.includes("\0") || isAbsolute(name) || !isInside(folder, path)) {
    fail("expected a path within its own folder");
  }
  let real: string;
  try {
    real = await realpath(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return fail(
      code === "ENOENT" ? `which is not there: ${path} does not exist` : `which cannot be read: ${code}`,
      error,
    );
  }
  if (!isInside(await realpath(folder), real)) {
    fail("which is a link out of its folder");
  }
  const info = await stat(real);
  if (!info.isFile()) {
    fail(`but ${path} is ${info.isDirectory() ? "a folder" : "no file"}`);
  }
  return { path, bytes: info.size };
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/**
 * How many bytes weights take.
 *
 * @param bytes their content, for strings: each has its length before it; where one ends behind the content, that is where it ends
 */
function weightBytes(
  modelFile: string,
  weights: readonly io.WeightsManifestEntry[],
  bytes: Uint8Array | undefined,
): number {
  let sum = 0;
  for (const { name, shape, dtype, quantization } of weights) {
    const count = shape.reduce((product, size) => product * size, 1);
    const stored = quantization?.dtype ?? dtype;
    const each = Object.hasOwn(elementBytes, stored) ? elementBytes[stored] : undefined;
    if (each !== undefined) {
      sum += count * each;
    } else if (stored === "string" && bytes !== undefined) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let i = 0; i < count && sum <= bytes.length; i++) {
        sum += 4 + (sum + 4 <= bytes.length ? view.getUint32(sum, true) : 0);
      }
    } else {
      throw new ModelFileError(
        modelFile,
        `${modelFile} cannot be read: its weight ${JSON.stringify(name)} has the dtype ${JSON.stringify(stored)}, expected one of ` +
          `${Object.keys(elementBytes).join(", ")}, string.`,
      );
    }
  }
  return sum;
}

function checkLength(
  modelFile: string,
  files: Group["files"],
  got: number,
  weights: readonly io.WeightsManifestEntry[],
  expected: number,
): void {
  if (got === expected) {
    return;
  }
  const paths = files.map(({ path }) => path);
  const have = paths.length === 1 ? `${paths[0]} has` : `The ${paths.length} weights files ${paths.join(", ")} have`;
  const where = paths[0] ?? modelFile;
  const what = paths.length === 0 ? `${modelFile} names no weights file, which gives 0 bytes` : `${have} ${got} bytes`;
  throw new ModelFileError(
    where,
    `${what}, expected ${expected} for the weights that the manifest lists (${weights.length}).`,
  );
}

async function readInto(path: string, target: Uint8Array): Promise<void> {
  const file = await open(path);
  try {
    for (let done = 0; done < target.length; ) {
      // At most a gigabyte a call: the system takes less than 2 GiB.
      const { bytesRead } = await file.read(target, done, Math.min(target.length - done, 2 ** 30));
      if (bytesRead === 0) {
        throw new ModelFileError(
          path,
          `${path} ended after ${done} bytes, expected ${target.length}: it was changed meanwhile.`,
        );
      }
      done += bytesRead;
    }
  } finally {
    await file.close();
  }
}
