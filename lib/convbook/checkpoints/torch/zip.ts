/**
 * torch's file format since 1.6: a zip archive of uncompressed entries in one folder: `data.pkl`, the storages as
 * `data/KEY`, `version`, and since 2.1 `byteorder`. torch reads archives that other programs have packed anew, too: with deflated
 * entries, and folders as entries of their own.
 *
 * Read strictly: the archive consists of its entries one after the other, its directory and nothing else; what a local
 * header and the directory say of an entry is the same; no name occurs twice. So there are no two ways of reading a file.
 *
 * References: PKWARE's APPNOTE.TXT; `_save` in PyTorch's torch/serialization.py and caffe2/serialize/inline_container.cc.
 */

import { found } from "../../arguments/found.ts";
import { ByteReader, quote } from "../byte-reader.ts";
import { unpickle } from "../pickle/unpickle.ts";
import type { PickleValue } from "../pickle/values.ts";
import type { Sharing } from "../tensor-bytes.ts";
import { readContents, type ZipEntry } from "./contents.ts";
import { TensorCollector, type TorchLimits } from "./storage.ts";
import { torchVocabulary } from "./vocabulary.ts";

const localSignature = 0x04034b50;
const descriptorSignature = 0x08074b50;
const directorySignature = 0x02014b50;
const end64Signature = 0x06064b50;
const locator64Signature = 0x07064b50;
const endSignature = 0x06054b50;
const endBytes = 22;
const end64Bytes = 56;
const locator64Bytes = 20;

/** Methods: 0, as it is; 8, deflated. */
const stored = 0;
const deflated = 8;

/** Flags: 1 and 2, how hard a deflating program tried; 3, sizes follow the data; 11, names are UTF-8. */
const effortFlags = (1 << 1) | (1 << 2);
const descriptorFlag = 1 << 3;
const utf8Flag = 1 << 11;

/** Whether bytes begin like a zip archive, as far as they go. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes.length > 0 && [0x50, 0x4b, 0x03, 0x04].every((byte, i) => i >= bytes.length || bytes[i] === byte);
}

interface Directory {
  readonly start: number;
  readonly size: number;
  readonly entries: number;
}

/** Finds the directory from the records at the very end of the file. */
function findDirectory(bytes: Uint8Array, file: string): Directory {
  const endAt = bytes.length - endBytes;
  const reader = new ByteReader(bytes, file, Math.max(0, endAt));
  if (endAt < 0 || reader.uint32("the archive's end") !== endSignature) {
    throw reader.error(
      "truncated",
      "the archive's end record is not at the end of the file: the file is cut off, or something follows the archive",
      Math.max(0, endAt),
    );
  }
  const [disk, directoryDisk] = [reader.uint16("the end record"), reader.uint16("the end record")];
  const [entriesHere, entries] = [reader.uint16("the end record"), reader.uint16("the end record")];
  const [size, start] = [reader.uint32("the end record"), reader.uint32("the end record")];
  const comment = reader.uint16("the end record");
  if (disk !== 0 || directoryDisk !== 0 || entriesHere !== entries || comment !== 0) {
    throw reader.error("forbidden", "the archive has several parts or a comment", endAt);
  }
  let before = endAt;
  const locatorAt = endAt - locator64Bytes;
  if (locatorAt >= 0 && new ByteReader(bytes, file, locatorAt).uint32("a locator") === locator64Signature) {
    before = checkEnd64(bytes, file, locatorAt, { start, size, entries });
  }
  if (start + size !== before) {
    throw reader.error("malformed", "the archive's directory does not end where the end records begin", endAt);
  }
  return { start, size, entries };
}

/** torch always writes the 64-bit records as well; they must say the same. Returns where they begin. */
function checkEnd64(bytes: Uint8Array, file: string, locatorAt: number, directory: Directory): number {
  const at = locatorAt - end64Bytes;
  const locator = new ByteReader(bytes, file, locatorAt + 4);
  const locatorDisk = locator.uint32("the 64-bit locator");
  const recordAt = locator.uint64("the 64-bit locator");
  const disks = locator.uint32("the 64-bit locator");
  if (at < 0 || recordAt !== at || locatorDisk !== 0 || disks > 1) {
    throw locator.error("malformed", "the locator of the 64-bit end record points elsewhere", locatorAt);
  }
  const reader = new ByteReader(bytes, file, at);
  const what = "the 64-bit end record";
  const signature = reader.uint32(what);
  const length = reader.uint64(what);
  reader.take(4, what);
  const [disk, directoryDisk] = [reader.uint32(what), reader.uint32(what)];
  const [entriesHere, entries] = [reader.uint64(what), reader.uint64(what)];
  const [size, start] = [reader.uint64(what), reader.uint64(what)];
  if (
    signature !== end64Signature ||
    length !== end64Bytes - 12 ||
    disk !== 0 ||
    directoryDisk !== 0 ||
    entriesHere !== entries ||
    entries !== directory.entries ||
    size !== directory.size ||
    start !== directory.start
  ) {
    throw reader.error("malformed", "the 64-bit end record contradicts the other one", at);
  }
  return at;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function readName(reader: ByteReader, length: number): string {
  const at = reader.offset;
  const bytes = reader.slice(length, "an entry's name");
  try {
    return utf8.decode(bytes);
  } catch {
    throw reader.error("malformed", "an entry's name is not valid UTF-8", at);
  }
}

/** Reads one record of the directory and the local header that it points to. */
function readEntry(reader: ByteReader, directoryStart: number): ZipEntry {
  const { bytes, file } = reader;
  const at = reader.offset;
  const what = "the archive's directory";
  if (reader.uint32(what) !== directorySignature) {
    throw reader.error("malformed", `${what} is not a list of entries`, at);
  }
  reader.take(4, what);
  const flags = reader.uint16(what);
  const method = reader.uint16(what);
  reader.take(4, what);
  const crc = reader.uint32(what);
  const [packed, size] = [reader.uint32(what), reader.uint32(what)];
  const [nameLength, extraLength, commentLength] = [reader.uint16(what), reader.uint16(what), reader.uint16(what)];
  const disk = reader.uint16(what);
  reader.take(6, what);
  const start = reader.uint32(what);
  const name = readName(reader, nameLength);
  reader.take(extraLength, what);
  if (isProgram(name)) {
    throw reader.error("unsupported", programDetail, at);
  }
  if (commentLength !== 0 || disk !== 0) {
    throw reader.error("forbidden", `entry ${quote(name)} has a comment or lies elsewhere`, at);
  }
  if (method !== stored && method !== deflated) {
    const detail = `entry ${quote(name)} is compressed by method ${method}, which is not read here (only stored, 0, and deflated, 8)`;
    throw reader.error("unsupported", detail, at);
  }
  if (method === stored && packed !== size) {
    throw reader.error("malformed", `entry ${quote(name)} is stored, but of two sizes, ${packed} and ${size}`, at);
  }
  if ((flags & ~(descriptorFlag | utf8Flag | (method === deflated ? effortFlags : 0))) !== 0) {
    throw reader.error("forbidden", `entry ${quote(name)} is encrypted or of an unusual kind`, at);
  }
  if ([packed, size, start].includes(0xffffffff)) {
    throw reader.error("unsupported", `entry ${quote(name)} has 64-bit sizes`, at);
  }
  if (packed > directoryStart || start > directoryStart) {
    throw reader.error("malformed", `entry ${quote(name)} of ${packed} bytes at ${start} does not lie in the file`, at);
  }

  const local = new ByteReader(bytes, file, start, directoryStart);
  const header = `the header of entry ${quote(name)}`;
  const disagree = () => local.error("malformed", `${header} contradicts the archive's directory`, start);
  if (local.uint32(header) !== localSignature) {
    throw disagree();
  }
  local.take(2, header);
  if (local.uint16(header) !== flags || local.uint16(header) !== method) {
    throw disagree();
  }
  local.take(4, header);
  const hasDescriptor = (flags & descriptorFlag) !== 0;
  for (const expected of [crc, packed, size]) {
    const found = local.uint32(header);
    if (found !== expected && !(hasDescriptor && found === 0)) {
      throw disagree();
    }
  }
  const [localNameLength, localExtraLength] = [local.uint16(header), local.uint16(header)];
  if (readName(local, localNameLength) !== name) {
    throw disagree();
  }
  local.take(localExtraLength, header);
  const { offset } = local;
  local.take(packed, `entry ${quote(name)}`);
  if (hasDescriptor) {
    const found = [0, 1, 2, 3].map(() => local.uint32(`the descriptor of entry ${quote(name)}`));
    if (found.some((value, i) => value !== [descriptorSignature, crc, packed, size][i])) {
      throw disagree();
    }
  }
  return { name, start, offset, packed, size, isDeflated: method === deflated, crc, end: local.offset };
}

/** Parts of a TorchScript archive, which are compressed, too. */
function isProgram(name: string): boolean {
  return /^[^/]+\/(constants\.pkl$|code\/)/.test(name);
}

const programDetail =
  "this is a TorchScript program (torch.jit.save), not a checkpoint; in Python, torch.save(torch.jit.load(path).state_dict(), other_path) keeps its weights";

/** Reads the archive's directory; the entries cover the file up to it without gap or overlap. */
function readEntries(bytes: Uint8Array, file: string): ZipEntry[] {
  const directory = findDirectory(bytes, file);
  const reader = new ByteReader(bytes, file, directory.start, directory.start + directory.size);
  const entries: ZipEntry[] = [];
  const names = new Set<string>();
  for (let i = 0; i < directory.entries; i++) {
    const at = reader.offset;
    // Entries may only follow each other, so no byte is read for two of them.
    const entry = readEntry(reader, directory.start);
    if (names.has(entry.name)) {
      throw reader.error("forbidden", `entry ${quote(entry.name)} occurs twice`, at);
    }
    const expected = entries.at(-1)?.end ?? 0;
    if (entry.start !== expected) {
      throw reader.error("forbidden", `entry ${quote(entry.name)} begins at ${entry.start}, not at ${expected}`, at);
    }
    names.add(entry.name);
    entries.push(entry);
  }
  if (reader.remaining !== 0) {
    throw reader.error("malformed", "the archive's directory has more than its entries");
  }
  const covered = entries.at(-1)?.end ?? 0;
  if (covered !== directory.start) {
    throw reader.error("forbidden", "bytes between the last entry and the directory belong to nothing", covered);
  }
  return entries;
}

/** Files of a torch archive that hold no data of the object. */
const sideFiles = new Set(["version", "byteorder", ".format_version", ".storage_alignment"]);

/**
 * Reads a whole torch archive.
 *
 * @param limits what the file may demand
 * @param sharing whether tensors may keep the file's memory
 */
export function readZip(bytes: Uint8Array, file: string, limits: TorchLimits, sharing: Sharing): PickleValue {
  const whole = new ByteReader(bytes, file);
  const entries = readEntries(bytes, file);
  const contents = readContents(bytes, file, entries, limits.copyBudget);
  const contentOf = ({ name }: ZipEntry) => found(contents.get(name), name);
  const prefix = /^[^/]+\//.exec(entries[0]?.name ?? "")?.[0];
  if (prefix === undefined) {
    throw whole.error("unsupported", "this zip archive is not a checkpoint of torch", 0);
  }
  const storages = new Map<string, ZipEntry>();
  const files = new Map<string, ZipEntry>();
  for (const entry of entries) {
    if (!entry.name.startsWith(prefix)) {
      throw whole.error(
        "malformed",
        `entry ${quote(entry.name)} is not in the archive's folder ${quote(prefix)}`,
        entry.start,
      );
    }
    const name = entry.name.slice(prefix.length);
    // A folder.
    if (entry.name.endsWith("/") && entry.size === 0) {
      continue;
    }
    if (name.startsWith("data/")) {
      storages.set(name.slice("data/".length), entry);
    } else if (name === "data.pkl" || sideFiles.has(name) || name.startsWith(".data/")) {
      files.set(name, entry);
    } else {
      throw whole.error("forbidden", `entry ${quote(entry.name)} is none that torch writes`, entry.start);
    }
  }
  const pickle = files.get("data.pkl");
  if (pickle === undefined) {
    throw whole.error("unsupported", "this zip archive is not a checkpoint of torch: it has no data.pkl", 0);
  }
  const order = files.get("byteorder");
  if (order !== undefined) {
    const text = Buffer.from(contentOf(order)).toString("latin1");
    if (text !== "little") {
      throw whole.error("unsupported", `its byte order is ${quote(text)}, not "little"`, order.offset);
    }
  }

  const inflated = entries.reduce((sum, { size, packed }) => sum + Math.max(0, size - packed), 0);
  const tensors = new TensorCollector(bytes.length + inflated, limits.copyBudget);
  // Places in errors are those of the file, but for an inflated pickle, which has its own.
  const reader = pickle.isDeflated
    ? new ByteReader(contentOf(pickle), file)
    : new ByteReader(bytes, file, pickle.offset, pickle.offset + pickle.size);
  const object = unpickle(reader, torchVocabulary(tensors), limits.maxContainers);
  if (reader.remaining > 0) {
    throw reader.error("malformed", `${reader.remaining} bytes follow the pickle, which belong to nothing`);
  }
  for (const [key, root] of tensors.roots) {
    const entry = storages.get(key);
    if (entry === undefined) {
      throw whole.error("malformed", `storage ${quote(key)} is not in the archive`, pickle.offset);
    }
    if (entry.size !== root.rootBytes) {
      throw whole.error(
        "malformed",
        `storage ${quote(key)} has ${entry.size} bytes, but was declared with ${root.rootElements} elements (${root.rootBytes} bytes)`,
        entry.offset,
      );
    }
  }
  for (const [key, entry] of storages) {
    if (!tensors.roots.has(key)) {
      throw whole.error("malformed", `storage ${quote(key)} is in the archive but never used`, entry.start);
    }
  }
  tensors.fill(({ key }) => contentOf(found(storages.get(key), `The storage ${key}`)), sharing);
  return object;
}
