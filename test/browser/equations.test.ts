/** The numbers of equations beside those of MathJax 2, which Jupyter and nbconvert show formulas with, in headless Chromium. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toHtml } from "../../lib/runner/index.ts";
import { browserProgram } from "./support.ts";

/** Debian's package libjs-mathjax, which its Notebook depends on. */
const mathjax = "/usr/share/javascript/mathjax/MathJax.js";
const there = existsSync(browserProgram) && existsSync(mathjax);
if (!there) {
  console.warn("Left out: equations beside MathJax's (apt-get install chromium libjs-mathjax)");
}

/** As nbconvert's template and Notebook 6 configure it. */
const settings = {
  TeX: { equationNumbers: { autoNumber: "AMS", useLabelIds: true } },
  tex2jax: {
    inlineMath: [["$", "$"]],
    displayMath: [["$$", "$$"]],
    processEscapes: true,
    processEnvironments: true,
  },
};

/** Cells of notebooks; a reference stands between formulas. */
const cases: Readonly<Record<string, readonly string[]>> = {
  "one equation": [String.raw`\begin{equation} x \label{a} \end{equation}`, String.raw`\eqref{a} and \ref{a}`],
  "before and behind, over cells": [
    String.raw`see \eqref{b}`,
    String.raw`\begin{equation}\label{a} x \end{equation}`,
    String.raw`\begin{equation} y \label{b}\end{equation}`,
    String.raw`\eqref{a}, \eqref{b}`,
  ],
  "rows of an align": [
    "\\begin{align}\na &= b \\label{a} \\\\\nc &= d \\nonumber \\\\\ne &= f \\notag\\\\\ng &= h \\label{g} \\\\\n\\end{align}",
    String.raw`\eqref{a} \eqref{g}`,
  ],
  "tags among numbers": [
    String.raw`\begin{align} a &= b \tag{A} \label{a} \\ c &= d \label{c} \\ e &= f \tag*{B} \label{e} \end{align}`,
    String.raw`\eqref{a} \eqref{c} \eqref{e} \ref{e}`,
  ],
  "two dollars have no number but a tag": [
    "$$ x $$",
    String.raw`$$ y \tag{17} \label{y} $$`,
    String.raw`$$ z \label{z} $$`,
    String.raw`\begin{equation} w \label{w} \end{equation}`,
    String.raw`\eqref{y} \eqref{z} \eqref{w}`,
  ],
  stars: [
    String.raw`\begin{equation*} x \end{equation*}`,
    String.raw`\begin{align*} a &= b \\ c &= d \tag{C} \label{c} \end{align*}`,
    String.raw`\begin{gather*} e \end{gather*}`,
    String.raw`\begin{gather} g \\ h \label{h} \end{gather}`,
    String.raw`\eqref{c} \eqref{h}`,
  ],
  "environments inside": [
    String.raw`\begin{equation} \begin{split} a &= b \\ &= c \end{split} \label{s} \end{equation}`,
    String.raw`\begin{equation} \begin{aligned} a &= b \\ &= c \label{i} \end{aligned} \end{equation}`,
    String.raw`\begin{align} f &= \begin{cases} 1 & x \\ 2 & y \end{cases} \label{f} \\ g &= \begin{pmatrix} 1 \\ 2 \end{pmatrix} \label{g} \end{align}`,
    String.raw`\begin{gather} \begin{aligned} a &= b \\ c &= d \end{aligned} \\ e \end{gather}`,
    String.raw`\eqref{s} \eqref{i} \eqref{f} \eqref{g}`,
  ],
  "braces that hold a row's end": [
    String.raw`\begin{align} \sum_{\substack{i \\ j}} x &= {\textstyle y} \\ a &= b \label{a} \end{align}`,
    String.raw`\eqref{a}`,
  ],
  "one number for many rows": [
    String.raw`\begin{multline} a + b \\ + c \label{m} \end{multline}`,
    String.raw`\begin{multline} a + b \label{n} \\ + c \end{multline}`,
    String.raw`\eqref{m}`,
  ],
  "eqnarray and alignat": [
    String.raw`\begin{eqnarray} a &=& b \label{a} \\ c &=& d \nonumber \\ e &=& f \label{e} \end{eqnarray}`,
    String.raw`\begin{eqnarray*} a &=& b \end{eqnarray*}`,
    String.raw`\begin{alignat}{2} a &= b & c &= d \label{b} \\ e &= f & g &= h \end{alignat}`,
    String.raw`\eqref{a} \eqref{e} \eqref{b}`,
  ],
  "a number taken away": [
    String.raw`\begin{equation} x \nonumber \end{equation}`,
    String.raw`\begin{equation} y \notag \label{y} \end{equation}`,
    String.raw`\begin{equation} z \tag{Z} \nonumber \end{equation}`,
    String.raw`\begin{equation} z \nonumber \tag{Y} \end{equation}`,
    String.raw`\begin{align} a &= b \nonumber \label{b} \\ c &= d \label{c} \end{align}`,
    String.raw`\eqref{y} \eqref{b} \eqref{c}`,
  ],
  "comments and spaces": [
    "\\begin{align}\na &= b % \\label{no} \\\\ \\nonumber\n\\\\[3pt]\nc &= d \\label {c}\n\\end{align}",
    String.raw`\eqref{c}, $\eqref{c}$ and $\text{see } \ref{c}$`,
  ],
  "an empty row in the middle": [String.raw`\begin{align} a \\ \\ b \label{b} \end{align}`, String.raw`\eqref{b}`],
  "in two dollars": [String.raw`$$\begin{align} a &= b \label{a} \\ c &= d \end{align}$$`, String.raw`\eqref{a}`],
  "in one dollar": [
    String.raw`$\begin{equation} a \label{a} \end{equation}$`,
    String.raw`$\begin{align} b &= c \label{b} \\ d &= e \end{align}$`,
    String.raw`$\begin{gather} f \label{f} \end{gather}$ $\begin{multline} g \label{g} \end{multline}$`,
    String.raw`\eqref{a} \eqref{b} \eqref{f} \eqref{g}`,
  ],
  "names with odd letters": [
    String.raw`\begin{equation} x \label{eq:a b_1} \end{equation}`,
    String.raw`$$ y \tag{$\ast$} \label{ö} $$`,
    String.raw`\eqref{eq:a b_1} \eqref{ö}`,
  ],
  "within text, behind one another, with lines that Markdown would take": [
    String.raw`Let \begin{equation} x \label{a} \end{equation} hold; \begin{equation} y \end{equation}.`,
    "\\begin{equation}\nz\n\\end{equation}\n\\begin{align}\na\n+ b\\\\\n- c\n= d\n---\n\\label{d}\n\\end{align} where \\eqref{a}",
    "- item\n  \\begin{equation}\n    w \\label{w}\n  \\end{equation}\n- \\eqref{w} \\eqref{d}",
    String.raw`$ A = \begin{pmatrix} 1 \\ 2 \end{pmatrix} $ and \begin{equation} v \end{equation}`,
  ],
  "what there is not": [String.raw`\eqref{nowhere} \ref{nowhere}`],
};

describe.runIf(there)("equations are numbered as MathJax numbers them", () => {
  const folder = mkdtempSync(join(tmpdir(), "equations-"));
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: browserProgram, args: ["--no-sandbox", "--disable-gpu"] });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a page and gives what an expression in it is worth, once another one is true. */
  async function inPage<T>(html: string, ready: string, expression: string): Promise<T> {
    const path = join(folder, "page.html");
    writeFileSync(path, html);
    const page = await browser.newPage();
    try {
      await page.goto(pathToFileURL(path).href);
      await page.waitForFunction(ready, undefined, { timeout: 300_000 });
      return (await page.evaluate(expression)) as T;
    } finally {
      await page.close();
    }
  }

  const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

  it.each(Object.entries(cases))(
    "%s",
    async (_, sources) => {
      const theirs = await inPage<{ tags: string; references: string[] }>(
        `<!DOCTYPE html><meta charset="utf-8"><body>${sources.map((source) => `<div>${escaped(source)}</div>`).join("\n")}
<script>window.MathJax = ${JSON.stringify(settings)};
MathJax.AuthorInit = () => MathJax.Hub.Register.StartupHook("End", () => MathJax.Ajax.Require("[MathJax]/extensions/toMathML.js", () => { window.done = true; }));
</script><script src="${pathToFileURL(mathjax)}?config=TeX-AMS_HTML-full"></script>`,
        "window.done === true",
        `(() => {
        const trees = MathJax.Hub.getAllJax().map((jax) => new DOMParser().parseFromString(
          jax.root.toMathML("").replace(/&nbsp;/g, " ").replace(/ xlink:href="[^"]*"/g, ""), "text/xml"));
        const texts = (query) => trees.flatMap((tree) => [...tree.querySelectorAll(query)].map((one) => one.textContent.replace(/\\s/g, "")));
        return { tags: texts("mlabeledtr > mtd:first-child").join(""), references: texts(".MathJax_ref") };
      })()`,
      );
      const notebook = {
        cells: sources.map((source) => ({ cell_type: "markdown" as const, metadata: {}, source })),
        metadata: {},
        nbformat: 4,
        nbformat_minor: 5,
      };
      const ours = await inPage<{ tags: string; references: string[]; broken: string[]; lost: number; errors: number }>(
        await toHtml(notebook),
        "true",
        `(() => {
        const texts = (query) => [...document.querySelectorAll(query)].map((one) => {
          const copy = one.cloneNode(true);
          copy.querySelectorAll(".katex-mathml").forEach((hidden) => hidden.remove());
          return copy.textContent.replace(/[\\s\\u200b]/g, "");
        });
        const links = [...document.querySelectorAll(".equation, .katex-html a")];
        return {
          tags: texts(".katex-html .tag").join(""),
          references: texts(".equation, .katex-html a"),
          broken: links.filter((a) => a.tagName === "A" && document.getElementById(decodeURIComponent(a.hash.slice(1))) === null).map((a) => a.hash),
          errors: document.querySelectorAll(".katex-error").length,
        };
      })()`,
      );
      expect(ours).toEqual({ ...theirs, broken: [], errors: 0 });
    },
    120_000,
  );
});
