/**
 * The site, built and served on loopback: links lead somewhere, pages are light, and in Chromium they are accessible, stand still while they
 * load, fit a phone, and are searched without a network. Notebooks stand in it as they are in the repository, without outputs.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng } from "../../lib/convbook/index.ts";
import { browserProgram } from "../browser/support.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tools = join(root, "lib/site/node_modules");
if (!existsSync(tools)) {
  console.warn("Left out: the site's pages (npm ci --prefix lib/site)");
} else if (!existsSync(browserProgram)) {
  console.warn("Left out: the site in a browser (apt-get install chromium)");
}

const site = mkdtempSync(join(tmpdir(), "convbook-site-"));
afterAll(() => {
  rmSync(site, { recursive: true });
  rmSync(`${site}-notebooks`, { recursive: true, force: true });
});
const files = (folder = ""): readonly string[] =>
  readdirSync(join(site, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(site.length + 1));

/** The notebooks in a folder, as they are but for two outputs of one of them: a table with braces, and a picture that is to be half as large as its pixels. */
function executed(): string {
  const folder = `${site}-notebooks`;
  cpSync(join(root, "notebooks"), folder, { recursive: true });
  const path = join(folder, "09-94-percent-in-minutes.ipynb");
  const notebook = JSON.parse(readFileSync(path, "utf8"));
  const png = encodePng({ width: 2, height: 2, channels: 1, data: new Uint8Array(4) });
  const show = (data: object, metadata: object) => ({ output_type: "display_data", data, metadata });
  notebook.cells.find(({ id }: { id: string }) => id === "recipe").outputs = [
    show({ "text/markdown": '| what | value |\n|---|---|\n| filters | {"lr":0.18} |\n' }, {}),
    show(
      { "image/png": Buffer.from(png).toString("base64") },
      { "image/png": { alt: "Four pixels", width: 1, height: 1 } },
    ),
  ];
  writeFileSync(path, JSON.stringify(notebook));
  return folder;
}

describe.runIf(existsSync(tools))("the site", () => {
  beforeAll(() => {
    execFileSync(process.execPath, [join(root, "lib/site/build.mjs"), "--notebooks", executed(), "--out", site], {
      cwd: root,
      stdio: "pipe",
    });
  });

  const html = (page: string) => readFileSync(join(site, page), "utf8");

  it("has its guides, the notebooks, and the reference of all packages", () => {
    const pages = files().filter((file) => file.endsWith(".html"));
    for (const guide of readdirSync(join(root, "lib/site/guides"))) {
      expect(pages).toContain(`guides/${guide.replace(/md$/, "html")}`);
    }
    for (const notebook of readdirSync(join(root, "notebooks")).filter((file) => /^[^.].*\.ipynb$/.test(file))) {
      const page = notebook.replace(/ipynb$/, "html");
      expect(pages).toContain(`notebooks/${page}`);
      expect(pages).toContain(`pages/${page}`);
    }
    for (const name of ["convbook", "kernel", "runner", "engine", "mpi", "classroom"]) {
      expect(pages).toContain(`api/${name}/index.html`);
    }
    expect(html("api/convbook/functions/createModel.html")).toContain("hyper-parameters");
  });

  it("has what a function's options are, what it throws, and nothing of our tests", () => {
    expect(html("api/convbook/functions/curves.html")).toContain(
      'href="./../unexported/interfaces/CurvesOptions.html"',
    );
    expect(html("api/convbook/unexported/interfaces/CurvesOptions.html")).toContain("xDomain");
    expect(html("api/convbook/functions/createModel.html")).toMatch(/id="throws[\s\S]*<code>UnknownNameError<\/code>/);
    expect(html("api/convbook/index.html")).toContain("cannot be imported");
    expect(html("api/convbook/interfaces/RegisteredModels.html")).not.toContain("GroupNormNet");
  });

  it("has outputs as they are: braces in a table, a picture with its words and its size, a link to its cell", () => {
    const page = html("notebooks/09-94-percent-in-minutes.html");
    expect(page).toMatch(/<td[^>]*>filters<\/td><td[^>]*>{&quot;lr&quot;:0.18}<\/td>/);
    expect(page).toMatch(/<img src="[^"]*output_\d+_1\.\w*\.?png" alt="Four pixels" width="1" height="1">/);
    expect(page).toMatch(/<a href="\/pages\/09-94-percent-in-minutes.html#cell-recipe" target="_self" class="to-cell"/);
  });

  it("has no link to a page or a file that is not there", () => {
    const lost = files()
      .filter((file) => file.endsWith(".html") && !file.startsWith("pages/"))
      .flatMap((page) => {
        const links = [...html(page).matchAll(/(?:href|src)="(\/[^"#?]*)/g)].map(([, link = ""]) => decodeURI(link));
        return links
          .filter((link) => !["", ".html", "index.html"].some((end) => existsSync(join(site, `${link}${end}`))))
          .map((link) => `${page}: ${link}`);
      });
    expect([...new Set(lost)]).toEqual([]);
  });

  it("has one heading of the first level on each page, and none that skips a level", () => {
    for (const page of files("guides")) {
      const body = html(page).replace(/[\s\S]*<main/, "<main");
      const levels = [...body.matchAll(/<h([1-6])[ >]/g)].map(([, level]) => Number(level));
      expect(
        levels.filter((level) => level === 1),
        page,
      ).toHaveLength(1);
      for (const [i, level] of levels.entries()) {
        expect(level - (levels[i - 1] ?? level), `${page}, heading ${i + 1}`).toBeLessThanOrEqual(1);
      }
    }
  });

  it("needs at most 300 KB for a page as servers send it, its figures left out, and 1.1 MB for the search", () => {
    const sent = (file: string) => gzipSync(readFileSync(join(site, file))).length;
    for (const page of files().filter((file) =>
      /^(index|(guides|notebooks)\/.*|api\/[^/]+\/index)\.html$/.test(file),
    )) {
      const needed = [...html(page).matchAll(/(?:href|src)="\/([^"]+\.(?:js|css))"/g)].map(([, file = ""]) => file);
      expect(needed.length, page).toBeGreaterThan(2);
      const bytes = [page, ...new Set(needed)].reduce((sum, file) => sum + sent(file), 0);
      expect(bytes / 1000, page).toBeLessThan(300);
    }
    const [index = "", ...others] = files().filter((file) => file.includes("@localSearchIndex"));
    expect(others).toEqual([]);
    expect(sent(index) / 1000, "the search").toBeLessThan(1100);
  });

  describe.runIf(existsSync(browserProgram))("in a browser", () => {
    let server: Server;
    let browser: Browser;
    let address: string;
    const types: Readonly<Record<string, string>> = {
      ".html": "text/html",
      ".js": "text/javascript",
      ".css": "text/css",
    };

    beforeAll(async () => {
      server = createServer((request, response) => {
        const path = join(site, decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname));
        const file = existsSync(path) && statSync(path).isDirectory() ? join(path, "index.html") : path;
        if (!file.startsWith(site) || !existsSync(file)) {
          response.writeHead(404).end();
          return;
        }
        response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" });
        response.end(readFileSync(file));
      }).listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      browser = await chromium.launch({ executablePath: browserProgram, args: ["--no-sandbox"] });
    });
    afterAll(async () => {
      await browser?.close();
      server?.close();
    });

    const open = async (path: string, options: { dark?: boolean; width?: number } = {}): Promise<Page> => {
      const page = await browser.newPage({
        colorScheme: options.dark ? "dark" : "light",
        viewport: { width: options.width ?? 1280, height: 850 },
      });
      page.setDefaultTimeout(120_000);
      await page.goto(`${address}/${path}`);
      await page.waitForLoadState("networkidle");
      return page;
    };
    const pages = [
      "index.html",
      "guides/train-from-yaml.html",
      "notebooks/08-initialization-and-optimization.html",
      "api/convbook/functions/createModel.html",
    ];

    it.each(pages.flatMap((path) => [[path, false] as const, [path, true] as const]))(
      "%s is accessible, dark: %s",
      async (path, dark) => {
        const page = await open(path, { dark });
        await page.addScriptTag({ path: join(tools, "axe-core/axe.min.js") });
        const violations = (await page.evaluate(
          // It sees no text in MathML, which heads some columns.
          "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'best-practice'], rules: { 'empty-table-header': { enabled: false } } })",
        )) as {
          violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
        };
        const found = violations.violations.map(({ id, nodes }) => [
          id,
          nodes[0]?.html.slice(0, 200),
          nodes[0]?.failureSummary,
        ]);
        expect(found).toEqual([]);
        await page.close();
      },
    );

    it.each(pages)("%s stands still while it loads, and is no wider than a phone", async (path) => {
      const page = await open(path, { width: 390 });
      const shift = await page.evaluate(`new Promise((resolve) => {
        let sum = 0;
        new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => { sum += value; }))
          .observe({ type: "layout-shift", buffered: true });
        setTimeout(() => resolve(sum), 300);
      })`);
      expect(shift).toBeLessThan(0.1);
      // What an executed cell printed: its lines are as long as they are.
      await page.evaluate(
        `document.querySelector(".vp-doc")?.insertAdjacentHTML("beforeend", "<pre><code>${"long ".repeat(99)}</code></pre>")`,
      );
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
      await page.close();
    });

    it("shows both columns of the tables for those who come from elsewhere on a phone", async () => {
      const page = await open("guides/coming-from.html", { width: 390 });
      const hidden =
        "[...document.querySelectorAll('.vp-doc table')].filter((table) => table.scrollWidth > table.clientWidth).length";
      expect(await page.evaluate(hidden)).toBe(0);
      await page.close();
    });

    it("has what is below the line in a formula below it, whatever fonts the reader has", async () => {
      const page = await open("notebooks/01-inception-resnet-densenet.html");
      // x with its l + 1; how far the middle of the one is below the other's
      const below = await page.evaluate(`document.fonts.ready.then(() => {
        const formula = [...document.querySelectorAll(".katex-display")].find((one) => one.textContent.includes("instead of"));
        const middle = (part) => (part.getBoundingClientRect().top + part.getBoundingClientRect().bottom) / 2;
        const index = formula.querySelector(".katex-html .msupsub .mtight .mtight");
        return middle(index) - middle(index.closest(".msupsub").previousElementSibling);
      })`);
      expect(below).toBeGreaterThan(2);
      await page.close();
    });

    it("says at the top where a reader is", async () => {
      for (const [path, name] of [
        ["guides/jupyter.html", "Guides"],
        ["notebooks/08-initialization-and-optimization.html", "Notebooks"],
        ["api/convbook/functions/createModel.html", "Reference"],
      ] as const) {
        const page = await open(path);
        expect(await page.locator(".VPNavBarMenuLink.active").allInnerTexts()).toEqual([name]);
        expect(await page.locator(".pager-link.next").count(), path).toBe(path.startsWith("api/") ? 0 : 1);
        await page.close();
      }
    });

    it("finds a word of a guide and one of the reference, with the keyboard alone", async () => {
      const page = await open("index.html");
      for (const [word, target] of [
        ["squeeze excitation", "write-a-block"],
        ["loadFromCheckpoint", "loadFromCheckpoint"],
      ] as const) {
        await page.keyboard.press("Control+k");
        await page.locator(".VPLocalSearchBox input").fill(word);
        await page.locator(`.VPLocalSearchBox a[href*="${target}"]`).first().waitFor();
        await page.keyboard.press("Escape");
      }
      await page.close();
    });
  });
});
