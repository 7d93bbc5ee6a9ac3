import { crc32 } from "node:zlib";
import { PNG } from "pngjs";
import { expect, test } from "vitest";
import type { Notebook, Output } from "../notebook/types.ts";
import { compareNotebooks, compareOutputs } from "./compare.ts";
import { findNumber, missedExpectations, parseBand } from "./expect.ts";
import { imageDifference } from "./images.ts";
import { jsonDifferences, textIsClose } from "./numbers.ts";
import { createSanitizer } from "./sanitize.ts";

const stream = (text: string): Output => ({ output_type: "stream", name: "stdout", text });
const display = (data: Record<string, unknown>): Output => ({ output_type: "display_data", data, metadata: {} });
const same = (text: string) => text;
const exact = { rtol: 0, atol: 0 };

test("numbers in texts may differ within the tolerance, everything else not", () => {
  const tolerance = { rtol: 1e-2, atol: 0 };
  expect(textIsClose("loss: 0.500, acc 91.0 %", "loss: 0.503,  acc 91.5 %", tolerance)).toBe(true);
  expect(textIsClose("loss: 0.500", "loss: 0.510", tolerance)).toBe(false);
  expect(textIsClose("loss: 0.500", "lose: 0.500", tolerance)).toBe(false);
  expect(textIsClose("loss: 0.500", "loss: 0.501", exact)).toBe(false);
  expect(textIsClose("1,000 rows", "1,001 rows", tolerance)).toBe(true);
  // A version and a name are no numbers.
  expect(textIsClose("v1.2.3 resnet18", "v1.2.4 resnet18", tolerance)).toBe(false);
  expect(textIsClose("resnet18", "resnet50", { rtol: 10, atol: 10 })).toBe(false);
});

test("JSON is compared by what it says, and the place of a difference is told", () => {
  expect(jsonDifferences({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 }, exact)).toEqual([]);
  expect(
    jsonDifferences({ a: 1, b: [1, { c: "x" }], gone: 0 }, { a: 1.5, b: [1, { c: "y" }, 3], more: 1 }, exact),
  ).toEqual(["$.a: 1 -> 1.5", "$.b: 2 entries -> 3", '$.b[1].c: "x" -> "y"', "$.gone: gone", "$.more: new"]);
  expect(jsonDifferences({ a: 1 }, { a: 1.0001 }, { rtol: 1e-3, atol: 0 })).toEqual([]);
});

test("sanitisers take out what is different every time", () => {
  const clean = (text: string, ...names: string[]) => createSanitizer(names)(text);
  expect(clean("took 12.3 s at 2024-05-06 07:08:09", "times")).toBe("took <duration> at <date>");
  expect(clean("saved to /home/a/b.ckpt and ./out/x.png", "paths")).toBe("saved to <path> and <path>");
  expect(clean("<f at 0x7f12ab34cd56>", "addresses")).toBe("<f at <address>>");
  expect(clean(`id ${"ab".repeat(16)}`, "hashes")).toBe("id <hash>");
  expect(clean("run 42", "/run \\d+/")).toBe("<removed>");
  expect(createSanitizer([{ pattern: "\\d+", replace: "N" }])("a1 b22")).toBe("aN bN");
  expect(clean("\u001b[31mred\u001b[0m")).toBe("red");
  expect(() => createSanitizer(["time"])).toThrow('there is no sanitiser "time"; did you mean "times"?');
  expect(() => createSanitizer(["/(/"])).toThrow("is not a regular expression");
});

const picture = (paint: (x: number, y: number) => number, size = 64) => {
  const png = new PNG({ width: size, height: size });
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      png.data.fill(paint(x, y), 4 * (y * size + x), 4 * (y * size + x) + 3);
      png.data[4 * (y * size + x) + 3] = 255;
    }
  }
  return PNG.sync.write(png).toString("base64");
};

test("pictures are compared as an eye does", () => {
  const gradient = picture((x) => x * 3);
  expect(
    imageDifference(
      gradient,
      picture((x) => x * 3 + 2),
    ),
  ).toBeUndefined();
  expect(
    imageDifference(
      gradient,
      picture((x, y) => (x < 32 && y < 32 ? 255 : x * 3)),
    ),
  ).toMatch(/^\d+\.\d % of the pixels look different$/);
  expect(
    imageDifference(
      gradient,
      picture(() => 0, 32),
    ),
  ).toBe("size 64x64 -> 32x32");
  expect(imageDifference(gradient, "AAAA")).toContain("cannot be decoded");
  // Half of its rows are there; what memory holds in place of the others is no picture.
  const half = PNG.sync.write(new PNG({ width: 64, height: 32 }));
  half.writeUInt32BE(64, 20);
  half.writeUInt32BE(crc32(half.subarray(12, 29)), 29);
  expect(imageDifference(half.toString("base64"), gradient)).toBe(
    "the pictures' bytes differ, and one cannot be decoded: its data ends after 8224 of 16448 bytes",
  );
});

test("outputs are compared mimetype by mimetype", () => {
  const compare = (a: Output[], b: Output[], tolerance = exact) => compareOutputs(a, b, tolerance, same);
  expect(compare([stream("a\n"), stream("b\n")], [stream("a\nb\n")])).toEqual([]);
  expect(compare([stream("a\nb\n")], [stream("a\nc\n")])).toEqual(["stdout:\n   a\n  -b\n  +c"]);
  expect(compare([display({ "text/plain": "1" })], [])).toEqual(["1 outputs stored (text/plain), 0 fresh (none)"]);
  expect(compare([display({ "text/html": "<b>" })], [display({ "text/plain": "b" })])).toEqual([
    "text/html: gone",
    "text/plain: new",
  ]);
  const spec = (value: number) =>
    display({
      "application/vnd.vegalite.v5+json": { data: { values: [value] } },
      "image/svg+xml": `<svg>${value}</svg>`,
    });
  expect(compare([spec(1)], [spec(1.0001)], { rtol: 1e-2, atol: 0 })).toEqual([]);
  expect(compare([spec(1)], [spec(2)])).toEqual(["application/vnd.vegalite.v5+json:\n  $.data.values[0]: 1 -> 2"]);
});

test.each([
  // https://github.com/computationalmodelling/nbval/issues/56: a progress bar is drawn as often as there is time.
  ["10 %\r50 %\r100 %\n", "  0 %\r100 %\n"],
  ["\u001b[32m 10 %\u001b[0m\r\u001b[32m100 %\u001b[0m\n", "100 %\n"],
  ["a\r\nb", "a\nb"],
  ["abc\u0008d", "abd"],
  ["/tmp/ipykernel_2062/2786919142.py:1: UserWarning: x", "/tmp/ipykernel_77/2786919142.py:1: UserWarning: x"],
])("of what is printed, what is to be seen counts: %j and %j", (stored, fresh) => {
  for (const name of ["stdout", "stderr"] as const) {
    const output = (text: string): Output => ({ output_type: "stream", name, text });
    expect(compareOutputs([output(stored)], [output(fresh)], exact, same)).toEqual([]);
    expect(compareOutputs([output(stored)], [output(`${fresh}x`)], exact, same)).toHaveLength(1);
  }
});

test("a notebook's settings decide how its cells are compared", () => {
  const notebook = (text: string, own: object): Notebook => ({
    cells: [
      {
        cell_type: "code",
        id: "a",
        metadata: { runner: own },
        source: "x",
        execution_count: 1,
        outputs: [stream(text)],
      },
    ],
    metadata: { runner: { rtol: 0.1 } },
    nbformat: 4,
    nbformat_minor: 5,
  });
  expect(compareNotebooks(notebook("1.0", {}), notebook("1.05", {}))).toEqual([]);
  expect(compareNotebooks(notebook("1.0", { rtol: 0.01 }), notebook("1.05", {}))).toMatchObject([
    { number: 1, id: "a", name: "x" },
  ]);
  expect(compareNotebooks(notebook("1.0", { rtol: 0.01, compare: false }), notebook("1.05", {}))).toEqual([]);
});

test.each([
  ["0.62 ± 0.03", 0.59, 0.65],
  ["62 % ± 3 %", 0.59, 0.65],
  ["1e-3 +- 1e-4", 9e-4, 1.1e-3],
  ["0.5 .. 0.7", 0.5, 0.7],
  ["[-1, 1]", -1, 1],
  [">= 0.6", 0.6, Number.POSITIVE_INFINITY],
  ["< 0.1", Number.NEGATIVE_INFINITY, 0.1],
  [[3, 1], 1, 3],
  [5, 5, 5],
])("reads the band %j", (text, low, high) => {
  const band = parseBand(text);
  expect(band?.low).toBeCloseTo(low, 12);
  expect(band?.high).toBeCloseTo(high, 12);
});

test("numbers are found in texts and JSON, and bands that they miss are told", () => {
  const outputs = [
    stream("epoch 1 accuracy: 0.4\nepoch 2 accuracy: 61.5 %\n"),
    display({ "application/json": { test: { loss: 0.7 } } }),
  ];
  expect(findNumber("accuracy", outputs)).toBeCloseTo(0.615);
  expect(missedExpectations({ accuracy: "0.62 ± 0.03", loss: "< 1" }, outputs)).toEqual([]);
  expect(missedExpectations({ accuracy: "> 0.9", f1: "> 0", loss: "good" }, outputs)).toEqual([
    "accuracy: expected > 0.9, got 0.615",
    "f1: expected > 0, but no output names it with a number",
    'loss: "good" is not a band such as "0.62 ± 0.03", ">= 0.6" or [0.5, 0.7]',
  ]);
});
