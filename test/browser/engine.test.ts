/** The engine in a page of headless Chromium: the tutorial's ResNet, with and without cross-origin isolation, beside Node's WebAssembly. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadFromCheckpoint } from "../../lib/convbook/checkpoints/index.ts";
import * as nodeEntry from "../../lib/engine/index.ts";
import { builtProgram } from "../built-program.ts";
import { readSources } from "../structure/sources.ts";
import type { Given, Outcome } from "./engine-trial.ts";
import { browserProgram } from "./support.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const checkpoint = fileURLToPath(new URL("../../../shared/data/uva-tutorial5/ResNet.ckpt", import.meta.url));
const sources = new Map(readSources().map((source) => [source.path, source]));

describe("what a page imports", () => {
  /** The sources that are evaluated with these. */
  function reached(entries: readonly string[]): string[] {
    const found = new Set(entries);
    for (const path of found) {
      for (const { file, kind } of sources.get(path)?.imports ?? []) {
        if (file !== undefined && kind !== "type") {
          found.add(file);
        }
      }
    }
    return [...found];
  }

  it.each([["lib/engine/browser.ts"], ["lib/convbook/models/index.ts"], ["lib/convbook/nn/index.ts"]])(
    "%s leads to no built-in of Node",
    (entry) => {
      const paths = reached([entry]);
      expect(paths.length).toBeGreaterThan(20);
      const outside = paths.flatMap((path) =>
        (sources.get(path)?.imports ?? []).filter(({ file, kind }) => file === undefined && kind !== "type"),
      );
      const names = new Set(outside.map(({ specifier }) => specifier));
      const known = ["@convbook/engine", "@tensorflow/tfjs", "@tensorflow/tfjs-backend-cpu", "@tensorflow/tfjs-core"];
      expect([...names].filter((name) => !known.includes(name))).toEqual([]);
      const own = paths.filter((path) => path.startsWith("lib/engine"));
      const globals = own.filter((path) => /\b(process\.|Buffer\.|__dirname)/.test(readFileSync(path, "utf8")));
      expect(globals).toEqual([]);
    },
  );

  it("is all of the engine but models in files", async () => {
    const page = await import("../../lib/engine/browser.ts");
    const missing = Object.keys(nodeEntry).filter((name) => !(name in page));
    expect(missing.sort()).toEqual(["ModelFileError", "fileSystem"]);
    expect(Object.keys(page).filter((name) => !(name in nodeEntry))).toEqual(["start"]);
  });
});

const left = [
  existsSync(browserProgram) ? "" : `Chromium (${browserProgram})`,
  existsSync(checkpoint) ? "" : "the tutorial's checkpoints in ../shared/data/uva-tutorial5",
].filter(Boolean);
if (left.length > 0) {
  console.log(`Left out: the engine in a page. It needs ${left.join(" and ")}.`);
}

describe.runIf(left.length === 0)("the engine in a page", () => {
  const folder = mkdtempSync(join(tmpdir(), "convbook-page-"));
  const dist = join(folder, "dist");
  let server: Server;
  let browser: Browser;
  let given: Given;
  let isolated = true;
  let said: string[] = [];

  beforeAll(async () => {
    given = await givenNetwork();
    writeFileSync(
      join(folder, "index.html"),
      '<link rel="icon" href="data:,"><script type="module" src="page.ts"></script>',
    );
    writeFileSync(join(folder, "page.ts"), `import ${JSON.stringify(join(here, "engine-page.ts"))};`);
    await build({ root: folder, logLevel: "error", build: { outDir: dist, target: "esnext", minify: false } });
    writeFileSync(join(dist, "given.json"), JSON.stringify(given));
    server = createServer((request, response) => {
      const name = new URL(request.url ?? "/", "http://127.0.0.1").pathname.slice(1) || "index.html";
      const path = join(dist, name);
      if (name.includes("..") || !existsSync(path)) {
        response.writeHead(404).end();
        return;
      }
      const types: Record<string, string> = {
        ".html": "text/html",
        ".js": "text/javascript",
        ".wasm": "application/wasm",
      };
      response.setHeader("content-type", types[extname(name)] ?? "application/octet-stream");
      if (isolated) {
        response.setHeader("cross-origin-opener-policy", "same-origin");
        response.setHeader("cross-origin-embedder-policy", "require-corp");
      }
      response.end(readFileSync(path));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    browser = await chromium.launch({ executablePath: browserProgram, args: ["--no-sandbox", "--disable-gpu"] });
  });

  afterAll(async () => {
    await browser?.close();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  async function opened(isIsolated: boolean): Promise<Page> {
    isolated = isIsolated;
    said = [];
    const page = await browser.newPage();
    page.setDefaultTimeout(300_000);
    page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", ({ message }) => said.push(`error: ${message}`));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { waitUntil: "load" });
    await page.waitForFunction("globalThis.run !== undefined");
    expect(await page.evaluate("crossOriginIsolated")).toBe(isIsolated);
    return page;
  }

  const run = async (page: Page, options: object): Promise<Outcome> =>
    (await page.evaluate(`run(${JSON.stringify(options)})`)) as Outcome;

  it.each([1, 2])("trains and infers with %i threads to the bit as Node does", async (threads) => {
    const page = await opened(true);
    const { isa, ...outcome } = await run(page, { threads, relaxedSimd: false });
    expect(said).toEqual([]);
    expect(page.workers()).toHaveLength(threads - 1);
    expect([isa, outcome.threads]).toEqual(["wasm", threads]);
    expect({ isa, ...outcome }).toEqual(await inNode(given, threads));
    expect(outcome.logits).toHaveLength(160);
    expect(outcome.losses).toHaveLength(10);
    expect(outcome.losses.at(-1)).toBeLessThan(outcome.losses[0] ?? 0);
    expect(outcome.grown).toEqual([0, 0, 0]);
    await page.close();
  });

  it("runs with one thread where the page is not isolated, and says so in one line", async () => {
    const page = await opened(false);
    const outcome = await run(page, { threads: 2, relaxedSimd: false });
    expect(said).toEqual([
      "warning: convbook engine: one thread, because the page is not cross-origin isolated (serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)",
    ]);
    expect(page.workers()).toHaveLength(0);
    expect(outcome).toEqual(await inNode(given, 1));
    await page.close();
  });

  it("takes relaxed SIMD where the browser has it, and comes near to the other results", async () => {
    const page = await opened(true);
    const { isa, logits } = await run(page, {});
    expect(isa).toBe("wasm-relaxed");
    const exact = (await inNode(given, 1)).logits;
    for (const [i, logit] of logits.entries()) {
      expect(logit).toBeCloseTo(exact[i] ?? Number.NaN, 3);
    }
    await page.close();
  });

  it("says what was not found, and starts when it is", async () => {
    const page = await opened(true);
    const [message = "", reason, available] = (await page.evaluate(
      `refused({ wasm: "nowhere.wasm", relaxedSimd: false })`,
    )) as string[];
    expect(message).toMatch(
      /^The engine does not start: WebAssembly does not run: nowhere\.wasm was answered with 404, expected the engine's file$/,
    );
    expect([`The engine does not start: ${reason}`, available]).toEqual([message, "false"]);
    const [refusal] = (await page.evaluate("refused({ threads: 1.5 })")) as string[];
    expect(refusal).toBe("start: expected threads to be an integer from 0 to 256, got 1.5");
    expect((await run(page, { threads: 1, relaxedSimd: false })).threads).toBe(1);
    await page.close();
  });
});

/** The tutorial's ResNet. */
async function givenNetwork(): Promise<Given> {
  const { model, hyperParameters } = await loadFromCheckpoint(checkpoint);
  const weights = [...model.stateDict()].map(([name, { dtype, shape, data }]) => ({
    name,
    dtype,
    shape: [...shape],
    data: Array.from(data as ArrayLike<number | bigint>, Number),
  }));
  model.dispose();
  return { name: "ResNet", hparams: Object(hyperParameters.model_hparams), weights };
}

/** The same in a process of Node, in WebAssembly without relaxed SIMD. */
async function inNode(given: Given, threads: number): Promise<Outcome> {
  const program = join(here, "engine-node.ts");
  const child = spawn(process.execPath, [await builtProgram(program)], {
    env: {
      ...process.env,
      CONVBOOK_ISA: "wasm",
      CONVBOOK_THREADS: String(threads),
      CONVBOOK_RELAXED_SIMD: "0",
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(JSON.stringify(given));
  return JSON.parse(await text(child.stdout));
}
