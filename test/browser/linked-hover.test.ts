/** Linked curves in headless Chromium: a mouse over one panel tells the values of all, and the picture stands where scripts do not run. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { displaySymbol, linkedCurves, type PlotlyFigure, plotly } from "../../lib/convbook/display/index.ts";
import { metadataSymbol } from "../../lib/convbook/display/mime.ts";
import { type MimeBundle, type Notebook, toHtml } from "../../lib/runner/index.ts";
import { browserProgram } from "./support.ts";

/** A page with one figure, or with the figure that its file has. */
function pageOf(figure: PlotlyFigure, data = figure[displaySymbol]() as MimeBundle): Promise<string> {
  const notebook: Notebook = {
    cells: [
      {
        cell_type: "code",
        source: "figure",
        metadata: {},
        execution_count: 1,
        outputs: [
          {
            output_type: "display_data",
            data,
            metadata: figure[metadataSymbol](),
          },
        ],
      },
    ],
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  };
  return toHtml(notebook);
}

const steps = Array.from({ length: 101 }, (_, i) => i);
const linked = linkedCurves({
  panels: {
    loss: { ResNet: steps.map((i) => 2 - i / 100), DenseNet: steps.map((i) => 3 - i / 100) },
    accuracy: { ResNet: steps.map((i) => i / 100), DenseNet: steps.map((i) => i / 200) },
    rate: { ResNet: steps.map((i) => 0.001 * i) },
  },
  title: "Two networks",
});

describe.runIf(existsSync(browserProgram))("linked curves in Chromium", () => {
  const folder = mkdtempSync(join(tmpdir(), "linked-"));
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: browserProgram, args: ["--no-sandbox", "--disable-gpu"] });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What is shown while the mouse is in the middle of one of the panels. */
  async function pointedAt(figure: PlotlyFigure, panel: number): Promise<{ texts: string[]; spikes: number }> {
    const path = join(folder, "page.html");
    writeFileSync(path, await pageOf(figure));
    const page = await browser.newPage({ viewport: { width: 1000, height: 1000 } });
    try {
      await page.goto(pathToFileURL(path).href, { waitUntil: "commit", timeout: 300_000 });
      const plot = page.locator(".js-plotly-plot");
      const areas = plot.locator(".draglayer .nsewdrag");
      await areas.nth(panel).waitFor({ state: "attached", timeout: 300_000 });
      const box = await areas.nth(panel).boundingBox();
      if (box === null) {
        throw new Error("the panel is not shown");
      }
      const texts = plot.locator(".hoverlayer .legendtext, .hoverlayer .legendtitletext, .hoverlayer .hovertext text");
      for (let moved = 0; (await texts.count()) === 0 && moved < 100; moved++) {
        // Plotly looks at some movements only.
        await page.mouse.move(box.x + box.width / 2 + (moved % 2), box.y + box.height / 2);
        await page.waitForTimeout(100);
      }
      return { texts: await texts.allTextContents(), spikes: await plot.locator(".hoverlayer .spikeline").count() };
    } finally {
      await page.close();
    }
  }

  it("tells the values of all panels at the place that is pointed at, in any of them", async () => {
    for (const panel of [0, 2]) {
      const { texts, spikes } = await pointedAt(linked, panel);
      const [at = "", ...values] = texts;
      const step = Number(at);
      expect(step, texts.join(" | ")).toBeGreaterThan(40);
      expect(step).toBeLessThan(60);
      expect(new Set(values)).toEqual(
        new Set([
          `loss, ResNet: ${Number((2 - step / 100).toPrecision(4))}`,
          `loss, DenseNet: ${Number((3 - step / 100).toPrecision(4))}`,
          `accuracy, ResNet: ${step / 100}`,
          `accuracy, DenseNet: ${step / 200}`,
          `rate, ResNet: ${Number((0.001 * step).toPrecision(4))}`,
        ]),
      );
      expect(spikes).toBeGreaterThan(0);
    }
  }, 900_000);

  it("does not where a figure leaves that out", async () => {
    const { data, layout } = linked;
    const { hoversubplots: _left, ...alone } = layout;
    const { texts } = await pointedAt(plotly(data, alone), 0);
    expect(texts.filter((text) => /^(accuracy|rate)/.test(text))).toEqual([]);
    expect(texts.some((text) => text.startsWith("loss"))).toBe(true);
  }, 900_000);

  it("keeps to a figure's own config, but for addresses", async () => {
    const config = {
      displayModeBar: true,
      modeBarButtonsToRemove: ["zoom2d"],
      plotlyServerURL: "https://plotly.invalid",
      showSendToCloud: true,
    };
    const mimetype = "application/vnd.plotly.v1+json";
    const bundle = linked[displaySymbol]() as MimeBundle;
    const path = join(folder, "config.html");
    writeFileSync(path, await pageOf(linked, { ...bundle, [mimetype]: { ...(bundle[mimetype] as object), config } }));
    const page = await browser.newPage({ viewport: { width: 1000, height: 1000 } });
    await page.goto(pathToFileURL(path).href, { waitUntil: "commit", timeout: 300_000 });
    const bar = page.locator(".js-plotly-plot .modebar");
    await bar.waitFor({ state: "visible", timeout: 300_000 });
    const titles = await bar
      .locator("[data-title]")
      .evaluateAll((all) => all.map((each) => each.getAttribute("data-title")));
    expect(titles).toContain("Pan");
    expect(titles).not.toContain("Zoom");
    expect(titles.filter((title) => /plotly|cloud|edit/i.test(title ?? ""))).toEqual([]);
    await page.close();
  }, 900_000);
});
