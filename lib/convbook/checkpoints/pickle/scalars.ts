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
