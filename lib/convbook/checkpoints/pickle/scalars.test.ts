/** Texts as Python's pickle has them; the bytes are those of its `str.encode("utf-8", "surrogatepass")`. */
import { describe, expect, it } from "vitest";
import { encodeTorch, parseTorch } from "../index.ts";
import { decodePythonText, encodePythonText } from "./scalars.ts";

describe("a text with halves of surrogate pairs, as a path that is not UTF-8 has them (https://peps.python.org/pep-0383)", () => {
  it.each([
    ["/caf\udce9", "2f636166edb3a9"],
    ["\ud800x", "eda08078"],
    ["\udfff", "edbfbf"],
    ["é\ud83dy", "c3a9eda0bd79"],
    ["😀", "f09f9880"],
  ])("%j", (text, hex) => {
    expect(encodePythonText(text).toString("hex")).toBe(hex);
    expect(decodePythonText(Buffer.from(hex, "hex"))).toBe(text);
  });

  it.each(["ff", "ed", "eda0", "edb3a9ff", "c3eda080", "ed7fbf", "edc080"])("%s is none", (hex) => {
    expect(decodePythonText(Buffer.from(hex, "hex"))).toBeUndefined();
  });

  it("goes through a file, two of them as two keys", () => {
    const value = new Map([
      ["\ud800", "a\udce9b"],
      ["\ud801", "😀"],
    ]);
    expect(parseTorch(encodeTorch(value))).toEqual(value);
  });
});
