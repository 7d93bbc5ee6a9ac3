/** Tarballs of npm packages, with the real client against a registry on the loopback interface. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { download } from "./download.ts";
import { parseManifest } from "./manifest.ts";

const tarball = randomBytes(50_000);
const sha1 = createHash("sha1").update(tarball).digest("hex");
const sha256 = createHash("sha256").update(tarball).digest("hex");

let folder: string;
let server: Server;
let base: string;
let paths: string[];
let secret: string | undefined;

function serve(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? "/";
  paths.push(path);
  if (secret !== undefined && request.headers.authorization !== `Bearer ${secret}`) {
    response.writeHead(401).end();
  } else if (path === "/thing") {
    const dist = { tarball: `${base}/thing-1.2.3.tgz`, shasum: sha1 };
    const version = { name: "thing", version: "1.2.3", dist };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ name: "thing", "dist-tags": { latest: "1.2.3" }, versions: { "1.2.3": version } }));
  } else if (path === "/thing-1.2.3.tgz") {
    response.setHeader("content-length", tarball.length).end(tarball);
  } else {
    response.writeHead(404).end("{}");
  }
}

const before = { ...process.env };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "convbook-"));
  server = createServer(serve);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const name of Object.keys(process.env)) {
    if (/^(https?_proxy|no_proxy|CONVBOOK_.*)$/i.test(name)) {
      delete process.env[name];
    }
  }
  process.env.npm_config_registry = base;
  process.env.npm_config_cache = join(folder, "npm");
  process.env.npm_config_fetch_retries = "0";
});

beforeEach(() => {
  paths = [];
  secret = undefined;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
  process.env = before;
  rmSync(folder, { recursive: true });
});

const manifest = (specifier: string) =>
  parseManifest({
    name: "things",
    title: "Things",
    licence: "MIT",
    files: [{ path: "thing.tgz", size: tarball.length, sha256, urls: [`npm:${specifier}`] }],
  });
const run = (specifier: string, into: string) =>
  download(manifest(specifier), { folder: join(folder, into), retries: 0, timeoutMs: 10_000 });

it("are looked up in the user's registry", async () => {
  const { paths: found } = await run("thing@1.2.3", "plain");
  expect(readFileSync(found.get("thing.tgz") as string).equals(tarball)).toBe(true);
  expect(paths).toEqual(["/thing", "/thing-1.2.3.tgz"]);
});

it("are fetched by the client where the registry wants a login", async () => {
  secret = "s3cret";
  process.env[`npm_config_${base.slice("http:".length)}/:_authToken`] = secret;
  const { paths: found } = await run("thing@1.2.3", "login");
  expect(readFileSync(found.get("thing.tgz") as string).equals(tarball)).toBe(true);
  expect(readdirSync(join(folder, "login"))).toEqual(["thing.tgz"]);
});

it("that do not exist are reported in npm's words", async () => {
  await expect(run("nothing@1.0.0", "none")).rejects.toMatchObject({
    name: "DownloadError",
    reason: "network",
    message: expect.stringMatching(/npm:nothing@1\.0\.0: npm view failed: .*404/),
  });
});
