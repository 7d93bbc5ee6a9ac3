import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strToU8, zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findSubmissions, type Submission } from "./submissions.ts";
import { readZip } from "./zip.ts";

const limits = { files: 100, bytes: 1000 };
const made = (name: string) => readFileSync(new URL(`./testing/zips/${name}.zip`, import.meta.url));
const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();
const contents = (bytes: Uint8Array, own = limits) => {
  const { files, problems } = readZip(
    () => bytes,
    own,
    () => true,
  );
  return { files: Object.fromEntries(files.map(({ name, read }) => [name, text(read())])), problems };
};

// Written by Python's zipfile and Info-ZIP: testing/zips/make_zips.py.
describe("a zip of another program", () => {
  const notebook = { "x.ipynb": "{}" };
  it.each([
    ["zip64", notebook, []],
    ["utf8", { "Zoë/x.ipynb": "{}", "bo/x.ipynb": "{}" }, []],
    ["macos", { "Zoë/x.ipynb": "{}", "bo/x.ipynb": "{}" }, []],
    ["dos", { "Zoë/x.ipynb": "{}", "bo/x.ipynb": "{}" }, []],
    ["dotnet", { "own/x.ipynb": "{}", "own/y.txt": "y" }, []],
    ["twice", notebook, ["has more than one file x.ipynb; the last one was read"]],
    ["links", notebook, ["has a file that cannot be read: way.txt (it is a link)"]],
    [
      "ways",
      { "root/x.ipynb": "{}", "drive.txt": "x" },
      ["has a file that cannot be read: ../out.txt (it would not lie in the folder)"],
    ],
    ["locked", {}, ["has a file that cannot be read: x.ipynb (it is encrypted; expected a zip without a password)"]],
    [
      "lzma",
      {},
      ["x.ipynb", "y.txt"].map(
        (name) => `has a file that cannot be read: ${name} (it is packed by method 14; expected none, or Deflate)`,
      ),
    ],
  ])("%s", (name, files, problems) => {
    expect(contents(made(name))).toEqual({ files, problems });
  });

  it("behind a program that unpacks it", () => {
    const bytes = Buffer.concat([Buffer.from("#!/bin/sh\nexec unzip $0\n"), made("utf8")]);
    expect(contents(bytes).files).toEqual({ "Zoë/x.ipynb": "{}", "bo/x.ipynb": "{}" });
  });
});

it("reads what is whole beside what is damaged", () => {
  const bytes = zipSync({ "a.txt": strToU8("the first of two"), "b.txt": strToU8("the second") }, { level: 0 });
  bytes[Buffer.from(bytes).indexOf("first")] = 0;
  expect(contents(bytes)).toEqual({
    files: { "b.txt": "the second" },
    problems: ["has a file that cannot be read: a.txt (it is damaged)"],
  });
});

it("says what is no zip", () => {
  const whole = zipSync({ a: strToU8("a") });
  for (const [bytes, message] of [
    [Buffer.from(""), "it is empty; expected a zip"],
    [Buffer.from("Rar!\x1a\x07 and more than twenty-two bytes"), "it is a RAR archive; expected a zip"],
    [Buffer.from("{ and more than twenty-two bytes }"), "it is none; expected a zip"],
    [whole.subarray(0, whole.length - 9), "it has no end, as a file has that was not sent as a whole; expected a zip"],
  ] as const) {
    expect(() => contents(bytes)).toThrow(message);
  }
});

it("unpacks no more than it is to, whatever a zip says of itself", () => {
  const bomb = zipSync({ a: new Uint8Array(5000) });
  expect(() => contents(bomb)).toThrow("it has more than 100 files or");
  // The size of its content, as the directory has it, made small.
  const directory = Buffer.from(bomb).indexOf("PK\x01\x02");
  new DataView(bomb.buffer, bomb.byteOffset).setUint32(directory + 24, 10, true);
  expect(contents(bomb).problems).toEqual(["has a file that cannot be read: a (it is damaged)"]);
});

describe("a folder of submissions", () => {
  let folder = "";
  let found: Map<string, Submission>;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "zips-"));
    const notebook = { "x.ipynb": strToU8("{}") };
    const files = {
      "ada.zip": zipSync({ "inner.zip": zipSync({ x: zipSync(notebook), ...notebook }) }),
      "bo.tar.gz": strToU8("x"),
      "cy.rar": strToU8("Rar!"),
      "di.zip": made("locked"),
      "eve.ipynb": strToU8("{}"),
    };
    for (const [name, bytes] of Object.entries(files)) {
      writeFileSync(join(folder, name), bytes);
    }
    found = new Map(findSubmissions(folder).map((each) => [each.student, each]));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("has a submission for each archive, of whatever kind", () => {
    expect([...found].map(([student, { problem }]) => [student, problem])).toEqual([
      ["ada", undefined],
      ["bo", "bo.tar.gz is an archive that is not unpacked; expected a notebook, a folder or a zip"],
      ["cy", "cy.rar is an archive that is not unpacked; expected a notebook, a folder or a zip"],
      ["di", "the zip has a file that cannot be read: x.ipynb (it is encrypted; expected a zip without a password)"],
      ["eve", undefined],
    ]);
  });

  it("reads a zip in a zip", () => {
    expect(text(found.get("ada")?.files.get("x.ipynb")?.())).toBe("{}");
  });

  it("reads a class's zip with a zip in each folder, and one whose names are of macOS", () => {
    const path = join(folder, "class.zip");
    const own = zipSync({ "x.ipynb": strToU8("{}") });
    writeFileSync(path, zipSync({ "ada/work.zip": own, "bo/own/work.zip": own }));
    expect(findSubmissions(path).map(({ student, files }) => [student, [...files.keys()]])).toEqual([
      ["ada", ["x.ipynb"]],
      ["bo", ["x.ipynb"]],
    ]);
    writeFileSync(path, made("macos"));
    expect(findSubmissions(path).map(({ student }) => student)).toEqual(["Zoë", "bo"]);
  });
});
