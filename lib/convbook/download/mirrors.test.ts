/** Mirrors, and no network at all. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { download } from "./download.ts";
import {
  base,
  begin,
  content,
  end,
  failure,
  folder,
  manifest,
  reply,
  requests,
  run,
  serveRanges,
  target,
} from "./testing/server.ts";

beforeEach(begin);
afterEach(end);

describe("mirrors and being offline", () => {
  it.each(["file.bin", "things/file.bin"])("takes a mirror folder's %s first", async (path) => {
    const mirror = join(folder, "mirror");
    mkdirSync(join(mirror, "things"), { recursive: true });
    writeFileSync(join(mirror, path), content);
    const given = manifest({ path: "file.bin" });
    process.env.CONVBOOK_MIRROR = mirror;
    await download(given, { folder, offline: true });
    expect(readFileSync(join(folder, "file.bin")).equals(content)).toBe(true);
    expect(requests).toEqual([]);
  });

  it("goes on to the network when the mirror's file is wrong", async () => {
    const mirror = join(folder, "mirror");
    mkdirSync(join(mirror, "sub"), { recursive: true });
    writeFileSync(join(mirror, "sub/file.bin"), Buffer.alloc(content.length));
    await run(manifest(), { mirror });
    expect(requests).toHaveLength(1);
    expect(readFileSync(target()).equals(content)).toBe(true);
  });

  it("takes a mirror's address", async () => {
    reply.with = (request, response, url) => {
      if (url.pathname === "/copies/sub/file.bin") {
        serveRanges(request, response);
      } else {
        response.writeHead(404).end();
      }
    };
    await run(manifest({ urls: ["http://127.0.0.1:1/x"] }), { mirror: `${base}/copies` });
    expect(requests.map(({ path }) => path)).toEqual(["/copies/things/sub/file.bin", "/copies/sub/file.bin"]);
  });

  it("never reads outside of the mirror's folder", async () => {
    const mirror = join(folder, "mirror");
    mkdirSync(join(mirror, "sub"), { recursive: true });
    writeFileSync(join(folder, "outside.bin"), content);
    symlinkSync(join(folder, "outside.bin"), join(mirror, "sub/file.bin"));
    const error = await failure(manifest(), { mirror, offline: true });
    expect(error.tried.at(-1)?.message).toContain("leads out of the folder");
  });

  it.runIf(process.platform === "linux")("goes on to the network when the mirror's file cannot be read", async () => {
    // Reading this one fails even for those who may read everything.
    const mirror = "/proc/self";
    const given = manifest({ path: "mem", size: 0, sha256: createHash("sha256").digest("hex") });
    reply.with = (_request, response) => response.end();
    await download(given, { folder, mirror });
    expect(requests).toHaveLength(1);
  });

  it("names a mirror folder that is not there, and does not ask the network instead", async () => {
    for (const mirror of [join(folder, "nowhere"), join(folder, "a-file")]) {
      writeFileSync(join(folder, "a-file"), "");
      const error = await failure(manifest(), { mirror });
      expect(error.message).toBe(
        `Cannot look for things/sub/file.bin in the mirror (CONVBOOK_MIRROR) ${mirror}: there is no folder ${mirror}. Correct or unset it.`,
      );
    }
    expect(requests).toEqual([]);
  });

  it("names the setting of a cache that is a file", async () => {
    const own = join(folder, "a-file");
    writeFileSync(own, "");
    process.env.CONVBOOK_CACHE = own;
    const error = await download(manifest()).catch((caught) => caught);
    delete process.env.CONVBOOK_CACHE;
    expect(error.message).toContain(
      "The cache (CONVBOOK_CACHE) must be a folder, or the path of one that can be made.",
    );
  });

  it("names a mirror that is none", async () => {
    await expect(run(manifest(), { mirror: "ftp://example.org/x" })).rejects.toThrow(
      'A mirror (CONVBOOK_MIRROR) is a folder or an http(s) address, got "ftp://example.org/x".',
    );
  });

  it("uses no network when offline", async () => {
    process.env.CONVBOOK_OFFLINE = "1";
    const error = await failure(manifest());
    expect(requests).toEqual([]);
    expect(error).toMatchObject({ reason: "offline", tried: [] });
    expect(error.message).toBe(
      `things/sub/file.bin is not in the cache (${folder}), and the network is not to be used.\n` +
        "To use copies that you have, set CONVBOOK_MIRROR to their folder (there: sub/file.bin).",
    );
  });

  it("finds the file in the cache when offline", async () => {
    process.env.CONVBOOK_CACHE = join(folder, "cache");
    await download(manifest());
    await download(manifest(), { offline: true });
    expect(requests).toHaveLength(1);
    expect(existsSync(join(folder, "cache/things/sub/file.bin"))).toBe(true);
  });

  it("names the nearest file when asked for one that the manifest has not", async () => {
    await expect(run(manifest(), { files: ["sub/fille.bin"] })).rejects.toThrow(
      'Manifest things has no file "sub/fille.bin". Did you mean "sub/file.bin"?',
    );
  });
});
