/** Jupyter counts a cursor in code points from the cell's start; TypeScript in lines and UTF-16 units. */
import type { LspPosition } from "../types/diagnostics.ts";

/** The UTF-16 offset of a code point offset. */
export function toUtf16(code: string, codePoints: number): number {
  let offset = 0;
  for (let n = 0; n < codePoints && offset < code.length; n++) {
    offset += (code.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
  }
  return offset;
}

/** The code point offset of a UTF-16 offset. */
export function toCodePoints(code: string, utf16: number): number {
  let count = 0;
  for (let offset = 0; offset < utf16 && offset < code.length; count++) {
    offset += (code.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
  }
  return count;
}

/** Line and character, both from 0, of a UTF-16 offset. */
export function toPosition(code: string, utf16: number): LspPosition {
  const before = code.slice(0, utf16);
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length - 1, character: utf16 - start };
}

/** The UTF-16 offset of a line and character. */
export function fromPosition(code: string, { line, character }: LspPosition): number {
  let start = 0;
  for (let n = 0; n < line; n++) {
    const next = code.indexOf("\n", start);
    if (next < 0) {
      return code.length;
    }
    start = next + 1;
  }
  return Math.min(code.length, start + character);
}
