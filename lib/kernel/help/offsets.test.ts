import { expect, it } from "vitest";
import { fromPosition, toCodePoints, toPosition, toUtf16 } from "./offsets.ts";

const code = "a😀b\n😀😀c";

it("converts code points to UTF-16 and back", () => {
  expect([0, 1, 2, 3, 4, 5, 6, 7, 8].map((n) => toUtf16(code, n))).toEqual([0, 1, 3, 4, 5, 7, 9, 10, 10]);
  for (let n = 0; n <= 7; n++) {
    expect(toCodePoints(code, toUtf16(code, n))).toBe(n);
  }
});

it("converts offsets to lines and back", () => {
  expect(toPosition(code, 9)).toEqual({ line: 1, character: 4 });
  for (let n = 0; n <= code.length; n++) {
    expect(fromPosition(code, toPosition(code, n))).toBe(n);
  }
});
