/** Where links of a page lead when somebody clicks them, in headless Chromium. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toHtml } from "../../lib/runner/index.ts";
import { browserProgram } from "./support.ts";

if (!existsSync(browserProgram)) {
  console.warn("Left out: links of pages in a browser (apt-get install chromium)");
}

/** Headings, and the links that lead to them: as Jupyter, as nbconvert, and as GitHub and VS Code write them. */
const headings: Readonly<Record<string, readonly string[]>> = {
  "My Head": ["#My-Head", "#my-head"],
  "Über uns": ["#Über-uns", "#%C3%9Cber-uns", "#über-uns"],
  "50% of it": ["#50%-of-it", "#50%25-of-it"],
  "C++ & C#": ["#C++-&-C%23", "#c--c"],
  'What "is" it?': ['#What-"is"-it?', "#what-is-it"],
  "日本語 🎉": ["#日本語-🎉", "#%E6%97%A5%E6%9C%AC%E8%AA%9E-%F0%9F%8E%89"],
};

describe.runIf(existsSync(browserProgram))("a link to a heading", () => {
  const folder = mkdtempSync(join(tmpdir(), "links-"));
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const cells = Object.entries(headings).flatMap(([heading, links]) => [
      {
        cell_type: "markdown" as const,
        metadata: {},
        source: links.map((link) => `[${heading}](<${link}>)`).join(" "),
      },
      { cell_type: "markdown" as const, metadata: {}, source: `## ${heading}\n\n${"text\n\n".repeat(60)}` },
    ]);
    const path = join(folder, "page.html");
    writeFileSync(path, await toHtml({ cells, metadata: {}, nbformat: 4, nbformat_minor: 4 }));
    browser = await chromium.launch({ executablePath: browserProgram, args: ["--no-sandbox"] });
    page = await browser.newPage();
    await page.goto(pathToFileURL(path).href);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ["of the text", "main p a"],
    ["of the table of contents", ".toc a"],
    ["of the heading itself", "h2 .anchor"],
  ])("leads there: %s", async (_, selector) => {
    // In the page's own words: a link's text, or the heading that it is in, beside what is the target when it was clicked.
    const led = await page.evaluate<[string, string][]>(`(() => {
      const text = (element) => (element?.textContent ?? "").replace(/#$/, "");
      return [...document.querySelectorAll(${JSON.stringify(selector)})].map((link) => {
        link.click();
        return [text(link) || text(link.closest("h2")), text(document.querySelector(":target"))];
      });
    })()`);
    expect(led.length).toBeGreaterThanOrEqual(Object.keys(headings).length);
    expect(led.filter(([name, target]) => name.replace(/#$/, "") !== target.replace(/#$/, ""))).toEqual([]);
  });
});
