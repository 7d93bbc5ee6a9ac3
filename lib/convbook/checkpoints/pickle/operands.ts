/** What follows an instruction of a pickle in the file: integers, text, bytes and lines. What it cannot be is a PickleRefusal. */
import type { ByteReader } from "../byte-reader.ts";
import { decodeInteger, decodeOldText, decodePythonText } from "./scalars.ts";
import { PickleRefusal } from "./values.ts";

/** No integer of a checkpoint is near this; converting one takes more than linear time. */
const maxIntegerBytes = 256;

/** Longest `module.name` of a GLOBAL. */
const maxNameBytes = 256;

/** A whole number of so many bytes. */
export function readInteger(reader: ByteReader, length: number): number | bigint {
  if (length > maxIntegerBytes) {
    throw new PickleRefusal(
      "limit",
      `the pickle contains an integer of ${length} bytes; at most ${maxIntegerBytes} are read`,
    );
  }
  return decodeInteger(reader.slice(length, "an integer"));
}

/** Text of so many bytes. */
export function readText(reader: ByteReader, length: number): string {
  const text = decodePythonText(reader.slice(length, "a string"));
  if (text === undefined) {
    throw new PickleRefusal("malformed", "a string is not valid UTF-8");
  }
  return text;
}

/** What Python 2 called a string, of so many bytes: as text where it may be, else with its bytes as characters. */
export function readOldText(reader: ByteReader, length: number, isText: boolean): string {
  return decodeOldText(reader.slice(length, "a string"), isText);
}

/** A copy of so many bytes. */
export function readBytes(reader: ByteReader, length: number): Uint8Array {
  return new Uint8Array(reader.slice(length, "a bytes object"));
}

/** Up to a line feed, which is not part of it. */
export function readLine(reader: ByteReader): string {
  const limit = Math.min(reader.end, reader.offset + maxNameBytes);
  const end = reader.bytes.subarray(reader.offset, limit).indexOf(0x0a);
  if (end === -1) {
    if (limit === reader.end) {
      throw new PickleRefusal("truncated", "the file ends within a name");
    }
    throw new PickleRefusal("limit", `the pickle contains a name of more than ${maxNameBytes} bytes`);
  }
  const text = readText(reader, end);
  reader.take(1, "a name");
  return text;
}
