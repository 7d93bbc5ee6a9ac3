import { expect, it } from "vitest";
import { codeFrame } from "./code-frame.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are taken out
const plain = (...args: Parameters<typeof codeFrame>) => codeFrame(...args).replace(/\u001b\[\d+m/g, "");

it("shows the lines around a position with a mark under it", () => {
  expect(plain("one\ntwo\n\tthree\nfour\nfive", 3, 2, 5)).toBe(
    "  1 | one\n  2 | two\n> 3 |  three\n    |  ^^^^^\n  4 | four",
  );
});

it("shows the part of a long line where the position is", () => {
  const [line = "", mark = ""] = plain(`${"x".repeat(500)}HERE${"y".repeat(500)}`, 1, 501, 4).split("\n");
  expect(line.length).toBeLessThan(220);
  expect(line.slice(mark.indexOf("^"), mark.lastIndexOf("^") + 1)).toBe("HERE");
  expect(line).toMatch(/^> 1 \| …x+HEREy+…$/);
});
