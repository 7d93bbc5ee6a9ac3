/**
 * Reads zips as they are handed in: from any program of any system, and from people who mean no good. What cannot be read of one is told by name, and
 * the rest is read. fflate, which writes our zips, unpacks all or nothing, and tells neither links nor passwords nor the letters of names.
 *
 * Source: PKWARE, APPNOTE.TXT 6.3.10 (4.3 the records, 4.4 their fields, 4.5.3 zip64, 4.6.9 names in Unicode, D the letters of names).
 */
import { crc32, inflateRawSync } from "node:zlib";

/** A file in a zip. */
export interface ZipFile {
  /** Below the folder that it is unpacked into, with "/" between names. */
  readonly name: string;
  /** Reads it: from the zip anew, so that a class of zips takes no memory. */
  readonly read: () => Uint8Array;
}

/** What a zip holds. */
export interface Zip {
  readonly files: readonly ZipFile[];
  /** Of what was left out, a sentence each. */
  readonly problems: readonly string[];
}

/** How much of a zip is read. */
export interface ZipLimits {
  readonly files: number;
  /** Of all files together, unpacked. */
  readonly bytes: number;
}

/** A zip as a whole that cannot be read. */
export class ZipError extends Error {
  override readonly name = "ZipError";
}

/** A file's entry in the directory at the zip's end. */
interface Entry {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  /** Of its local header. */
  readonly offset: number;
  readonly isLink: boolean;
}

const signatures = { local: 0x04034b50, entry: 0x02014b50, end: 0x06054b50, end64: 0x06064b50, locator: 0x07064b50 };
/** The record at the end, and the longest comment behind it. */
const longestEnd = 22 + 0xffff;
/** Systems whose programs write a file's kind as Unix does: Unix, and macOS. */
const unixes = [3, 19];

/**
 * Looks at a zip. Each of its files is unpacked once, so that what is damaged is known from the beginning; nothing of it is kept.
 *
 * @param read Gives the zip's bytes; it is called again when a file is read later.
 * @param isWanted Whether a file of this name is looked at; others are left out without a word.
 * @throws ZipError where it is none, or has more than the limits.
 */
export function readZip(read: () => Uint8Array, limits: ZipLimits, isWanted: (name: string) => boolean): Zip {
  let kept = new WeakRef(read());
  const bytes = (): Uint8Array => {
    const there = kept.deref() ?? read();
    kept = new WeakRef(there);
    return there;
  };
  const problems: string[] = [];
  const files = new Map<string, ZipFile>();
  let total = 0;
  let count = 0;
  for (const entry of directoryOf(bytes())) {
    if (/[/\\]$/.test(entry.name)) {
      continue;
    }
    const name = placeOf(entry.name);
    if (name !== undefined && !isWanted(name)) {
      continue;
    }
    total += entry.size;
    count++;
    if (total > limits.bytes || count > limits.files) {
      throw new ZipError(`it has more than ${limits.files} files or ${limits.bytes / 2 ** 20} MiB`);
    }
    const why = name === undefined ? "it would not lie in the folder" : faultOf(bytes(), entry);
    if (name === undefined || why !== undefined) {
      problems.push(`has a file that cannot be read: ${shown(entry.name)} (${why})`);
      continue;
    }
    if (files.has(name)) {
      problems.push(`has more than one file ${shown(name)}; the last one was read`);
    }
    files.set(name, { name, read: () => unpacked(bytes(), entry) });
  }
  return { files: [...files.values()], problems };
}

/** Where a file goes, whatever system its name is of; undefined where that is no place in the folder. */
function placeOf(name: string): string | undefined {
  // Older .NET has "\" between names. A drive or a root in front is left away, as other programs do.
  const parts = name
    .replaceAll("\\", "/")
    .replace(/^[A-Za-z]:/, "")
    .split("/")
    .filter((part) => part !== "" && part !== ".");
  return parts.length === 0 || parts.includes("..") || parts.some((part) => /[\0:]/.test(part))
    ? undefined
    : parts.join("/");
}

function shown(name: string): string {
  return name.length > 60 ? `${name.slice(0, 60)}…` : name;
}

function faultOf(bytes: Uint8Array, entry: Entry): string | undefined {
  const { flags, method, isLink } = entry;
  if ((flags & 1) !== 0) {
    return "it is encrypted; expected a zip without a password";
  }
  if (isLink) {
    return "it is a link";
  }
  if (method !== 0 && method !== 8) {
    return `it is packed by method ${method}; expected none, or Deflate`;
  }
  try {
    unpacked(bytes, entry);
    return undefined;
  } catch {
    return "it is damaged";
  }
}

/** @throws Error where the file is not what the directory says of it. */
function unpacked(bytes: Uint8Array, { offset, packed, size, method, crc, name }: Entry): Uint8Array {
  const view = viewOf(bytes);
  if (view.getUint32(offset, true) !== signatures.local) {
    throw new RangeError(`${name}: no file begins at ${offset}`);
  }
  const begin = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (begin + packed > bytes.length) {
    throw new RangeError(`${name}: it ends behind the zip`);
  }
  const own = bytes.subarray(begin, begin + packed);
  const content =
    method === 0
      ? new Uint8Array(own)
      : size === 0
        ? new Uint8Array()
        : new Uint8Array(inflateRawSync(own, { maxOutputLength: size }));
  if (content.length !== size || crc32(content) !== crc) {
    throw new RangeError(`${name}: it is not what its checksum says`);
  }
  return content;
}

/** @throws ZipError where there is no directory. */
function directoryOf(bytes: Uint8Array): Entry[] {
  const view = viewOf(bytes);
  let end = bytes.length - 22;
  const least = Math.max(0, bytes.length - longestEnd);
  while (end >= least && (view.getUint32(end, true) !== signatures.end || !isWhole(view, end))) {
    end--;
  }
  if (end < least) {
    throw new ZipError(whatElse(bytes));
  }
  try {
    const { count, place, before } = placeOfDirectory(view, end);
    const entries: Entry[] = [];
    let at = place;
    for (let i = 0; i < count; i++) {
      const [entry, next] = entryAt(bytes, view, at, before);
      entries.push(entry);
      at = next;
    }
    return entries;
  } catch (error) {
    if (error instanceof RangeError) {
      throw new ZipError("its directory is damaged", { cause: error });
    }
    throw error;
  }
}

function isWhole(view: DataView, end: number): boolean {
  return end + 22 + view.getUint16(end + 20, true) <= view.byteLength;
}

/** Where the directory begins, and how much stands before the zip that it does not count. */
function placeOfDirectory(view: DataView, end: number): { count: number; place: number; before: number } {
  const locator = end - 20;
  if (locator >= 0 && view.getUint32(locator, true) === signatures.locator) {
    const end64 = wide(view, locator + 8);
    if (view.getUint32(end64, true) === signatures.end64) {
      return { count: wide(view, end64 + 32), place: wide(view, end64 + 48), before: 0 };
    }
  }
  const place = view.getUint32(end + 16, true);
  // A program that unpacks it may stand there.
  const seen = end - view.getUint32(end + 12, true);
  const before = seen > place && view.getUint32(seen, true) === signatures.entry ? seen - place : 0;
  return { count: view.getUint16(end + 10, true), place: place + before, before };
}

/** The entry at a place of the directory, and the place of the next one. */
function entryAt(bytes: Uint8Array, view: DataView, at: number, before: number): [entry: Entry, next: number] {
  if (view.getUint32(at, true) !== signatures.entry) {
    throw new RangeError(`no entry at ${at}`);
  }
  const flags = view.getUint16(at + 8, true);
  const [nameLength, extraLength, commentLength] = [28, 30, 32].map((each) => view.getUint16(at + each, true)) as [
    number,
    number,
    number,
  ];
  const behind = at + 46 + nameLength;
  const extras = extrasIn(view, behind, behind + extraLength);
  const rawName = bytes.subarray(at + 46, behind);
  // Of zip64 there is what does not fit into its field, in this order.
  let extra = extras.get(0x0001)?.[0] ?? 0;
  const sized = (place: number): number => {
    const value = view.getUint32(at + place, true);
    if (value !== 0xffffffff || extra === 0) {
      return value;
    }
    extra += 8;
    return wide(view, extra - 8);
  };
  const size = sized(24);
  const packed = sized(20);
  const offset = sized(42);
  const isUnix = unixes.includes(view.getUint8(at + 5));
  const entry = {
    name: nameOf(rawName, flags, bytes, extras.get(0x7075)),
    flags,
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    packed,
    size,
    offset: offset + before,
    isLink: isUnix && (view.getUint16(at + 40, true) & 0o170000) === 0o120000,
  };
  return [entry, behind + extraLength + commentLength];
}

function extrasIn(view: DataView, begin: number, end: number): Map<number, [begin: number, end: number]> {
  const found = new Map<number, [number, number]>();
  for (let at = begin; at + 4 <= end; ) {
    const next = at + 4 + view.getUint16(at + 2, true);
    if (next <= end) {
      found.set(view.getUint16(at, true), [at + 4, next]);
    }
    at = next;
  }
  return found;
}

/** A name in the letters that it was written in: it says so, or it is UTF-8 (macOS does not say so), or it is of DOS. */
function nameOf(
  raw: Uint8Array,
  flags: number,
  bytes: Uint8Array,
  unicode: readonly [begin: number, end: number] | undefined,
): string {
  if (unicode !== undefined && unicode[1] - unicode[0] > 5) {
    const stored = viewOf(bytes).getUint32(unicode[0] + 1, true);
    if (stored === crc32(raw)) {
      return new TextDecoder().decode(bytes.subarray(unicode[0] + 5, unicode[1]));
    }
  }
  try {
    return new TextDecoder("utf-8", { fatal: (flags & 0x800) === 0 }).decode(raw);
  } catch {
    return Array.from(raw, (byte) => (byte < 128 ? String.fromCharCode(byte) : (dosLetters[byte - 128] ?? "?"))).join(
      "",
    );
  }
}

/** Code page 437 from 128 on. */
const dosLetters = [
  ..."ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»",
  ..."░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
  ..."αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0",
];

/** A number of 64 bits; more than any file has is out of range. */
function wide(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What is called a zip and is none. */
function whatElse(bytes: Uint8Array): string {
  const begins = (text: string) => Buffer.from(bytes.subarray(0, text.length)).toString("latin1") === text;
  const others = [
    ["Rar!", "it is a RAR archive"],
    ["7z\xbc\xaf", "it is a 7-Zip archive"],
    ["\x1f\x8b", "it is packed by gzip"],
    ["PK", "it has no end, as a file has that was not sent as a whole"],
  ] as const;
  const [, what] = others.find(([text]) => begins(text)) ?? [];
  return `${bytes.length === 0 ? "it is empty" : (what ?? "it is none")}; expected a zip`;
}
