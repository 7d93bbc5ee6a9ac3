/** Integers and text as pickles write them. */

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of a few ASCII characters; calling a decoder takes longer. */
function shortAscii(bytes: Uint8Array): string | undefined {
  if (bytes.length > 48) {
    return undefined;
  }
  let text = "";
  for (const byte of bytes) {
    if (byte > 127) {
      return undefined;
    }
    text += String.fromCharCode(byte);
  }
  return text;
}

/** UTF-8; undefined when it is not valid. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return shortAscii(bytes) ?? utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Half of a surrogate pair in what would otherwise be UTF-8, a character a byte. */
const half = /\xed[\xa0-\xbf][\x80-\xbf]/g;

/**
 * UTF-8 with halves of surrogate pairs, as Python pickles its texts: a path that is not UTF-8 has them where its own bytes were
 * (https://peps.python.org/pep-0383). Undefined when it is not valid.
 */
export function decodePythonText(bytes: Uint8Array): string | undefined {
  const text = decodeText(bytes);
  if (text !== undefined || !bytes.includes(0xed)) {
    return text;
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let result = "";
  let from = 0;
  for (const { index } of [...buffer.toString("latin1").matchAll(half), { index: bytes.length }]) {
    const part = decodeText(bytes.subarray(from, index));
    if (part === undefined) {
      return undefined;
    }
    const [, high = 0, low = 0] = bytes.subarray(index, index + 3);
    result += part + (index < bytes.length ? String.fromCharCode(0xd000 | ((high & 0x3f) << 6) | (low & 0x3f)) : "");
    from = index + 3;
  }
  return result;
}

/** What {@link decodePythonText} reads; UTF-8 alone would make one and the same character of all halves. */
export function encodePythonText(text: string): Buffer {
  const parts = text.split(/(\p{Surrogate})/u);
  return parts.length === 1
    ? Buffer.from(text)
    : Buffer.concat(parts.map((part, i) => (i % 2 === 0 ? Buffer.from(part) : encodeHalf(part.charCodeAt(0)))));
}

function encodeHalf(unit: number): Buffer {
  return Buffer.from([0xed, 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)]);
}

/**
 * Python 2's str: text in practice; what is not UTF-8, or not to be taken for it, keeps its bytes as characters. (TextDecoder's "latin1" is
 * windows-1252, which does not.)
 */
export function decodeOldText(bytes: Uint8Array, isText: boolean): string {
  const text = isText ? decodeText(bytes) : undefined;
  return text ?? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** Two's complement, little-endian, of any length; none at all is 0. A bigint only where a double is not exact. */
export function decodeInteger(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) {
    value = (value << 8n) | BigInt(bytes[i] ?? 0);
  }
  value = BigInt.asIntN(8 * bytes.length, value);
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
