/**
 * torch's file format of before 1.6 (and later with `_use_new_zipfile_serialization=False`): five pickles one after the
 * other (a magic number, the version, facts on the machine, the object, the keys of its storages), then for each key the
 * number of its elements and their bytes.
 *
 * Reference: `_legacy_save` in PyTorch's torch/serialization.py.
 */

import { found } from "../../arguments/found.ts";
import { type ByteReader, quote } from "../byte-reader.ts";
import { CheckpointError } from "../error.ts";
import { unpickle } from "../pickle/unpickle.ts";
import type { PickleValue, PickleVocabulary } from "../pickle/values.ts";
import type { Sharing } from "../tensor-bytes.ts";
import { type StorageReference, TensorCollector, type TorchLimits } from "./storage.ts";
import { torchVocabulary } from "./vocabulary.ts";

const magicNumber = 0x1950a86a20f9469cfc6cn;
const version = 1001;

/** The pickles around the object have no business with any name. */
const plain: PickleVocabulary = {
  allows: () => false,
  call: () => undefined,
  persistent: () => undefined,
};

/** Whether bytes begin like a pickle, as far as they go; a legacy file is a row of pickles. */
export function isLegacy(bytes: Uint8Array): boolean {
  const [first, protocol = 2] = bytes;
  return first === 0x80 && protocol >= 2 && protocol <= 5;
}

/** Reads the first pickle, which is nothing but a number. */
function beginsWithMagic(reader: ByteReader): boolean {
  try {
    return unpickle(reader, plain) === magicNumber;
  } catch (error) {
    // It refers to something.
    if (error instanceof CheckpointError && ["forbidden", "unsupported"].includes(error.reason)) {
      return false;
    }
    throw error;
  }
}

/**
 * Reads a whole legacy file.
 *
 * @param limits what the file may demand
 * @param sharing whether tensors may keep the file's memory
 */
export function readLegacy(reader: ByteReader, limits: TorchLimits, sharing: Sharing): PickleValue {
  if (!beginsWithMagic(reader)) {
    throw reader.error(
      "unsupported",
      'this is a pickle, but not a file of torch.save (its magic number is missing): pickle.dump writes such; in Python, torch.save(pickle.load(open(path, "rb")), other_path) makes it one',
      0,
    );
  }
  const versionAt = reader.offset;
  const written = unpickle(reader, plain);
  if (written !== version) {
    throw reader.error(
      "unsupported",
      `format version ${quote(String(written))} is not read here, only ${version}`,
      versionAt,
    );
  }
  const machineAt = reader.offset;
  const machine = unpickle(reader, plain);
  if (!(machine instanceof Map) || machine.get("protocol_version") !== version) {
    throw reader.error("malformed", "the facts on the machine that wrote the file are missing", machineAt);
  }
  if (machine.get("little_endian") !== true) {
    throw reader.error("unsupported", "the file was written on a big-endian machine", machineAt);
  }
  const tensors = new TensorCollector(reader.bytes.length, limits.copyBudget);
  const object = unpickle(reader, torchVocabulary(tensors), limits.maxContainers);
  const keysAt = reader.offset;
  const keys = unpickle(reader, plain);
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === "string")) {
    throw reader.error("malformed", "the keys of the storages are not a list of strings", keysAt);
  }
  const listed = new Set<string>(keys);
  if (listed.size !== keys.length) {
    throw reader.error("malformed", "a storage's key is listed twice", keysAt);
  }
  for (const key of tensors.roots.keys()) {
    if (!listed.has(key)) {
      throw reader.error("malformed", `storage ${quote(key)} is not in the file`, keysAt);
    }
  }
  const contents = new Map<StorageReference, Uint8Array>();
  for (const key of listed) {
    const at = reader.offset;
    const root = tensors.roots.get(key);
    if (root === undefined) {
      throw reader.error("malformed", `storage ${quote(key)} is in the file but never used`, at);
    }
    const elements = reader.uint64(`the size of storage ${quote(key)}`);
    if (elements !== root.rootElements) {
      throw reader.error(
        "malformed",
        `storage ${quote(key)} has ${elements} elements, but was declared with ${root.rootElements}`,
        at,
      );
    }
    contents.set(root, reader.slice(root.rootBytes, `storage ${quote(key)}`));
  }
  if (reader.remaining > 0) {
    throw reader.error("malformed", `${reader.remaining} bytes follow the last storage, which belong to nothing`);
  }
  tensors.fill((root) => found(contents.get(root), `The storage ${root.key}`), sharing);
  return object;
}
