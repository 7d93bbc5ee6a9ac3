/** Proxies that the environment names. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DownloadError } from "./error.ts";
import { proxyDispatcher } from "./proxy.ts";
import { base, begin, content, end, manifest, requests, run, serveRanges, target } from "./testing/server.ts";

beforeEach(begin);
afterEach(end);

describe("a proxy", () => {
  const through = async (variables: Record<string, string>, host = "files.invalid") => {
    const seen: string[] = [];
    const tunnels: string[] = [];
    const proxy = createServer((request, response) => {
      seen.push(request.url ?? "");
      serveRanges(request, response);
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
