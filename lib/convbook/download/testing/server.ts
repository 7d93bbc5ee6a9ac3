/** What the tests of downloads share: a server, a folder, and files to fetch from the one into the other. */
import { strictEqual } from "node:assert";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { download } from "../download.ts";
import { DownloadError } from "../error.ts";
import { type Manifest, parseManifest } from "../manifest.ts";
import type { DownloadOptions } from "../options.ts";

export const content = randomBytes(300_000);
export const sha256 = createHash("sha256").update(content).digest("hex");

export type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => void;

/** Made anew for each test. */
export let folder: string;
export let server: Server;
/** The server's address. */
export let base: string;
/** What the server was asked for. */
export let requests: { path: string; range: string | undefined }[];
/** How the server answers: with all that is asked for, unless a test says otherwise. */
export const reply: { with: Handler } = { with: serveRanges };

/** Begins a test: a server and an empty folder, and nothing in the environment that has to do with downloads. */
export async function begin(): Promise<void> {
  for (const name of Object.keys(process.env)) {
    if (/^((https?|all|no)_proxy|CONVBOOK_.*)$/i.test(name)) {
      delete process.env[name];
    }
  }
  folder = mkdtempSync(join(tmpdir(), "convbook-"));
  requests = [];
  reply.with = serveRanges;
  server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", base);
    requests.push({ path: url.pathname, range: request.headers.range });
    reply.with(request, response, url);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Ends a test. */
export function end(): void {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
}

/** A server as there are most: it honours ranges. */
export function serveRanges(request: IncomingMessage, response: ServerResponse): void {
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const start = range === null ? 0 : Number(range[1]);
  response.writeHead(range === null ? 200 : 206, {
    "content-length": content.length - start,
    ...(range === null ? {} : { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` }),
  });
  response.end(content.subarray(start));
}

/** A manifest of one file that the server has. */
export function manifest(
  changes: Partial<{ path: string; size: number; sha256: string; urls: string[] }> = {},
): Manifest {
  return parseManifest({
    name: "things",
    title: "Things",
    licence: "MIT",
    files: [{ path: "sub/file.bin", size: content.length, sha256, urls: [`${base}/file.bin`], ...changes }],
  });
}

/** Where the file goes. */
export const target = () => join(folder, "sub", "file.bin");
/** Downloads what a manifest names. */
export const run = (given: Manifest, options: DownloadOptions = {}) =>
  download(given, { folder, retryDelayMs: 1, timeoutMs: 5000, ...options });

/** The error of a download that fails, and leaves neither file nor lock. */
export async function failure(given: Manifest, options: DownloadOptions = {}): Promise<DownloadError> {
  const error = await run(given, options).catch((caught: unknown) => caught);
  if (!(error instanceof DownloadError)) {
    throw new Error(`expected a DownloadError, got ${error}`);
  }
  strictEqual(existsSync(target()), false);
  strictEqual(existsSync(`${target()}.lock`), false);
  return error;
}

/** What is left beside the file. */
export const left = () => (existsSync(join(folder, "sub")) ? readdirSync(join(folder, "sub")) : []);

/** Waits for something that a test cannot do without. */
export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i > 2000) {
      throw new Error("it took more than 20 s");
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
