/** One download: what arrives, what is told of it, and how it goes on where it was broken off. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DownloadProgress } from "./progress.ts";
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
  serveRanges,
  target,
  until,
} from "./testing/server.ts";

beforeEach(begin);
afterEach(end);

describe("a download", () => {
  it("stores the file under its name and tells the progress", async () => {
    const progress: DownloadProgress[] = [];
    const { folder: where, paths } = await run(manifest(), { onProgress: (state) => progress.push(state) });
    expect(where).toBe(folder);
    expect(paths).toEqual(new Map([["sub/file.bin", target()]]));
    expect(readFileSync(target()).equals(content)).toBe(true);
    expect(left()).toEqual(["file.bin"]);
    expect(progress.at(0)).toMatchObject({ phase: "downloading", received: 0, size: content.length });
    expect(progress.at(-1)).toMatchObject({
      phase: "done",
      file: "sub/file.bin",
      received: content.length,
      receivedOfAll: content.length,
      sizeOfAll: content.length,
      address: `${base}/file.bin`,
    });
  });

  it("is not repeated for a file that is there", async () => {
    await run(manifest());
    const progress: DownloadProgress[] = [];
    await run(manifest(), { onProgress: (state) => progress.push(state) });
    expect(requests).toHaveLength(1);
    expect(progress.at(-1)).toMatchObject({ phase: "done" });
    expect(progress.at(-1)?.address).toBeUndefined();
  });

  it("replaces a file whose content has changed", async () => {
    await run(manifest());
    const damaged = Buffer.from(content);
    damaged[1000] = (damaged[1000] as number) ^ 1;
    writeFileSync(target(), damaged);
    await run(manifest());
    expect(readFileSync(target()).equals(content)).toBe(true);
  });

  it("follows redirects and sends the name and password of an address", async () => {
    let authorization: string | undefined;
    reply.with = (request, response, url) => {
      if (url.pathname === "/file.bin") {
        authorization = request.headers.authorization;
        response.writeHead(302, { location: "/elsewhere" }).end();
      } else {
        serveRanges(request, response);
      }
    };
    const progress: DownloadProgress[] = [];
    const urls = [`${base.replace("//", "//me:secret@")}/file.bin`];
    await run(manifest({ urls }), { onProgress: (state) => progress.push(state) });
    expect(requests.map(({ path }) => path)).toEqual(["/file.bin", "/elsewhere"]);
    expect(authorization).toBe(`Basic ${Buffer.from("me:secret").toString("base64")}`);
    expect(JSON.stringify(progress)).not.toContain("secret");
  });

  it("goes on to the next address", async () => {
    reply.with = (request, response, url) => {
      if (url.pathname === "/gone") {
        response.writeHead(404).end();
      } else if (url.pathname === "/other") {
        response.end("something else");
      } else {
        serveRanges(request, response);
      }
    };
    const progress: DownloadProgress[] = [];
    const urls = ["http://127.0.0.1:1/file.bin", `${base}/gone`, `${base}/other`, `${base}/file.bin`];
    await run(manifest({ urls }), { onProgress: (state) => progress.push(state) });
    expect(readFileSync(target()).equals(content)).toBe(true);
    const failed = progress.filter(({ phase }) => phase === "failed").map(({ message }) => message);
    expect(failed.at(-2)).toBe(`${base}/gone: the server answered with status 404`);
    expect(failed.at(-1)).toBe(`${base}/other: the server has a file of 14 bytes, not 300000`);
  });

  it("of an empty file works", async () => {
    reply.with = (_request, response) => response.end();
    const empty = createHash("sha256").digest("hex");
    await run(manifest({ size: 0, sha256: empty }));
    expect(readFileSync(target())).toHaveLength(0);
  });

  it("tries again after a server's error", async () => {
    let count = 0;
    reply.with = (request, response, _url) => {
      if (++count <= 2) {
        response.writeHead(503).end();
      } else {
        serveRanges(request, response);
      }
    };
    await run(manifest());
    expect(count).toBe(3);
  });

  it("can be stopped, and goes on where it was", async () => {
    reply.with = (_request, response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 100_000));
    };
    const controller = new AbortController();
    void until(() => existsSync(`${target()}.part`) && statSync(`${target()}.part`).size === 100_000).then(() =>
      controller.abort(),
    );
    const error = await failure(manifest(), { signal: controller.signal });
    expect(error).toMatchObject({ reason: "aborted", message: "The download of things/sub/file.bin was stopped." });
    expect(left()).toEqual(["file.bin.part"]);
    reply.with = serveRanges;
    await run(manifest());
    expect(requests.at(-1)?.range).toBe("bytes=100000-");
    expect(readFileSync(target()).equals(content)).toBe(true);
    expect(left()).toEqual(["file.bin"]);
  });
});

describe("continuing", () => {
  const leave = (bytes: Uint8Array) => {
    mkdirSync(join(folder, "sub"));
    writeFileSync(`${target()}.part`, bytes);
  };

  it("asks only for the rest", async () => {
    leave(content.subarray(0, 1234));
    await run(manifest());
    expect(requests).toEqual([{ path: "/file.bin", range: "bytes=1234-" }]);
    expect(readFileSync(target()).equals(content)).toBe(true);
  });

  it("begins again where the server knows no ranges", async () => {
    leave(content.subarray(0, 1234));
    reply.with = (_request, response) => response.end(content);
    await run(manifest());
    expect(readFileSync(target()).equals(content)).toBe(true);
  });

  it("begins again where the beginning was wrong", async () => {
    leave(Buffer.alloc(5000));
    await run(manifest());
    expect(requests.map(({ range }) => range)).toEqual(["bytes=5000-", undefined]);
    expect(readFileSync(target()).equals(content)).toBe(true);
  });

  it.each([
    ["416", (response: ServerResponse) => response.writeHead(416, { "content-range": "bytes */10" }).end()],
    ["another part", (response: ServerResponse) => response.writeHead(206, { "content-range": "bytes 0-9/10" }).end()],
  ])("begins again where the server answers the rest with %s, with no try to spare", async (_name, answer) => {
    leave(content.subarray(0, 1234));
    reply.with = (request, response, _url) => {
      if (request.headers.range !== undefined) {
        answer(response);
      } else {
        serveRanges(request, response);
      }
    };
    await run(manifest(), { retries: 0 });
    expect(requests.map(({ range }) => range)).toEqual(["bytes=1234-", undefined]);
    expect(readFileSync(target()).equals(content)).toBe(true);
    expect(left()).toEqual(["file.bin"]);
  });

  it("ends where a server breaks off and knows no rest, however often", async () => {
    leave(content.subarray(0, 1234));
    reply.with = (request, response) => {
      if (request.headers.range !== undefined) {
        return response.writeHead(416).end();
      }
      response.writeHead(200, { "content-length": content.length });
      return response.write(content.subarray(0, 2000), () => setTimeout(() => response.destroy(), 20));
    };
    expect((await failure(manifest(), { retries: 2 })).reason).toBe("network");
    expect(requests.map(({ range }) => range)).toEqual(["bytes=1234-", undefined, undefined, undefined]);
  });

  it("needs no request when all bytes are there", async () => {
    leave(content);
    await run(manifest());
    expect(requests).toEqual([]);
    expect(readFileSync(target()).equals(content)).toBe(true);
  });

  it("ignores what is longer than the file", async () => {
    leave(Buffer.alloc(content.length + 1));
    await run(manifest());
    expect(readFileSync(target()).equals(content)).toBe(true);
  });

  it("survives a connection that breaks again and again", async () => {
    reply.with = (request, response) => {
      const start = Number(/\d+/.exec(request.headers.range ?? "0")?.[0]);
      response.writeHead(start === 0 ? 200 : 206, {
        "content-length": content.length - start,
        ...(start === 0 ? {} : { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` }),
      });
      response.write(content.subarray(start, start + 60_000), () => {
        if (start + 60_000 >= content.length) {
          response.end();
        } else {
          setTimeout(() => response.destroy(), 20);
        }
      });
    };
    await run(manifest(), { retries: 1 });
    expect(requests).toHaveLength(5);
    expect(readFileSync(target()).equals(content)).toBe(true);
  });
});

describe("the disk", () => {
  it("that has too little room is noticed before anything is sent", async () => {
    const error = await failure(manifest({ size: 2 ** 52 }));
    expect(error.reason).toBe("space");
    expect(error.message).toMatch(/^No room for things\/sub\/file\.bin in .*: 4503\.6 TB are needed, .* are free\./);
    expect(requests).toEqual([]);
    expect(left()).toEqual([]);
  });

  it("that cannot be written to is named", async () => {
    writeFileSync(join(folder, "sub"), "a file where a folder should be");
    const error = await run(manifest()).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: "DownloadError", reason: "io", message: expect.stringContaining(target()) });
  });
});
