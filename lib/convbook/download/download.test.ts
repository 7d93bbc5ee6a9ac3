import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseConfig } from "../training/experiment/config.ts";
import { cacheFolder, parseMirror } from "./cache.ts";
import { type DownloadOptions, download } from "./download.ts";
import { DownloadError } from "./error.ts";
import { type Manifest, parseManifest } from "./manifest.ts";
import type { DownloadProgress } from "./progress.ts";
import { proxyDispatcher } from "./proxy.ts";

const content = randomBytes(300_000);
const sha256 = createHash("sha256").update(content).digest("hex");

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => void;

let folder: string;
let server: Server;
let base: string;
let handler: Handler;
let requests: { path: string; range: string | undefined }[];

beforeEach(async () => {
  for (const name of Object.keys(process.env)) {
    if (/^((https?|all|no)_proxy|CONVBOOK_.*)$/i.test(name)) {
      delete process.env[name];
    }
  }
  folder = mkdtempSync(join(tmpdir(), "convbook-"));
  requests = [];
  handler = serveRanges;
  server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", base);
    requests.push({ path: url.pathname, range: request.headers.range });
    handler(request, response, url);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A server as there are most: it honours ranges. */
const serveRanges: Handler = (request, response) => {
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const start = range === null ? 0 : Number(range[1]);
  response.writeHead(range === null ? 200 : 206, {
    "content-length": content.length - start,
    ...(range === null ? {} : { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` }),
  });
  response.end(content.subarray(start));
};

function manifest(changes: Partial<{ path: string; size: number; sha256: string; urls: string[] }> = {}): Manifest {
  return parseManifest({
    name: "things",
    title: "Things",
    licence: "MIT",
    files: [{ path: "sub/file.bin", size: content.length, sha256, urls: [`${base}/file.bin`], ...changes }],
  });
}

const target = () => join(folder, "sub", "file.bin");
const run = (given: Manifest, options: DownloadOptions = {}) =>
  download(given, { folder, retryDelayMs: 1, timeoutMs: 5000, ...options });

async function failure(given: Manifest, options: DownloadOptions = {}): Promise<DownloadError> {
  const error = await run(given, options).catch((caught: unknown) => caught);
  if (!(error instanceof DownloadError)) {
    throw new Error(`expected a DownloadError, got ${error}`);
  }
  expect(existsSync(target())).toBe(false);
  expect(existsSync(`${target()}.lock`)).toBe(false);
  return error;
}

/** What is left beside the file. */
const left = () => (existsSync(join(folder, "sub")) ? readdirSync(join(folder, "sub")) : []);

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
    handler = (request, response, url) => {
      if (url.pathname === "/file.bin") {
        authorization = request.headers.authorization;
        response.writeHead(302, { location: "/elsewhere" }).end();
      } else {
        serveRanges(request, response, url);
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
    handler = (request, response, url) => {
      if (url.pathname === "/gone") {
        response.writeHead(404).end();
      } else if (url.pathname === "/other") {
        response.end("something else");
      } else {
        serveRanges(request, response, url);
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
    handler = (_request, response) => response.end();
    const empty = createHash("sha256").digest("hex");
    await run(manifest({ size: 0, sha256: empty }));
    expect(readFileSync(target())).toHaveLength(0);
  });

  it("tries again after a server's error", async () => {
    let count = 0;
    handler = (request, response, url) => {
      if (++count <= 2) {
        response.writeHead(503).end();
      } else {
        serveRanges(request, response, url);
      }
    };
    await run(manifest());
    expect(count).toBe(3);
  });

  it("can be stopped, and goes on where it was", async () => {
    handler = (_request, response) => {
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
    handler = serveRanges;
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
    handler = (_request, response) => response.end(content);
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
    handler = (request, response, url) => {
      if (request.headers.range !== undefined) {
        answer(response);
      } else {
        serveRanges(request, response, url);
      }
    };
    await run(manifest(), { retries: 0 });
    expect(requests.map(({ range }) => range)).toEqual(["bytes=1234-", undefined]);
    expect(readFileSync(target()).equals(content)).toBe(true);
    expect(left()).toEqual(["file.bin"]);
  });

  it("ends where a server breaks off and knows no rest, however often", async () => {
    leave(content.subarray(0, 1234));
    handler = (request, response) => {
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
    handler = (request, response) => {
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

describe("a server's fault", () => {
  it("wrong content is refused and not kept", async () => {
    handler = (_request, response) => response.end(Buffer.alloc(content.length));
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

  it("a body that ends too early is kept for the next time", async () => {
    handler = (_request, response) => {
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
    handler = (_request, response) => {
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
    handler = (_request, response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 5000));
    };
    const error = await failure(manifest(), { timeoutMs: 200, retries: 0 });
    expect(error.reason).toBe("timeout");
    expect(error.message).toContain("the server was silent for 0.2 s");
    expect(left()).toEqual(["file.bin.part"]);
  });

  it("silence from the beginning is a timeout", async () => {
    handler = () => {};
    expect(await failure(manifest(), { timeoutMs: 200, retries: 1 })).toMatchObject({ reason: "timeout" });
    expect(requests).toHaveLength(2);
  });

  it("a range that was not asked for is refused", async () => {
    mkdirSync(join(folder, "sub"));
    writeFileSync(`${target()}.part`, content.subarray(0, 10));
    handler = (_request, response) => {
      response.writeHead(206, { "content-range": `bytes 0-${content.length - 1}/${content.length}` }).end(content);
    };
    const error = await failure(manifest());
    expect(error.message).toContain('asked for the bytes from 10 on, got "bytes 0-299999/300000"');
  });

  it("redirects without end are a network error", async () => {
    handler = (_request, response) => response.writeHead(302, { location: "/file.bin" }).end();
    expect(await failure(manifest(), { retries: 0 })).toMatchObject({ reason: "network" });
  });

  it("no server at all is a network error", async () => {
    server.close();
    const error = await failure(manifest(), { retries: 0 });
    expect(error).toMatchObject({ reason: "network", tried: [{ address: `${base}/file.bin` }] });
    expect(error.message).toContain("ECONNREFUSED");
  });
});

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
    handler = (request, response, url) => {
      if (url.pathname === "/copies/sub/file.bin") {
        serveRanges(request, response, url);
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
    handler = (_request, response) => response.end();
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

/** A download in a process of its own; `lines` holds what it tells. */
function start(
  given: Manifest,
  prelude = "",
): { child: ChildProcess; lines: Record<string, unknown>[]; end: Promise<unknown> } {
  const script = fileURLToPath(new URL("fixtures/child.mjs", import.meta.url));
  const argument = JSON.stringify({ manifest: given, options: { folder, retryDelayMs: 1 } });
  const child = spawn("bash", ["-c", `${prelude} exec "$0" "$@"`, process.execPath, script, argument], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => lines.push(JSON.parse(line)));
  return { child, lines, end: once(child, "close") };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i > 2000) {
      throw new Error("it took more than 20 s");
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("processes", () => {
  it("two at once share one download", async () => {
    handler = (_request, response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 1000));
      // The rest comes once the other process waits.
      void until(() => [first, second].some(({ lines }) => lines.some(({ phase }) => phase === "waiting"))).then(() => {
        expect(existsSync(target())).toBe(false);
        response.end(content.subarray(1000));
      });
    };
    const first = start(manifest());
    const second = start(manifest());
    await Promise.all([first.end, second.end]);
    for (const { lines } of [first, second]) {
      expect(lines.at(-1)).toEqual({ paths: { "sub/file.bin": target() } });
    }
    expect(requests).toHaveLength(1);
    const waiting = [...first.lines, ...second.lines].find(({ phase }) => phase === "waiting");
    expect(waiting?.message).toMatch(/^waiting for process \d+, which downloads it$/);
    expect(readFileSync(target()).equals(content)).toBe(true);
    expect(left()).toEqual(["file.bin"]);
  });

  it("one that is killed leaves nothing under the final name, and the next goes on", async () => {
    handler = (request, response, url) => {
      if (requests.length > 1) {
        return serveRanges(request, response, url);
      }
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 100_000));
    };
    const first = start(manifest());
    await until(() => existsSync(`${target()}.part`) && readFileSync(`${target()}.part`).length === 100_000);
    const second = start(manifest());
    await until(() => second.lines.some(({ phase }) => phase === "waiting"));
    first.child.kill("SIGKILL");
    await Promise.all([first.end, second.end]);
    expect(second.lines.at(-1)).toEqual({ paths: { "sub/file.bin": target() } });
    expect(requests.map(({ range }) => range)).toEqual([undefined, "bytes=100000-"]);
    expect(readFileSync(target()).equals(content)).toBe(true);
    expect(left()).toEqual(["file.bin"]);
  });

  it("one behind a proxy goes through it", async () => {
    const addresses: (string | undefined)[] = [];
    server.on("request", ({ url }: IncomingMessage) => addresses.push(url));
    const given = manifest({ urls: ["http://nowhere.invalid/file.bin"] });
    const { lines, end } = start(given, `export HTTP_PROXY=${base};`);
    await end;
    expect(lines.at(-1)).toEqual({ paths: { "sub/file.bin": target() } });
    expect(addresses).toEqual(["http://nowhere.invalid/file.bin"]);
    expect(readFileSync(target()).equals(content)).toBe(true);
  });

  it("a full disk gives the typed error and frees what was taken", async () => {
    // A limit on the size of files fails a write as a full disk does (EFBIG in place of ENOSPC).
    const { lines, end } = start(manifest(), "ulimit -f 100;");
    await end;
    expect(lines.at(-1)).toMatchObject({ error: "DownloadError", reason: "space" });
    expect(lines.at(-1)?.message).toMatch(/^No room for things\/sub\/file\.bin \(300\.0 kB\) in .*EFBIG/);
    expect(left()).toEqual([]);
  });
});

describe("a proxy", () => {
  const through = async (variables: Record<string, string>, host = "files.invalid") => {
    const seen: string[] = [];
    const tunnels: string[] = [];
    const proxy = createServer((request, response) => {
      seen.push(request.url ?? "");
      serveRanges(request, response, new URL(base));
    });
    proxy.on("connect", (request, socket) => {
      tunnels.push(request.url ?? "");
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const port = (proxy.address() as AddressInfo).port;
    for (const [name, value] of Object.entries(variables)) {
      process.env[name] = value.replace("PORT", String(port));
    }
    const scheme = "HTTPS_PROXY" in variables ? "https" : "http";
    const urls = host === "" ? [`${base}/file.bin`] : [`${scheme}://${host}/file.bin`];
    const result = await run(manifest({ urls }), { retries: 0 }).catch((error: unknown) => error);
    for (const name of Object.keys(variables)) {
      delete process.env[name];
    }
    proxy.closeAllConnections();
    proxy.close();
    return { seen, tunnels, result };
  };

  it.each(["http_proxy", "HTTP_PROXY", "all_proxy"])(
    "is handed plain http as it is (%s, without a scheme)",
    async (name) => {
      const { seen, tunnels } = await through({ [name]: "127.0.0.1:PORT" });
      expect({ seen, tunnels }).toEqual({ seen: ["http://files.invalid/file.bin"], tunnels: [] });
      expect(readFileSync(target()).equals(content)).toBe(true);
    },
  );

  it.each(["127.0.0.1:PORT", "http://127.0.0.1:PORT"])("is asked for a tunnel for https (%s)", async (value) => {
    const { seen, tunnels, result } = await through({ HTTPS_PROXY: value });
    expect({ seen, tunnels }).toEqual({ seen: [], tunnels: ["files.invalid:443"] });
    expect(result).toBeInstanceOf(DownloadError);
  });

  it("is left aside for what NO_PROXY names", async () => {
    const { seen, tunnels } = await through({ HTTP_PROXY: "127.0.0.1:PORT", NO_PROXY: "localhost, 127.0.0.1" }, "");
    expect({ seen, tunnels }).toEqual({ seen: [], tunnels: [] });
    expect(requests).toHaveLength(1);
  });

  it("that is no address is named, without its password", () => {
    expect(() => proxyDispatcher({ HTTPS_PROXY: "ftp://me:secret@host" })).toThrow(
      'HTTPS_PROXY is a proxy\'s http(s) address, such as host:3128; got "ftp://host".',
    );
  });
});

describe("the home folder", () => {
  it("is meant by ~ in settings, and only there", () => {
    expect(cacheFolder({ CONVBOOK_CACHE: "~/c" })).toBe(join(homedir(), "c"));
    expect(cacheFolder({ CONVBOOK_CACHE: "~" })).toBe(homedir());
    expect(cacheFolder({ CONVBOOK_CACHE: "/a/~" })).toBe("/a/~");
    expect(parseMirror("~/mirror")).toEqual({ kind: "folder", folder: join(homedir(), "mirror") });
    expect(parseConfig("output: ~/runs").output).toBe(join(homedir(), "runs"));
  });
});
