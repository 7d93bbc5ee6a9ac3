/** Servers that do not do what they should. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  base,
  begin,
  content,
  end,
  failure,
  folder,
  left,
  manifest,
  reply,
  requests,
  run,
  server,
  sha256,
  target,
} from "./testing/server.ts";

beforeEach(begin);
afterEach(end);

describe("a server's fault", () => {
  it("wrong content is refused and not kept", async () => {
    reply.with = (_request, response) => response.end(Buffer.alloc(content.length));
    const error = await failure(manifest());
    expect(error).toMatchObject({
      name: "DownloadError",
      file: "things/sub/file.bin",
      reason: "hash",
      tried: [{ address: `${base}/file.bin`, reason: "hash" }],
    });
    expect(error.message).toBe(
      `Cannot download things/sub/file.bin.\n  ${base}/file.bin: the content is not what the manifest promises ` +
        `(its SHA-256 is not ${sha256.slice(0, 12)}…)\n` +
        "To use copies that you have, set CONVBOOK_MIRROR to their folder (there: sub/file.bin).",
    );
    expect(left()).toEqual([]);
  });

  it("may take any time, where any time is allowed", async () => {
    reply.with = (_request, response) => setTimeout(() => response.end(content), 50);
    for (const timeoutMs of [2 ** 31, 1e12]) {
      rmSync(folder, { recursive: true, force: true });
      const { paths } = await run(manifest(), { timeoutMs, retries: 0 });
      expect(paths.get("sub/file.bin")).toBe(target());
    }
  });

  it("a body that ends too early is kept for the next time", async () => {
    reply.with = (_request, response) => {
      response.writeHead(200, { "transfer-encoding": "chunked" });
      response.end(content.subarray(0, 1000));
    };
    const error = await failure(manifest(), { retries: 0 });
    expect(error.reason).toBe("size");
    expect(error.message).toContain("it ended after 1000 of 300000 bytes");
    expect(readFileSync(`${target()}.part`)).toHaveLength(1000);
  });

  it("a body that does not end is cut off", async () => {
    let sent = 0;
    reply.with = (_request, response) => {
      response.writeHead(200, { "transfer-encoding": "chunked" });
      const more = () => {
        if (response.destroyed) {
          return;
        }
        sent += 65536;
        response.write(Buffer.alloc(65536), more);
      };
      more();
    };
    const error = await failure(manifest());
    expect(error.reason).toBe("size");
    expect(error.message).toContain("more than the 300000 bytes that the manifest promises");
    expect(sent).toBeLessThan(50_000_000);
    expect(left()).toEqual([]);
  });

  it("silence in the middle is a timeout", async () => {
    reply.with = (_request, response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 5000));
    };
    const error = await failure(manifest(), { timeoutMs: 200, retries: 0 });
    expect(error.reason).toBe("timeout");
    expect(error.message).toContain("the server was silent for 0.2 s");
    expect(left()).toEqual(["file.bin.part"]);
  });

  it("silence from the beginning is a timeout", async () => {
    reply.with = () => {};
    expect(await failure(manifest(), { timeoutMs: 200, retries: 1 })).toMatchObject({ reason: "timeout" });
    expect(requests).toHaveLength(2);
  });

  it("a range that was not asked for is refused", async () => {
    mkdirSync(join(folder, "sub"));
    writeFileSync(`${target()}.part`, content.subarray(0, 10));
    reply.with = (_request, response) => {
      response.writeHead(206, { "content-range": `bytes 0-${content.length - 1}/${content.length}` }).end(content);
    };
    const error = await failure(manifest());
    expect(error.message).toContain('asked for the bytes from 10 on, got "bytes 0-299999/300000"');
  });

  it("redirects without end are a network error", async () => {
    reply.with = (_request, response) => response.writeHead(302, { location: "/file.bin" }).end();
    expect(await failure(manifest(), { retries: 0 })).toMatchObject({ reason: "network" });
  });

  it("no server at all is a network error", async () => {
    server.close();
    const error = await failure(manifest(), { retries: 0 });
    expect(error).toMatchObject({ reason: "network", tried: [{ address: `${base}/file.bin` }] });
    expect(error.message).toContain("ECONNREFUSED");
  });
});
