/** Pages of notebooks in headless Chromium: what they load when they are opened, and how they look. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HtmlOptions, type Notebook, toHtml, toSlides } from "../../lib/runner/index.ts";
import { browserProgram } from "./support.ts";

if (process.env.CI && !existsSync(browserProgram)) {
  throw new Error(`${browserProgram} is not there, which CI must have`);
}

const pixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

describe.runIf(existsSync(browserProgram))("a page in Chromium", () => {
  const folder = mkdtempSync(join(tmpdir(), "page-"));
  let server: Server;
  let browser: Browser;
  let requests: string[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      requests.push(request.url ?? "");
      response.setHeader("content-type", "image/png").end(pixel);
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    browser = await chromium.launch({ executablePath: browserProgram, args: ["--no-sandbox", "--disable-gpu"] });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  const notebook = (...sources: string[]): Notebook => ({
    cells: sources.map((source) => ({ cell_type: "markdown", metadata: {}, source })),
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  });

  /** Opens a page from a file, scrolled to its end and left alone for a moment. */
  async function opened(html: string, colorScheme: "light" | "dark" = "light"): Promise<Page> {
    const path = join(folder, "page.html");
    writeFileSync(path, html);
    requests = [];
    const page = await browser.newPage({ colorScheme });
    await page.goto(pathToFileURL(path).href, { waitUntil: "load" });
    await page.evaluate("scrollTo(0, document.body.scrollHeight)");
    await page.waitForTimeout(300);
    return page;
  }

  /** A notebook whose text wants something from the server in every way that we know; each has a name of its own. */
  function wanting(): Notebook {
    const at = (name: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`;
    const html = [
      `<img src="${at("img")}">`,
      `<img srcset="${at("srcset")} 1x">`,
      `<picture><source srcset="${at("picture")}"><img src="${at("picture-img")}"></picture>`,
      `<video src="${at("video")}" poster="${at("poster")}" autoplay preload="auto"></video>`,
      `<audio src="${at("audio")}" autoplay preload="auto"></audio>`,
      `<video><source src="${at("source")}"><track default src="${at("track")}"></video>`,
      `<svg><image href="${at("svg-image")}"/><image xlink:href="${at("svg-xlink")}"/><use href="${at("svg-use")}#x"/><style>*{fill:url(${at("svg-style")})}</style></svg>`,
      `<link rel="stylesheet" href="${at("link")}"><link rel="prefetch" href="${at("prefetch")}"><link rel="icon" href="${at("icon")}">`,
      `<style>@import "${at("import")}"; body { background: url(${at("style")}) }</style>`,
      `<p style="background: url(${at("css")})">x</p><p style='background: image-set("${at("image-set")}" 1x)'>x</p>`,
      `<ul style="list-style: url(${at("list")})"><li style="cursor: url(${at("cursor")}), auto">x</li></ul>`,
      `<table background="${at("background")}"><tr><td background="${at("td")}">x</td></tr></table>`,
      `<input type="image" src="${at("input")}"><iframe src="${at("iframe")}"></iframe><iframe srcdoc="<img src=${at("srcdoc")}>"></iframe>`,
      `<embed src="${at("embed")}"><object data="${at("object")}"></object><script src="${at("script")}"></script>`,
      `<meta http-equiv="refresh" content="0; url=${at("refresh")}"><a href="#x" ping="${at("ping")}">x</a>`,
      `<div style="border-image: url(${at("border")}); mask: url(${at("mask")}); filter: url(${at("filter")})">x</div>`,
      `<section data-background-image="${at("reveal")}"><img data-src="${at("data-src")}"></section>`,
    ];
    const outputs = html.map((each) => ({
      output_type: "display_data" as const,
      data: { "text/html": each },
      metadata: {},
    }));
    const drawing = `<svg xmlns="http://www.w3.org/2000/svg"><image href="${at("svg-output")}" width="9" height="9"/></svg>`;
    outputs.push({ output_type: "display_data", data: { "image/svg+xml": drawing } as never, metadata: {} });
    const text = notebook(`![](${at("markdown")})`, html.join("\n\n"), html.join(" "));
    return {
      ...text,
      cells: [...text.cells, { cell_type: "code", source: "", metadata: {}, execution_count: 1, outputs }],
    };
  }

  it.each([["a page", toHtml] as const, ["slides", toSlides] as const])(
    "%s asks nobody for anything when it is opened",
    async (_, convert) => {
      const page = await opened(await convert(wanting()));
      expect(requests).toEqual([]);
      expect(await page.locator(".not-loaded").count()).toBeGreaterThan(10);
      await page.close();
    },
    60_000,
  );

  it("with remoteImages pictures, sounds and films are fetched, and nothing else", async () => {
    const options: HtmlOptions = { remoteImages: true };
    const page = await opened(await toHtml(wanting(), options));
    const named = new Set(requests.map((url) => url.slice(1)));
    const media = ["img", "srcset", "picture", "video", "poster", "audio", "source", "markdown"];
    expect([...named].sort()).toEqual(media.sort());
    expect(await page.evaluate(`document.querySelector('img[src$="/img"]').naturalWidth`)).toBe(1);
    await page.close();
  }, 60_000);

  it("shows by a shade that an output goes on, until it is scrolled to its end", async () => {
    const printed = (lines: number) => ({
      output_type: "stream" as const,
      name: "stdout" as const,
      text: `first${"\n".repeat(lines)}last${"\n".repeat(5)}`,
    });
    // Their heights are no whole pixels: none of the short ones has a line at its end.
    const outputs = [99, 1, 2, 3, 4, 5].map((lines) => [printed(lines)]);
    const cells = outputs.map((each) => ({
      cell_type: "code" as const,
      source: "",
      metadata: {},
      execution_count: 1,
      outputs: each,
    }));
    const page = await opened(await toHtml({ ...notebook(), cells }));
    // All of them at once: at the border of a window the last row of pixels would be cut off.
    await page.setViewportSize({ width: 1280, height: 2400 });
    const end = async (n: number) => {
      const output = page.locator("pre.stdout").nth(n);
      await output.scrollIntoViewIfNeeded();
      const box = await output.boundingBox();
      const { x, y, width, height } = box as { x: number; y: number; width: number; height: number };
      return page.screenshot({ clip: { x, y: Math.floor(y + height) - 3, width, height: 4 } });
    };
    const short = await end(1);
    for (const n of [2, 3, 4]) {
      expect([n, (await end(n)).equals(short)]).toEqual([n, true]);
    }
    expect((await end(0)).equals(short)).toBe(false);
    await page
      .locator("pre.stdout")
      .nth(0)
      .evaluate((output) => output.scrollTo(0, output.scrollHeight));
    expect((await end(0)).equals(short)).toBe(true);
    await page.close();
  }, 60_000);

  it.each(["light", "dark"] as const)(
    "boxes stand out, each kind in its tone, in a %s page",
    async (colorScheme) => {
      const kinds = ["primary", "info", "success", "warning", "danger"].map((kind) => `alert-${kind}`);
      const bootstrap = kinds.map((kind) => `<div class="alert ${kind}">\n\n**Text** of ${kind}\n\n</div>`);
      const marks = ["NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION"];
      const github = marks.map((mark) => `> [!${mark}]\n> Text of ${mark}`);
      const page = await opened(await toHtml(notebook([...bootstrap, ...github].join("\n\n"))), colorScheme);
      const boxes = (await page.evaluate(`[...document.querySelectorAll(".alert, .markdown-alert")].map((box) => {
      const title = box.querySelector(".markdown-alert-title");
      const style = getComputedStyle(box);
      const icon = title && getComputedStyle(title, "::before");
      return {
        tone: style.borderLeftColor, paper: style.backgroundColor, ink: style.color, title: title && getComputedStyle(title).color,
        icon: icon && icon.maskImage, width: icon && icon.width,
      };
    })`)) as Record<"tone" | "paper" | "ink" | "title" | "icon" | "width", string>[];
      const paper = (await page.evaluate("getComputedStyle(document.body).backgroundColor")) as string;
      expect(boxes).toHaveLength(10);
      expect(new Set(boxes.slice(0, 5).map(({ tone }) => tone)).size).toBe(5);
      expect(new Set(boxes.slice(5).map(({ tone }) => tone)).size).toBe(5);
      expect(new Set(boxes.slice(5).map(({ icon }) => icon)).size).toBe(5);
      for (const { tone, paper: own, ink, title, icon, width } of boxes) {
        expect(own).not.toBe("rgba(0, 0, 0, 0)");
        expect(contrast(ink, paper)).toBeGreaterThan(7);
        expect(contrast(tone, paper)).toBeGreaterThan(4.5);
        if (title !== null) {
          expect(title).toBe(tone);
          expect(icon).toContain("data:image/svg+xml");
          expect(Number.parseFloat(width)).toBeGreaterThan(10);
        }
      }
      await page.close();
    },
    60_000,
  );
});

/** The contrast of two colours, from 1 to 21, as WCAG 2 has it. */
function contrast(...colours: [string, string]): number {
  const [dark = 0, light = 0] = colours
    .map((colour) => {
      const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map((part) => {
        const value = Number(part) / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    })
    .sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
