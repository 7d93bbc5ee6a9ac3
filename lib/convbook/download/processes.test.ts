/** Downloads in processes of their own: two at once, one that is killed, one without room. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Manifest } from "./manifest.ts";
import {
  base,
  begin,
  content,
  end,
  folder,
  left,
  manifest,
  reply,
  requests,
  serveRanges,
  server,
  target,
  until,
} from "./testing/server.ts";

beforeEach(begin);
afterEach(end);

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

describe("processes", () => {
  it("two at once share one download", async () => {
    reply.with = (_request, response) => {
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
    reply.with = (request, response, _url) => {
      if (requests.length > 1) {
        return serveRanges(request, response);
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
