import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it, vi } from "vitest";
import { decodedImages } from "./decode.ts";
import { readDecoded, writeDecoded } from "./decoded-cache.ts";

const manifest = {
  name: "things",
  title: "Things",
  licence: "MIT",
  files: [{ path: "a", size: 1, sha256: "s", urls: [] }],
};
/** What writing to the cache fails with. */
let refusal: string | undefined;

vi.mock("../download/index.ts", async (original) => ({
  ...(await original<object>()),
  loadManifest: () => manifest,
  download: async () => ({ folder: "", paths: new Map([["a", "a"]]) }),
}));
vi.mock("../files/index.ts", async (original) => {
  const files = await original<typeof import("../files/index.ts")>();
  const writeFileAtomic: typeof files.writeFileAtomic = async (...args) => {
    if (refusal !== undefined) {
      throw Object.assign(new Error(refusal), { code: refusal });
    }
    return files.writeFileAtomic(...args);
  };
  return { ...files, writeFileAtomic };
});

const folder = mkdtempSync(join(tmpdir(), "convbook-"));
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  refusal = undefined;
});

const images = () => ({
  shape: [1, 2, 1],
  images: Uint8Array.of(1, 2, 3, 4),
  labels: { label: Int32Array.of(5, 6) },
  note: "",
});

it.each(["EROFS", "EACCES", "EPERM", "ENOSPC"])("a cache that cannot be written (%s) is enough", async (code) => {
  refusal = code;
  const found = await decodedImages(code, [{ manifest: "things", decode: async () => images() }], { cache: folder });
  expect(found).toEqual(images());
  expect(found.images.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(found.labels.label?.buffer).toBeInstanceOf(SharedArrayBuffer);
});

it("another error of the file system is told", async () => {
  refusal = "EIO";
  const decode = async () => images();
  await expect(decodedImages("eio", [{ manifest: "things", decode }], { cache: folder })).rejects.toThrow("EIO");
});

it("what is damaged on disk is decoded anew", async () => {
  const path = join(folder, "things", "decoded-part.bin");
  const decode = vi.fn(async () => images());
  await writeDecoded(path, "s", images());
  const { readFileSync, writeFileSync } = await import("node:fs");
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] = 7;
  writeFileSync(path, bytes);
  expect(await decodedImages("part", [{ manifest: "things", decode }], { cache: folder })).toEqual(images());
  expect(decode).toHaveBeenCalledTimes(1);
  expect(await readDecoded(path, "s")).toEqual(images());
});
